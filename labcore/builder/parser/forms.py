"""Forms of the instructions: the words of each become its record, or a Problem says what is wrong with them."""

from __future__ import annotations

import re
from functools import lru_cache

from labcore.builder.parser import instructions as ast
from labcore.builder.parser.durations import health_time
from labcore.builder.parser.errors import Problem, suggestion
from labcore.builder.parser.heredocs import chomped, source_words
from labcore.builder.parser.lexing import list_of, pairs_of, quoted, split_blanks, words_of
from labcore.builder.parser.lines import SPACE
from labcore.builder.parser.mounts import mount_of
from labcore.builder.parser.statements import FIRST, Statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

STAGE: Final = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)
NETWORKS: Final = ("default", "none", "host")
SECURITY: Final = ("sandbox", "insecure")


def instruction_of(statement: Statement) -> ast.Instruction:
    """Return an instruction's record. Raises Problem."""
    form = FORMS.get(statement.name)
    if form is None:
        raise _unknown(statement)
    return form(statement)


def _unknown(statement: Statement) -> Problem:
    written = statement.source[: len(statement.name)]
    return Problem(
        f"unknown instruction: {written}", written, cure=suggestion(written, FORMS) or "instructions are " + ", ".join(FORMS)
    )


def _from(statement: Statement) -> ast.Instruction:
    words = split_blanks(statement.rest)
    if len(words) != 1 and not (len(words) == 3 and words[1].lower() == "as"):
        raise Problem("FROM requires either one or three arguments", cure="FROM IMAGE, or FROM IMAGE AS NAME")
    stage = words[2].lower() if len(words) == 3 else ""
    if stage and not STAGE.fullmatch(stage):
        problem = f"invalid name for build stage: {quoted(words[2])}, name can't start with a number or contain symbols"
        raise Problem(problem, words[2])
    return statement.made(ast.From, {"image": words[0], "platform": statement.values().get("platform", ""), "stage": stage})


def _command(statement: Statement) -> ast.Command:
    rest = statement.rest
    found = list_of(rest) if rest[:1] == "[" else None
    if found is not None:
        return ast.record(ast.Command, {"words": tuple(found)})
    words = (rest,) if rest else ()
    return ast.record(ast.Command, {"words": words, "is_shell": True, "heredocs": statement.heredocs})


_mount: Final = lru_cache(256)(mount_of)  # files have the same cache mount again and again


def _run(statement: Statement) -> ast.Instruction:
    fields: dict[str, Any] = {}
    if statement.flags:
        values = statement.values()
        if "device" in values:
            raise Problem("RUN --device: devices (CDI) cannot be given to a build here", "--device")
        fields["mounts"] = tuple(map(_mount, values.get("mount", ())))
        if values.get("network", "default") not in NETWORKS:
            raise Problem(
                f"invalid network mode {quoted(values['network'])}", "--network", cure=f"one of {', '.join(NETWORKS)}"
            )
        if values.get("security", "sandbox") not in SECURITY:
            raise Problem(
                f"security {quoted(values['security'])} is not valid", "--security", cure=f"one of {', '.join(SECURITY)}"
            )
        fields["network"], fields["security"] = values.get("network", ""), values.get("security", "")
    fields["command"] = _command(statement)
    return statement.made(ast.Run, fields)


def _command_alone(kind: type[ast.Instruction]) -> Callable[[Statement], ast.Instruction]:
    def read(statement: Statement) -> ast.Instruction:
        statement.values()
        return statement.made(kind, {"command": _command(statement)})

    return read


def _shell(statement: Statement) -> ast.Instruction:
    statement.values()
    words = list_of(statement.rest)
    if words is None and statement.rest:
        raise Problem("SHELL requires the arguments to be in JSON form", statement.rest, cure='SHELL ["/bin/bash", "-c"]')
    if not words:
        raise Problem("SHELL requires at least one argument", cure='SHELL ["/bin/bash", "-c"]')
    return statement.made(ast.Shell, {"words": tuple(words)})


def _pairs(kind: type[ast.Instruction]) -> Callable[[Statement], ast.Instruction]:
    def read(statement: Statement) -> ast.Instruction:
        statement.values()
        found = pairs_of(statement.rest, statement.escape, statement.name)
        if not found:
            raise Problem(f"{statement.name} requires at least one argument", cure=f"{statement.name} NAME=VALUE")
        return statement.made(kind, {"pairs": tuple([_pair(name, value, not equals) for name, value, equals in found])})

    return read


def _pair(name: str, value: str | None, is_legacy: bool = False) -> ast.Pair:
    return ast.record(ast.Pair, {"name": name, "value": value, "is_legacy": is_legacy})


def _arg(statement: Statement) -> ast.Instruction:
    statement.values()
    words = words_of(statement.rest, statement.escape)
    if not words:
        raise Problem("ARG requires at least one argument", cure="ARG NAME, or ARG NAME=DEFAULT")
    for word in words:
        if word.startswith("="):
            raise Problem("ARG names can not be blank", word)
    parts = [word.partition("=") for word in words]
    return statement.made(ast.Arg, {"pairs": tuple([_pair(name, value if equals else None) for name, equals, value in parts])})


