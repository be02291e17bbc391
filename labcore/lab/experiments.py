"""Experiments with Dockerfiles: `build = lab.builds(daemon)`, then `build("FROM busybox")`.

An experiment has the daemon build a Dockerfile, and then once more as far as each of its lines, all from the cache: that shows
what each line has done to the image's config, and which files are in the layer that it has made.
"""

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from labcore.builder.parser import parse
from labcore.client import Client, connect
from labcore.client.build_events import BuildFailed, Built, StepEnded, StepOutput
from labcore.errors import LabcoreError
from labcore.images import Image, ImageStore
from labcore.lab.daemons import RunningDaemon
from labcore.lab.experiment_table import Experiment, Line
from labcore.lab.messages import say
from labcore.lab.pictures.layer_files import size
from labcore.spec import DEFAULT_PATH

Files = Mapping[str, str | bytes]
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
USUAL: Final = {"Env": [f"PATH={DEFAULT_PATH}"], "WorkingDir": "/"}  # of a base, which is not worth a line
SHOWN_CONTENT: Final = 40  # bytes of a file that are shown in place of their number


class Experiments:
    """Builds of a daemon's."""

    def __init__(self, daemon: RunningDaemon) -> None:
        self._daemon = daemon

    def __call__(self, text: str, files: Files | None = None, *, tag: str = "try", **options: Any) -> Experiment:
        """Build a Dockerfile with these files as its context, by their paths; the image's name is `tag`.

        `options` are fields of labcore.client.build.BuildRequest: `arguments={"V": "2"}`, `no_cache=True`, `target="x"`,
        `secrets={"key": b"…"}`. What fails is shown at its line.
        Raises DockerfileError for a text that is no Dockerfile.
        """
        text = text.strip() + "\n"
        with TemporaryDirectory() as directory, connect(self._daemon.url) as client:
            context = Path(directory, "context")
            write_context(context, {"Dockerfile": text, **(files or {})})
            return _Build(client, self._daemon.root, context, options).carried_out(text, tag)


def builds(daemon: RunningDaemon) -> Experiments:
    """Return what builds Dockerfiles on a lesson's daemon, and shows what each line does."""
    return Experiments(daemon)


def write_context(directory: Path, files: Files) -> None:
    """Write files of a build's context; one that begins with `#!` can be run."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        held = content.encode() if isinstance(content, str) else content
        path.write_bytes(held)
        path.chmod(0o755 if held.startswith(b"#!") else 0o644)


class _Build:
    """One experiment."""

    def __init__(self, client: Client, root: str, directory: Path, options: Mapping[str, Any]) -> None:
        self._client = client
        self._store = ImageStore(Path(root, "images"))
        self._directory = directory
        self._options = options
        self.cached: set[int] = set()
        self.output: dict[int, str] = {}

    def carried_out(self, text: str, tag: str) -> Experiment:
        """Build, and look at what each line has done."""
        instructions = parse(text.encode()).instructions
        failed, failure, last = 0, "", ""
        try:
            last = self._built(text, tag, dict(self._options))
        except BuildFailed as error:
            failed, failure = error.details.line or _line_of(error.details.place), str(error).partition(" (POST ")[0]
        options = {name: value for name, value in self._options.items() if name not in ("no_cache", "target")}
        rows, before, begun = text.split("\n"), None, False
        lines: list[Line] = []
        for each in instructions:
            first, end = each.location.line, each.location.last_line
            source, begun = "\n".join(rows[first - 1 : end]), begun or each.name == "FROM"
            if failed and end >= failed:
                return Experiment(tag, (*lines, Line(source, failure=failure, output=self.output.get(first, ""))))
            image = self._as_far_as("\n".join(rows[:end]), options, last if each is instructions[-1] else "") if begun else None
            changes = () if image is None else config_changes(None if each.name == "FROM" else before, image)
            added = () if image is None else self._added(None if each.name == "FROM" else before, image)
            lines.append(
                Line(
                    source, changes, added, is_cached=first in self.cached and each.name in ("RUN", "COPY", "ADD", "WORKDIR"),
                    output=self.output.get(first, ""),
                )
            )  # fmt: skip
            before = image or before
        assert before is not None
        return Experiment(tag, tuple(lines), before.config.run_json(), tuple(map(self._store.blob_path, before.layers)))

    def _built(self, text: str, tag: str, options: dict[str, Any]) -> str:
        """Build; return the image's ID. The text lies beside the context, which stays as it is. Raises BuildFailed."""
        part, image = self._directory.with_name("part"), ""
        part.write_text(text, encoding="utf-8")
        for event in self._client.images.build(self._directory, dockerfile=str(part), tags=[tag] if tag else [], **options):
            match event:
                case StepEnded() if event.is_cached and tag:
                    self.cached.add(event.step.line)
                case StepOutput() if tag:
                    self.output[event.step.line] = self.output.get(event.step.line, "") + event.data
                case Built():
                    image = event.image_id
        return image

    def _as_far_as(self, text: str, options: dict[str, Any], known: str) -> Image:
        """Return the image of the first lines; it goes again, unless it is the whole one, which is `known`."""
        made = known or self._built(text, "", options)
        image = self._store.find(made)
        if not known:
            with suppress(LabcoreError):  # it is the base itself, or has other names
                self._client.images.remove(made, prune=False)
        return image

    def _added(self, before: Image | None, image: Image) -> tuple[str, ...]:
        """Return what is in the layers that an image has more than another, a line for each file; of a base, only how many."""
        if before is None:
            whole = size(sum(each.size for each in image.layers))
            return (say("layers of the base: {count}, {size}", count=len(image.layers), size=whole),) if image.layers else ()
        return tuple(line for each in image.layers[len(before.layers) :] for line in layer_lines(self._store.blob_path(each)))


