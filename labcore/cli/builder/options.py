"""docker build's options: their declarations, and a BuildRequest from what was parsed."""

from __future__ import annotations

import os

from labcore.client.build import BuildRequest
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from labcore.cli.flags import Arguments, Parser

SECRET_BYTES: Final = 24 << 10  # all of them travel in one header, as base64
EPOCH: Final = "SOURCE_DATE_EPOCH"
LIMITS: Final = (
    "hosts", "shm_size", "ulimits", "memory", "memory_swap", "cpu_shares", "cpu_period", "cpu_quota", "cpuset_cpus",
    "cpuset_mems",
)  # fmt: skip
PROGRESS: Final = ("auto", "plain", "tty", "rawjson", "quiet")
# flags; the name in the parsed arguments (with a `+` it may be repeated); what stands for its value, none for a switch; help
OPTIONS: Final = (
    ("-f --file", "file", "FILE|-", "the Dockerfile (default: PATH/Dockerfile); - is standard input"),
    ("-t --tag", "tags+", "NAME[:TAG]", "a name of the image"),
    ("-o --output", "outputs+", "DEST", "what becomes of it: a directory for its files, - for an archive of them on standard "
     "output, or type=image|docker|oci|tar|local,dest=PATH"),
    ("-q --quiet", "quiet", "", "print the image's ID alone"),
    ("--progress", "progress", "KIND", "auto (default), tty, plain, rawjson, quiet"),
    ("--build-arg", "build_args+", "NAME[=VALUE]", "a variable of ARG, without VALUE that of this environment"),
    ("--build-context", "build_contexts+", "NAME=WHERE", "a further context for FROM and --from: DIR, docker-image://IMAGE"),
    ("--target", "target", "STAGE", "build that stage of the Dockerfile, and what it needs"),
    ("--label", "labels+", "NAME=VALUE", "a label of the image"),
    ("--platform", "platform", "OS/ARCH", "the machine that it is for (default: this one)"),
    ("--secret", "secrets+", "id=NAME,src=FILE|env=VAR", "a secret for RUN --mount=type=secret"),
    ("--ssh", "ssh+", "ID[=SOCKET]", "refused: keys of an agent are not passed on"),
    ("--no-cache", "no_cache", "", "build every step anew"),
    ("--no-cache-filter", "uncached_stages+", "STAGE", "build every step of that stage anew"),
    ("--cache-from", "cache_from+", "IMAGE", "an image whose steps need not be built again; type=registry,ref=IMAGE"),
    ("--cache-to", "cache_to+", "WHERE", "type=inline: the image can be --cache-from; type=registry,ref=IMAGE"),
    ("--pull", "pull", "", "ask the registry for newer images of FROM"),
    ("--push", "push", "", "upload it to the registry of its name, as type=registry does"),
    ("--load", "load", "", "keep it here (default)"),
    ("--iidfile", "iidfile", "FILE", "write the image's ID to a file"),
    ("--metadata-file", "metadata_file", "FILE", "write what it is called, and its digests, to a file, as JSON"),
    ("--check", "check", "", "look at the Dockerfile, print warnings, and build nothing"),
    ("--debug-shell", "debug_shell", "", "if a RUN fails, open a shell in the files that it has left"),
    ("--add-host", "hosts+", "HOST:IP", "a further line of /etc/hosts for RUN"),
    ("--network", "network", "NETWORK", "the network of RUN: default, none, host, or a network's name"),
    ("--shm-size", "shm_size", "SIZE", "of /dev/shm for RUN"),
    ("--ulimit", "ulimits+", "NAME=SOFT[:HARD]", "a resource limit for RUN: setrlimit(2)"),
    ("-m --memory", "memory", "SIZE", "at most so much memory for each RUN"),
    ("--memory-swap", "memory_swap", "SIZE", "memory and swap together; -1: any"),
    ("-c --cpu-shares", "cpu_shares", "N", "the weight of RUN where processors are short"),
    ("--cpu-period", "cpu_period", "USEC", "the period of --cpu-quota"),
    ("--cpu-quota", "cpu_quota", "USEC", "processor time in each period"),
    ("--cpuset-cpus", "cpuset_cpus", "LIST", "the processors that RUN may use, such as 0-2,4"),
    ("--cpuset-mems", "cpuset_mems", "LIST", "the NUMA nodes whose memory RUN may use"),
    ("--cgroup-parent", "cgroup_parent", "PATH", "make the cgroups of RUN below this one"),
    ("--security-opt", "security+", "OPTION", "for Windows; refused"),
    ("--isolation", "isolation", "KIND", "default; the others are for Windows"),
    ("--squash", "squash", "", "refused: layers stay apart"),
    ("--compress", "compress", "", "send the context compressed (gzip)"),
    ("--rm", "rm", "", "as it is: a step's container never stays"),
    ("--force-rm", "force_rm", "", "the same"),
)  # fmt: skip