def _files(statement: Statement) -> dict[str, Any]:
    """Read sources and destination. A heredoc's lines come without their tabs, if it wants that."""
    words = source_words(statement.rest) if statement.heredocs else statement.words()
    if len(words) < 2:
        problem = (
            f"{statement.name} requires at least two arguments, but only one was provided. Destination could not be determined"
        )
        raise Problem(
            problem if words else f"{statement.name} requires at least two arguments",
            cure=f"{statement.name} SOURCE … DESTINATION",
        )
    destination = words[-1]
    if not isinstance(destination, str):
        raise Problem(f"{statement.name} cannot accept a heredoc as a destination", "<<")
    heredocs = [each.replace(content=chomped(each.content)) if each.chomp else each for each in statement.heredocs]
    sources = tuple([word for word in words[:-1] if isinstance(word, str)])
    return {"sources": sources, "destination": destination, "heredocs": tuple(heredocs)}


def _copy(statement: Statement) -> ast.Instruction:
    fields = _files(statement)
    if statement.flags:
        values = statement.values()
        if re.search(r"\$.", values.get("from", "")):
            cure = "name a stage for it: FROM $NAME AS files, and COPY --from=files"
            raise Problem(
                "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope",
                "--from",
                cure=cure,
            )
        if values.get("keep-git-dir"):
            raise Problem(
                "ADD --keep-git-dir: git repositories are not fetched here", "--keep-git-dir", cure="clone it into the context"
            )
        values["exclude"] = tuple(values.get("exclude", ()))
        fields |= {_FIELDS[name]: value for name, value in values.items() if name in _FIELDS}
    return statement.made(ast.Copy if statement.name == "COPY" else ast.Add, fields)


_FIELDS: Final = {
    "from": "origin", "chown": "owner", "chmod": "mode", "link": "is_linked", "parents": "keeps_parents",
    "exclude": "excluded", "checksum": "checksum", "unpack": "unpack",
}  # fmt: skip


def _expose(statement: Statement) -> ast.Instruction:
    statement.values()
    words = split_blanks(statement.rest)
    if not words:
        raise Problem("EXPOSE requires at least one argument", cure="EXPOSE PORT[/PROTOCOL]")
    return statement.made(ast.Expose, {"ports": tuple(words)})


def _volume(statement: Statement) -> ast.Instruction:
    statement.values()
    words = [word.strip(SPACE) for word in statement.words()]
    if not words:
        raise Problem("VOLUME requires at least one argument", cure="VOLUME PATH")
    if "" in words:
        raise Problem("VOLUME specified can not be an empty string", '""')
    return statement.made(ast.Volume, {"paths": tuple(words)})


def _single(kind: type[ast.Instruction], field: str) -> Callable[[Statement], ast.Instruction]:
    def read(statement: Statement) -> ast.Instruction:
        return statement.made(kind, {field: statement.one()})

    return read


def _healthcheck(statement: Statement) -> ast.Instruction:
    values = statement.values()
    first = FIRST.match(statement.rest)
    kind, rest = (first[1], statement.rest[first.end() :]) if first else ("", "")
    if not kind:
        raise Problem("HEALTHCHECK requires at least one argument", cure="HEALTHCHECK CMD COMMAND, or HEALTHCHECK NONE")
    if kind.upper() not in ("NONE", "CMD"):
        raise Problem(
            f"Unknown type {quoted(kind.upper())} in HEALTHCHECK (try CMD)", kind, cure=f"HEALTHCHECK CMD {statement.rest}"
        )
    fields: dict[str, Any] = {
        name.replace("-", "_"): health_time(name, value) for name, value in values.items() if name != "retries"
    }
    fields["retries"] = _retries(values.get("retries", ""))
    if kind.upper() == "NONE":
        if rest:
            raise Problem("HEALTHCHECK NONE takes no arguments", rest)
        return statement.made(ast.Healthcheck, {})
    words = list_of(rest)
    if not words and (words is not None or not rest):
        raise Problem("Missing command after HEALTHCHECK CMD", kind)
    fields |= {"kind": "CMD" if words else "CMD-SHELL", "words": tuple(words or [rest])}
    return statement.made(ast.Healthcheck, fields)


def _retries(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[-+]?[0-9]{1,10}", text, re.ASCII) or int(text) >= 1 << 31:
        raise Problem(f"--retries={text}: a whole number is wanted", "--retries")
    if int(text) < 0:
        raise Problem(f"--retries cannot be negative ({int(text)})", "--retries")
    return int(text)


def _onbuild(statement: Statement) -> ast.Instruction:
    statement.values()
    if not statement.rest:
        raise Problem("ONBUILD requires at least one argument", cure="ONBUILD INSTRUCTION …")
    trigger = Statement.of(statement.rest, statement.escape)
    if trigger.name == "ONBUILD":
        raise Problem("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger.name in ("FROM", "MAINTAINER"):
        raise Problem(f"{trigger.name} isn't allowed as an ONBUILD trigger", statement.rest.split()[0])
    trigger.heredocs, trigger.location = statement.heredocs, statement.location
    text = statement.rest + "".join(f"\n{each.content}{each.name}" for each in statement.heredocs)
    return statement.made(ast.Onbuild, {"trigger": text, "instruction": instruction_of(trigger)})


FORMS: Final[dict[str, Callable[[Statement], ast.Instruction]]] = {
    "FROM": _from,
    "RUN": _run,
    "CMD": _command_alone(ast.Cmd),
    "LABEL": _pairs(ast.Label),
    "MAINTAINER": _single(ast.Maintainer, "author"),
    "EXPOSE": _expose,
    "ENV": _pairs(ast.Env),
    "ADD": _copy,
    "COPY": _copy,
    "ENTRYPOINT": _command_alone(ast.Entrypoint),
    "VOLUME": _volume,
    "USER": _single(ast.User, "user"),
    "WORKDIR": _single(ast.Workdir, "path"),
    "ARG": _arg,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _single(ast.StopSignal, "signal"),
    "HEALTHCHECK": _healthcheck,
    "SHELL": _shell,
}
