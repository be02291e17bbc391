"""Build contexts: `lab.context` makes a directory with a Dockerfile and what it copies, below the lesson's own root."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.lab.lessons import LESSONS, current
from labcore.lab.messages import say
from labcore.paths import default_root


def context(files: Mapping[str, str], name: str = "context") -> str:
    """Make a directory with these files, by path and text, in the place of the one that had the name; return its path.

    `docker(f"build -t NAME {directory}")` builds what its Dockerfile says. Raises InvalidInput for a path that leads out of it.
    """
    directory = default_root() / "lab" / "contexts" / f"lesson-{current() or LESSONS[-1].number}" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for path, text in files.items():
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise InvalidInput(say("{path} leads out of the build context: a path within it is wanted", path=path))
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return str(directory)
