"""COPY and ADD as steps: what is selected is known by its content; only what the cache does not have becomes a new layer."""

from __future__ import annotations

import posixpath
from contextlib import ExitStack

from labcore.builder.copy.archive import layer_archive
from labcore.builder.copy.download import downloaded, is_git, is_url
from labcore.builder.copy.selection import select
from labcore.builder.copy.sources import InlineFiles
from labcore.builder.events import StepOutput
from labcore.builder.layers import layer_of_archive
from labcore.builder.parser.instructions import Add
from labcore.storage.files import of_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.builder.copy.selection import Selection
    from labcore.builder.events import Step
    from labcore.builder.layers import NewLayer
    from labcore.builder.parser.instructions import Copy
    from labcore.builder.stage_work import StageWork


def carry_out(work: StageWork, instruction: Copy, step: Step) -> bool:
    """Add the layer of a COPY or an ADD; return whether it was in the cache. Raises InvalidInput."""
    with ExitStack() as undo:
        words = [work.expanded(word) for word in instruction.sources]
        destination = absolute(work.expanded(instruction.destination), work.state.config.workdir)
        owner, mode = work.expanded(instruction.owner), work.expanded(instruction.mode)
        unpack = instruction.unpack if isinstance(instruction, Add) else False  # None: all but downloads
        selections = list(_selections(work, instruction, words, step, undo))

        def make() -> NewLayer | None:
            engine = work.shared.engine
            with engine.layers.using(), of_root(work.root()) as root:
                archive = layer_archive(
                    selections,
                    root,
                    destination,
                    owner=owner,
                    mode=mode,
                    unpack=unpack,
                    linked=instruction.is_linked,
                    epoch=work.shared.options.epoch,
                    command=instruction.name,
                )
                return work.shared.kept(layer_of_archive(engine, archive))

        epoch = work.shared.options.epoch
        content = [destination, owner, mode, unpack, epoch, [each.digest for each in selections]]
        parent = "" if instruction.is_linked else None
        key = work.key(instruction, "copy", content, reads=content, beside=[epoch], parent=parent)
        return work.add_layer(key, instruction.source, make, kind="source.local", is_linked=instruction.is_linked)


def absolute(path: str, workdir: str) -> str:
    """Return a path of the image, from its root; a slash at its end, which says that it is a directory, stays."""
    is_directory = path.endswith(("/", "/.")) or path in (".", "")
    plain = posixpath.normpath(posixpath.join("/", workdir, path))
    return f"{plain.rstrip('/')}/" if is_directory else plain


def _selections(
    work: StageWork, instruction: Copy, words: list[str], step: Step, undo: ExitStack
) -> Iterator[Selection]:  # fmt: skip
    urls = [word for word in words if isinstance(instruction, Add) and (is_url(word) or is_git(word))]
    plain = [word for word in words if word not in urls]
    excluded = tuple(work.expanded(word) for word in instruction.excluded)
    if plain:
        source = undo.enter_context(work.origins.source(instruction.origin, work.stage, step))
        yield select(source, plain, excluded=excluded, keeps_parents=instruction.keeps_parents, command=instruction.name)
    for url in urls:
        place, checksum = work.shared.engine.root / "builder", work.expanded(instruction.checksum)

        def received(size: int, url: str = url) -> None:
            work.shared.tell(StepOutput(step, "status", f"Downloading {url} {size}\n".encode()))

        yield select(undo.enter_context(downloaded(url, place, checksum=checksum, received=received)), ["*"])
    for heredoc in instruction.heredocs:
        content = work.shared.heredoc(heredoc, work.variables())
        yield select(InlineFiles({heredoc.name: content}), [heredoc.name])
