"""`labcore image build`: an image from a Dockerfile."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, suppress

from labcore.cli import FAILED
from labcore.cli.builder import options
from labcore.cli.builder.sources import source_of
from labcore.cli.connection import client_of
from labcore.client.build_events import BuildFailed
from labcore.client.contexts import config_directory
from labcore.errors import InvalidInput
from labcore.files import read_bytes, write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from labcore.cli.builder.output import Output
    from labcore.cli.builder.vertices import BuildLog, View
    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client
    from labcore.client.build import BuildRequest
    from labcore.client.build_sources import BuildSource

BAD_VALUE = 125  # docker's status, where an option's own parser refuses its value


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    options.arguments(parser)
    parser.epilog = (
        "What PATH/.dockerignore names is not sent; Dockerfile.dockerignore goes before it. Steps that were built before are "
        "taken from the cache: labcore builder ls. If a step fails, its last lines and its place in the Dockerfile are shown."
    )


def main(args: Arguments) -> int:
    """Build it."""
    if args.check:
        return _check(args)
    try:
        limits = options.limits_of(args)
    except InvalidInput as error:
        print(f"labcore: {error}", file=sys.stderr)
        return BAD_VALUE
    outputs = _outputs(args)
    names = [*args.tags, *(name for each in outputs for name in each.names)]
    request = options.request_of(args, names, limits)
    source = source_of(args.path, dockerfile=args.file, contexts=options.contexts_of(args.build_contexts))
    source.compresses = args.compress
    if args.iidfile:
        with suppress(FileNotFoundError):
            os.unlink(args.iidfile)  # noqa: PTH108  (pathlib takes as long to import as all else here)
    with client_of(args) as client:
        log = _built(client, args, source, request)
        if log is None:
            return FAILED
        _finish(client, args, outputs, log)
    return 0


def _outputs(args: Arguments) -> Sequence[Output]:
    """Return what becomes of the image. Raises InvalidInput."""
    if not (args.outputs or args.push):
        return ()
    from labcore.cli.builder import output  # most images are kept here, and nothing else

    outputs = [output.parse(text) for text in args.outputs]
    if args.push:
        outputs.append(output.parse("type=registry"))
    output.check(outputs)
    if any(each.pushes for each in outputs) and not (args.tags or any(each.names for each in outputs)):
        raise InvalidInput("what is pushed needs a name: -t NAME[:TAG]")
    return outputs


def _built(client: Client, args: Arguments, source: BuildSource, request: BuildRequest) -> BuildLog | None:
    """Build, and show it; return what has happened, or None if it has failed, of which everything is said then."""
    from labcore.cli.builder.vertices import BuildLog

    kind = progress_kind(args)
    view = _view(kind)
    log = BuildLog(view)
    try:
        with _drawing(view, log):
            log.sends(source)
            try:
                for event in client.images.build(source, request, auths=_auths()):
                    log.take(event)
            except BuildFailed as error:
                from labcore.cli.builder.failure import line_of, report

                log.finish(line_of(error.details))
                raise
            finally:
                log.finish()
    except BuildFailed as error:
        print(*report(error, log.vertices, source.text, shown=source.shown, sent=source.dockerfile), sep="\n", file=sys.stderr)
        if error.details.kept_image and args.debug_shell:
            from labcore.cli.builder.debug_shell import open_shell

            open_shell(client, args, error.details.kept_image)
        return None
    if log.warnings and kind not in ("quiet", "rawjson"):
        from labcore.cli.builder.failure import warning_lines

        sys.stderr.write("".join(f"{line}\n" for line in warning_lines(log.warnings)))
    return log


def _auths() -> Mapping[str, Mapping[str, str]]:
    """Return the user's credentials. Who has none does not wait for what reads them."""
    try:
        said = read_bytes(f"{config_directory(os.environ)}/config.json")
    except FileNotFoundError:
        said = b""
    if b'"auths"' not in said and b'"cred' not in said and not os.environ.get("DOCKER_AUTH_CONFIG"):
        return {}
    from labcore.cli.image.auth import registry_auths

    return registry_auths()


def progress_kind(args: Arguments) -> str:
    """Return how progress is shown. Raises InvalidInput."""
    wanted = args.progress or os.environ.get("BUILDKIT_PROGRESS", "") or "auto"
    if wanted not in options.PROGRESS:
        raise InvalidInput(f"--progress {wanted}: {', '.join(options.PROGRESS)}")
    if args.quiet:
        return "quiet"
    if wanted != "auto":
        return wanted
    return "tty" if sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb" else "plain"


def _view(kind: str) -> View:
    if kind == "tty":
        from labcore.cli.builder.live import LiveView

        return LiveView(sys.stderr)
    if kind == "rawjson":
        from labcore.cli.builder.rawjson import RawJSONView  # with hashes

        return RawJSONView(sys.stderr)
    from labcore.cli.builder import plain

    return plain.QuietView() if kind == "quiet" else plain.PlainView(sys.stderr)


def _drawing(view: View, log: BuildLog) -> AbstractContextManager[None]:
    drawing = getattr(view, "drawing", None)
    return drawing(log) if drawing else nullcontext()


def _finish(client: Client, args: Arguments, outputs: Sequence[Output], log: BuildLog) -> None:
    """Do with the image what was asked for, and say which it is."""
    if outputs:
        from labcore.cli.builder import output

        for each in outputs:
            output.write(client, each, log.image_id, log.names)
            if each.pushes:
                output.push(client, log.names)
        if not args.tags and not any(each.keeps_image for each in outputs):
            output.drop_unnamed(client, log.image_id)
    if args.metadata_file:
        write_text(args.metadata_file, _metadata(client, log))
    if args.iidfile:
        write_text(args.iidfile, log.image_id)
    if args.quiet and not any(each.destination == "-" for each in outputs):
        print(log.image_id)


def _metadata(client: Client, log: BuildLog) -> str:
    """Return what --metadata-file has, by BuildKit's names."""
    import json

    from labcore.cli.image.pull import full_name
    from labcore.spec import Reference

    names = ",".join(full_name(Reference.parse(name)) for name in log.names)
    found = client.images.inspect(log.image_id)
    digest = (found.json.get("Descriptor") or {}).get("digest") or log.image_id  # of a manifest, which docker may not have
    known = {"containerimage.config.digest": log.image_id, "containerimage.digest": digest, "image.name": names}
    return json.dumps({name: value for name, value in known.items() if value}, indent=2) + "\n"


def _check(args: Arguments) -> int:
    from labcore.cli.builder.check import check  # with the parser, which else is the daemon's alone

    source = source_of(args.path, dockerfile=args.file, contexts=options.contexts_of(args.build_contexts))
    if source.remote or not source.text:
        raise InvalidInput("--check: a Dockerfile in a directory, or on standard input, is looked at")
    return check(source, options.build_arguments(args.build_args), args.target, sys.stdout)
