"""Rules of what stands in a stage; they need what is known at each line: variables, SHELL, WORKDIR."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress

from labcore.builder.events import Warned
from labcore.builder.image_config import apply
from labcore.builder.lint.closest import closest
from labcore.builder.lint.lenient import asked, expanded, words
from labcore.builder.parser import instructions as ast
from labcore.builder.variables import Scope
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Final

    from labcore.builder.stages import Stage
    from labcore.builder.variables import Arguments
    from labcore.images import Config

SECRET: Final = re.compile(r"(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)")
NO_SECRET: Final = re.compile(r"(?i)(?:_|^)(?:public|file|version)(?:_|$)")
ONCE: Final = (ast.Cmd, ast.Entrypoint, ast.Healthcheck)
SET_BY_THE_BUILDER: Final = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


class StageChecker:
    """A stage, line by line: its rules, and what is known of it so far. One that begins with it knows that too."""

    def __init__(self, arguments: Arguments, escape: str, config: Config, base: StageChecker | None = None) -> None:
        self.escape = escape
        self.scope: Scope = Scope(arguments, base.scope.declared if base else {})
        self.config: Config = base.config if base else config
        self.has_workdir: bool = base.has_workdir if base else False

    def check(self, stage: Stage, names: Mapping[int, str], ignored: Callable[[str], bool] | None) -> Iterator[Warned]:
        """Yield what is to be said of the instructions; `names` are theirs as they are written, by their lines."""
        before: dict[type[ast.Instruction], int] = {}
        for instruction in stage.instructions:
            line, kind = instruction.location.line, type(instruction)
            name = names.get(line, instruction.name)
            for rule, text in self._said(instruction, name, ignored):
                yield Warned(text, line, rule)
            if kind in ONCE:
                if kind in before:
                    text = f"Multiple {name} instructions should not be used in the same stage"
                    text += " because only the last one will be used"
                    yield Warned(text, before[kind], "MultipleInstructionsDisallowed")
                before[kind] = line

    def _said(
        self, instruction: ast.Instruction, name: str, ignored: Callable[[str], bool] | None
    ) -> Iterator[tuple[str, str]]:
        if isinstance(instruction, ast.Arg):
            for pair in instruction.pairs:  # the second may ask for the first
                yield from self._undefined(asked(pair.name, self.escape) | asked(pair.value or "", self.escape))
                self.scope.declare(pair, self.config, lambda word, variables: expanded(word, variables, self.escape))
        else:
            yield from self._undefined(_asked(instruction, self.escape))
        if isinstance(instruction, ast.Arg | ast.Env):
            yield from _secrets(instruction)
        if isinstance(instruction, ast.Env | ast.Label) and any(pair.is_legacy for pair in instruction.pairs):
            yield "LegacyKeyValueFormat", f'"{name} key=value" should be used instead of legacy "{name} key value" format'
        if isinstance(instruction, ast.Cmd | ast.Entrypoint) and instruction.command.is_shell and not self.config.shell:
            text = f"JSON arguments recommended for {name} to prevent unintended behavior related to OS signals"
            yield "JSONArgsRecommended", text
        if isinstance(instruction, ast.Workdir):
            yield from self._workdir(instruction)
        if isinstance(instruction, ast.Expose):
            yield from self._expose(instruction)
        if ignored and isinstance(instruction, ast.Copy) and not instruction.origin:
            yield from self._copy(instruction, ignored)
        if isinstance(instruction, ast.Env | ast.Shell):
            with suppress(InvalidInput):  # which the build says
                self.config = apply(instruction, self.config, self._variables(), escape=self.escape)

    def _variables(self) -> dict[str, str]:
        return self.scope.variables(self.config)

    def _undefined(self, names: set[str]) -> Iterator[tuple[str, str]]:
        variables = self._variables()
        for name in sorted(names - variables.keys() - self.scope.declared.keys() - SET_BY_THE_BUILDER):
            meant = closest(name, variables)
            yield "UndefinedVar", f"Usage of undefined variable '${name}'" + (f" (did you mean ${meant}?)" if meant else "")

    def _workdir(self, instruction: ast.Workdir) -> Iterator[tuple[str, str]]:
        path = expanded(instruction.path, self._variables(), self.escape)
        if not self.has_workdir and not path.startswith("/"):
            yield "WorkdirRelativePath", f'Relative workdir "{path}" can have unexpected results if the base image changes'
        self.has_workdir = True

    def _expose(self, instruction: ast.Expose) -> Iterator[tuple[str, str]]:
        variables = self._variables()
        for port in [port for text in instruction.ports for port in words(text, variables, self.escape)]:
            host, _, container = port.rpartition(":")
            if container.partition("/")[2] != container.partition("/")[2].lower():
                yield "ExposeProtoCasing", f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            if host.strip(":"):
                text = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
                yield "ExposeInvalidFormat", text

    def _copy(self, instruction: ast.Copy, ignored: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        verb = "Add" if isinstance(instruction, ast.Add) else "Copy"
        for path in [expanded(source, self._variables(), self.escape) for source in instruction.sources]:
            plain = posixpath.normpath(path).lstrip("/")
            if "://" not in path and ignored(plain):
                yield "CopyIgnoredFile", f'Attempting to {verb} file "{plain}" that is excluded by .dockerignore'


def _asked(instruction: ast.Instruction, escape: str) -> set[str]:
    """Return the variables that an instruction asks for; those of RUN's heredocs are the shell's."""
    names = {name for word in _words(instruction) for name in asked(word, escape)}
    for heredoc in instruction.heredocs if isinstance(instruction, ast.Copy) else ():
        names |= asked(heredoc.content, "\\", quotes=False) if heredoc.expand else set()
    return names


def _words(instruction: ast.Instruction) -> list[str]:
    """Return the words of an instruction that are expanded."""
    if isinstance(instruction, ast.Env | ast.Label):
        return [word for pair in instruction.pairs for word in (pair.name, pair.value or "")]
    if isinstance(instruction, ast.Copy):
        flags = instruction.owner, instruction.mode, instruction.checksum, *instruction.excluded
        return [*instruction.sources, instruction.destination, *flags]
    if isinstance(instruction, ast.Run):
        return [word for mount in instruction.mounts for word in (mount.source, mount.target, mount.origin, mount.id)]
    if isinstance(instruction, ast.Volume):
        return list(instruction.paths)
    fields = {ast.User: "user", ast.Workdir: "path", ast.StopSignal: "signal"}
    return [getattr(instruction, fields[type(instruction)])] if type(instruction) in fields else []


def _secrets(instruction: ast.Arg | ast.Env) -> Iterator[tuple[str, str]]:
    for pair in instruction.pairs:
        if SECRET.search(pair.name) and not NO_SECRET.search(pair.name):
            text = f'Do not use ARG or ENV instructions for sensitive data ({instruction.name} "{pair.name}")'
            yield "SecretsUsedInArgOrEnv", text