def arguments(parser: Parser) -> None:
    """Declare them, and PATH."""
    for flags, field, value, line in OPTIONS:
        name, many = field.removesuffix("+"), field.endswith("+")
        if not value:
            parser.add_argument(*flags.split(), dest=name, action="store_true", help=line)
        elif many:
            parser.add_argument(*flags.split(), dest=name, action="append", default=[], metavar=value, help=line)
        else:
            parser.add_argument(*flags.split(), dest=name, default="", metavar=value, help=line)
    parser.add_argument(
        "path", metavar="PATH|URL|-",
        help="the context: a directory, the URL of an archive or of a Dockerfile, or either on standard input",
    )  # fmt: skip


def request_of(args: Arguments, tags: Sequence[str], limits: Mapping[str, Any]) -> BuildRequest:
    """Return what the arguments want, for an image of these names, and with `limits_of` them. Raises InvalidInput."""
    if args.ssh:
        raise InvalidInput(
            "--ssh: keys of an SSH agent are not passed on to a build here\n  cure: --secret id=NAME,src=FILE for a key's file"
        )
    arguments = build_arguments(args.build_args)
    cache_to, inline = _cache_to(args.cache_to)
    return BuildRequest(
        tags=tuple(tags),
        target=args.target,
        platform=args.platform,
        arguments=arguments,
        labels=tuple(_pair("--label", text) for text in args.labels),
        no_cache=args.no_cache,
        uncached_stages=tuple(name for text in args.uncached_stages for name in text.split(",") if name),
        cache_from=tuple(name for text in args.cache_from if (name := _cached_image("--cache-from", text))),
        cache_to=cache_to,
        inline_cache=inline or dict(arguments).get("BUILDKIT_INLINE_CACHE") == "1",
        pull=args.pull,
        secrets=tuple(map(_secret, args.secrets)),
        network=args.network,
        **limits,
        cgroup_parent=args.cgroup_parent,
        security=tuple(args.security),
        isolation=args.isolation,
        squash=args.squash,
        epoch=_epoch(dict(arguments).get(EPOCH)),
        keeps_failed=args.debug_shell,
    )


