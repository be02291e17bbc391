"""Builds for tests: a Dockerfile and files become an image, through the library."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labcore.builder.build import build
from labcore.builder.copy.context import ContextArchive
from labcore.builder.events import Built, Event, StepEnded, StepOutput
from labcore.builder.options import BuildOptions
from labcore.builder.parser import parse
from labcore.engine import Engine
from labcore.images import Image

Content = str | bytes


def context_tar(files: Mapping[str, Content]) -> io.BytesIO:
    """Return a build context of these files; a name that ends in a slash is a directory's, `->` in it makes a link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            path, _, link = name.partition(" -> ")
            entry = tarfile.TarInfo(path.rstrip("/"))
            entry.mode = 0o755 if path.endswith("/") or "bin" in path else 0o644
            entry.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            entry.linkname = link
            data = content.encode() if isinstance(content, str) else content
            entry.size = len(data) if entry.isfile() else 0
            archive.addfile(entry, io.BytesIO(data))
    made.seek(0)
    return made


@dataclass
class Result:
    """What a build has said, and the image."""

    events: list[Event]
    image: Image

    @property
    def output(self) -> bytes:
        return b"".join(each.data for each in self.events if isinstance(each, StepOutput))

    def cached(self) -> list[str]:
        """Return the texts of the steps that were found in the cache."""
        return [each.step.text for each in self.events if isinstance(each, StepEnded) and each.is_cached]


def built(engine: Engine, text: str, files: Mapping[str, Content] = {}, **options: Any) -> Result:
    """Build an image of a Dockerfile's text."""
    directory = engine.root / "builder"
    directory.mkdir(exist_ok=True, mode=0o700)
    with ContextArchive.spooled(context_tar(files), directory) as context:
        events = list(build(engine, parse(text), context, BuildOptions(**options)))
    last = events[-1]
    assert isinstance(last, Built)
    return Result(events, last.image)
