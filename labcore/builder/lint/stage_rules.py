"""Rules of what stands in a stage; they need what is known at each line: variables, SHELL, WORKDIR."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress

from labcore.builder.events import Warned
from labcore.builder.image_config import apply
from labcore.builder.lint.closest import closest
from labcore.builder.parser import instructions as ast
from labcore.builder.parser.words import expand, expand_words, variables_in
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
        self.arguments = arguments
        self.escape = escape
        self.scope = Scope(arguments, base.scope.declared if base else {})
        self.config = base.config if base else config
        self.has_workdir = base.has_workdir if base else False
        self._last: dict[type[ast.Instruction], int] = {}

    def check(
        self, stage: Stage, names: Mapping[int, str], ignored: Callable[[str], bool] | None
    ) -> Iterator[Warned]:
        """Yield what is to be said of the instructions; `names` are theirs as they are written, by their lines."""
        for instruction in stage.instructions:
            line = instruction.location.line
            for rule, text in self._said(instruction, names.get(line, instruction.name), ignored):
                yield Warned(text, line, rule)
            if isinstance(instruction, ONCE):
                if before := self._last.get(type(instruction)):
                    yield Warned(_once(names.get(line, instruction.name)), before, "MultipleInstructionsDisallowed")
                self._last[type(instruction)] = line

    def _said(
        self, instruction: ast.Instruction, name: str, ignored: Callable[[str], bool] | None
    ) -> Iterator[tuple[str, str]]:
        if isinstance(instruction, ast.Arg):
            for pair in instruction.pairs:  # the second may ask for the first
                yield from self._undefined([pair.name, pair.value or ""])
                self._quietly(lambda pair=pair: self.scope.declare(pair, self.config, self._expand))
        else:
            yield from self._undefined(_words(instruction), _heredocs(instruction))
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
            self._quietly(lambda: self._apply(instruction))

    def _undefined(self, words: list[str], heredocs: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        asked: set[str] = set()
        for word in words:
            self._quietly(lambda word=word: asked.update(variables_in(word, escape=self.escape)))
        for content in heredocs:
            self._quietly(lambda content=content: asked.update(variables_in(content, quotes=False)))
        variables = self.scope.variables(self.config)
        for name in sorted(asked - variables.keys() - self.scope.declared.keys() - SET_BY_THE_BUILDER):
            meant = closest(name, [*self.arguments.before_from(), *variables])
            yield "UndefinedVar", f"Usage of undefined variable '${name}'" + (f" (did you mean ${meant}?)" if meant else "")

    def _workdir(self, instruction: ast.Workdir) -> Iterator[tuple[str, str]]:
        paths: list[str] = []
        self._quietly(lambda: paths.append(self._expand(instruction.path, self.scope.variables(self.config))))
        for path in paths:
            if not self.has_workdir and not path.startswith("/"):
                yield "WorkdirRelativePath", f'Relative workdir "{path}" can have unexpected results if the base image changes'
        self.has_workdir = True

    def _expose(self, instruction: ast.Expose) -> Iterator[tuple[str, str]]:
        found: list[str] = []
        variables = self.scope.variables(self.config)
        for text in instruction.ports:
            self._quietly(lambda text=text: found.extend(expand_words(text, variables, escape=self.escape)))
        for port in found:
            protocol = port.rpartition(":")[2].partition("/")[2]
            if protocol != protocol.lower():
                yield "ExposeProtoCasing", f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            if port.rpartition(":")[0].strip(":"):
                text = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
                yield "ExposeInvalidFormat", text

    def _copy(self, instruction: ast.Copy, ignored: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        verb = "Add" if isinstance(instruction, ast.Add) else "Copy"
        paths: list[str] = []
        for source in instruction.sources:
            self._quietly(lambda source=source: paths.append(self._expand(source, self.scope.variables(self.config))))
        for path in paths:
            plain = posixpath.normpath(path).lstrip("/")
            if "://" not in path and ignored(plain):
                yield "CopyIgnoredFile", f'Attempting to {verb} file "{plain}" that is excluded by .dockerignore'

    def _apply(self, instruction: ast.Instruction) -> None:
        self.config = apply(instruction, self.config, self.scope.variables(self.config), escape=self.escape)

    def _expand(self, word: str, variables: Mapping[str, str]) -> str:
        return expand(word, variables, escape=self.escape)

    @staticmethod
    def _quietly(do: Callable[[], object]) -> None:
        """Do something that fails for words which cannot be expanded: the build says so, and where."""
        with suppress(InvalidInput):
            do()


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


def _heredocs(instruction: ast.Instruction) -> tuple[str, ...]:
    """Return the heredocs that are expanded: those of RUN are the shell's."""
    if isinstance(instruction, ast.Copy):
        return tuple(each.content for each in instruction.heredocs if each.expand)
    return ()


def _secrets(instruction: ast.Arg | ast.Env) -> Iterator[tuple[str, str]]:
    for pair in instruction.pairs:
        if SECRET.search(pair.name) and not NO_SECRET.search(pair.name):
            text = f'Do not use ARG or ENV instructions for sensitive data ({instruction.name} "{pair.name}")'
            yield "SecretsUsedInArgOrEnv", text


def _once(name: str) -> str:
    return f"Multiple {name} instructions should not be used in the same stage because only the last one will be used"