def _line_of(place: str) -> int:
    number = place.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def layer_lines(blob: Path) -> Iterator[str]:
    """Yield a line for each file of a layer; of its directories, for those that hold nothing else."""
    with tarfile.open(blob) as archive:
        members = [member for member in archive.getmembers() if member.name not in ("", ".")]
        parents = {str(Path(member.name).parent) for member in members}
        for member in members:
            path = Path(member.name)
            if path.name == OPAQUE:
                yield f"− {path.parent}/*"
            elif path.name.startswith(WHITEOUT):
                yield f"− {path.with_name(path.name.removeprefix(WHITEOUT))}"
            elif member.isdir():
                if member.name not in parents:
                    yield f"+ {path}/"
            else:
                yield f"+ {path}{_inscription(archive, member)}"


def _inscription(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Return what a short file holds, or how much a longer one; nothing of what is no regular file."""
    if not member.isreg():
        return ""
    file = archive.extractfile(member)
    held = file.read() if file and member.size <= SHOWN_CONTENT else b""
    text = held.decode(errors="replace").strip()
    return f": {text}" if text and text.isprintable() else f" ({size(member.size)})"


def config_of(image: Image) -> dict[str, Any]:
    """Return an image's config, and its author, who is kept beside it."""
    author = {"Author": image.config.author} if image.config.author else {}
    return {**image.config.run_json(), **author}


def config_changes(before: Image | None, image: Image) -> tuple[str, ...]:
    """Return what is different in an image's config, a line for each field, or for each entry of one that has several."""
    old, new = (USUAL if before is None else config_of(before)), config_of(image)
    return tuple(line for name in dict.fromkeys((*old, *new)) for line in _changes(name, old.get(name), new.get(name)))


def _changes(name: str, old: Any, new: Any) -> Iterator[str]:
    if old == new or not (old or new):  # null and nothing are the same
        return
    if name == "Env":
        yield from (f"Env: {line}" for line in new or () if line not in (old or ()))
    elif isinstance(new, dict):
        yield from (f"{name}: {_entry(key, value)}" for key, value in new.items() if (old or {}).get(key, ...) != value)
    else:
        yield f"{name}: {_value(new)}"


def _entry(key: str, value: Any) -> str:
    return f"{key}={value}" if isinstance(value, str) else key


def _value(value: Any) -> str:
    from labcore.json_codec import dumps

    return value if isinstance(value, str) and value else dumps(value)