def build_arguments(texts: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    """Return the variables of --build-arg; SOURCE_DATE_EPOCH is one if it is in the environment, as for buildx."""
    found: dict[str, str | None] = {EPOCH: os.environ[EPOCH]} if os.environ.get(EPOCH) else {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise InvalidInput(f"--build-arg {text}: NAME=VALUE is wanted, or NAME for what it is here")
        found[name] = value if equals else os.environ.get(name)
    return tuple(found.items())


def contexts_of(texts: Sequence[str]) -> dict[str, str]:
    """Return the named contexts of --build-context. Raises InvalidInput."""
    return dict(_pair("--build-context", text, needs_value=True) for text in texts)


def _pair(option: str, text: str, *, needs_value: bool = False) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or (needs_value and not value):
        raise InvalidInput(f"{option} {text}: NAME=VALUE is wanted")
    return name, value if equals else ""


def _epoch(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise InvalidInput(f"{EPOCH}={text}: seconds since 1970 are wanted")
    return int(text)


def limits_of(args: Arguments) -> dict[str, Any]:
    """Return the fields for limits of RUN, and its hosts; resources have the API's names.

    Raises InvalidInput for these values, and for names of the image, which docker looks at before everything else.
    """
    for tag in args.tags:
        from labcore.spec import Reference  # whose patterns take 4 ms to import

        Reference.parse(tag)
    given = {name: getattr(args, name) for name in LIMITS}
    if not any(given.values()):
        return {}
    from labcore.options import limits, values  # few builds have any

    read = {
        "memory": values.size("--memory", args.memory or 0),
        "memswap": values.size_or_unlimited("--memory-swap", args.memory_swap or 0),
        "cpushares": limits.cpu_shares("--cpu-shares", args.cpu_shares or 0),
        "cpuperiod": values.number("--cpu-period", args.cpu_period or 0),
        "cpuquota": values.number("--cpu-quota", args.cpu_quota or 0, -1),
        "cpusetcpus": limits.cpu_set("--cpuset-cpus", args.cpuset_cpus),
        "cpusetmems": limits.cpu_set("--cpuset-mems", args.cpuset_mems),
    }
    return {
        "hosts": tuple(f"{host}:{address}" for host, address in limits.extra_host("--add-host", args.hosts)),
        "shm_size": values.size("--shm-size", args.shm_size or 0),
        "ulimits": tuple(limits.ulimit("--ulimit", text) for text in args.ulimits),
        "resources": tuple((name, value) for name, value in read.items() if value),
    }


def _csv(option: str, text: str) -> dict[str, str]:
    """Read `NAME=VALUE,…`. Raises InvalidInput."""
    found = dict(word.partition("=")[::2] for word in text.split(","))
    if "" in found:
        raise InvalidInput(f"{option} {text}: NAME=VALUE,… is wanted")
    return found


def _cached_image(option: str, text: str) -> str:
    """Return the image of a cache; none for `type=inline`. Raises InvalidInput for a cache that is none of an image."""
    if "=" not in text:
        return text
    fields = _csv(option, text)
    kind = fields.get("type", "registry")
    if kind == "inline" and option == "--cache-to":
        return ""
    if kind != "registry":
        raise InvalidInput(
            f"{option} {text}: type={kind} is not known here; registry is" + (", and inline" * (option == "--cache-to"))
        )
    if not fields.get("ref"):
        raise InvalidInput(f"{option} {text}: ref=IMAGE is wanted")
    return fields["ref"]


def _cache_to(texts: Sequence[str]) -> tuple[str, bool]:
    """Return the image that the cache goes to, and whether it goes into the image itself."""
    images = [_cached_image("--cache-to", text) for text in texts]
    if len([image for image in images if image]) > 1:
        raise InvalidInput("--cache-to: one image is wanted")
    return next((image for image in images if image), ""), "" in images


def _secret(text: str) -> tuple[str, bytes]:
    """Return a secret's ID and its bytes: of a file, or of a variable. Raises InvalidInput."""
    fields = _csv("--secret", text)
    if unknown := fields.keys() - {"id", "src", "source", "env", "type"}:
        raise InvalidInput(f"--secret {text}: {min(unknown)} is not known here; there are id, src, env and type")
    name = fields.get("id", "")
    if not name:
        raise InvalidInput(f"--secret {text}: id=NAME is wanted")
    kind, path, variable = fields.get("type", ""), fields.get("src", fields.get("source", "")), fields.get("env", "")
    if kind == "env" and not variable:
        path, variable = "", path or name
    if not path and not variable:
        path, variable = ("", name) if name in os.environ and kind != "file" else (name, "")
    if variable:
        if variable not in os.environ:
            raise InvalidInput(f"--secret {text}: this environment has no variable {variable}")
        return name, os.environb[os.fsencode(variable)]
    return name, _secret_file(text, path)


def _secret_file(text: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read(SECRET_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"--secret {text}: {path}: {error.strerror}") from None
    if len(content) > SECRET_BYTES:
        raise InvalidInput(f"--secret {text}: {path} has more than {SECRET_BYTES >> 10} KiB")
    return content
