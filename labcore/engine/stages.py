"""Stages of a learner's: the functions of a Python file that take the place of the launch's stages of their names.

The file is the learner's own program, `my_runtime.py`, and runs in the daemon: whatever is wrong with it fails the start of a
container, with a message that names its line, and nothing else.
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from types import CodeType, FunctionType
from typing import Any, Final

from labcore.errors import InvalidInput, LabcoreError
from labcore.runtime import STAGES, Stage
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import check_fields, ops_of
from labcore.spec import ContainerSpec

BUILDER: Final = (
    "parse",
    "apply",
    "build",
    "cache_key",
)  # functions that take the place of the builder's: `labcore.builder.learners`


class StagesFile:
    """The stages that a file defines, and its functions of a builder, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InvalidInput(f"stages {path}: there is no such file: name your my_runtime.py")
        self.path = path.absolute()
        self._lock = Lock()
        self._read: tuple[object, Mapping[str, Stage], Mapping[str, Callable[..., Any]]] = (None, {}, {})

    def stages(self) -> Mapping[str, Stage]:
        """Return the file's stages by name, as it is now. Raises InvalidInput if it cannot be run.

        The ops of its `limits` come after labcore's own: what is counted, paused and killed with a container is its own cgroup.
        """
        return self._current()[1]

    def of_builder(self) -> Mapping[str, Callable[..., Any]]:
        """Return those of its functions that take a part of the builder's place, by name. Raises InvalidInput, as above.

        What goes wrong in one is an InvalidInput that names its line.
        """
        return self._current()[2]

    def _current(self) -> tuple[object, Mapping[str, Stage], Mapping[str, Callable[..., Any]]]:
        with self._lock:
            version = self._version()
            if version != self._read[0]:
                self._read = (version, *self._load())
            return self._read

    def _version(self) -> object:
        try:
            status = self.path.stat()
        except OSError as error:
            raise InvalidInput(f"{self.path}: {error.strerror}: the container's stages are in there") from None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _load(self) -> tuple[Mapping[str, Stage], Mapping[str, Callable[..., Any]]]:
        namespace: dict[str, Any] = {"__name__": self.path.stem, "__file__": str(self.path)}
        try:
            text = self.path.read_bytes()
            blank = _blank_functions(text, str(self.path))
            exec(compile(text, str(self.path), "exec"), namespace)
        except (Exception, SystemExit) as error:
            raise self._failure("", error) from error
        found = {name: namespace.get(name) for name in (*STAGES, *BUILDER) if name not in blank}
        own = {name: each for name, each in found.items() if self._defines(each)}
        return (
            {name: self._guarded(name, each) for name, each in own.items() if name in STAGES},
            {name: self._explained(name, each) for name, each in own.items() if name in BUILDER},
        )

    def _explained(self, name: str, function: Any) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except LabcoreError:
                raise
            except (Exception, SystemExit) as error:
                raise self._failure(name, error, function.__code__) from error

        return called

    def _defines(self, function: object) -> bool:
        """Return whether a function is the file's own; labcore's references stand in it too."""
        return isinstance(function, FunctionType) and function.__code__.co_filename == str(self.path)

    def _guarded(self, name: str, function: Any) -> Stage:
        def stage(spec: ContainerSpec) -> list[Op]:
            try:
                made = ops_of(function, spec, name)
                check_fields(made)
            except (Exception, SystemExit) as error:
                raise self._failure(name, error, function.__code__) from error
            return [*STAGES[name](spec), *made] if name == "limits" else made

        return stage

    def _failure(self, name: str, error: BaseException, code: CodeType | None = None) -> InvalidInput:
        """Return the error that names the line of the file: the last that ran there, else the function's first."""
        line = _line_in(str(self.path), error) or (code.co_firstlineno if code else 0)
        where = f"{self.path}:{line}" if line else str(self.path)
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        kind = "" if isinstance(error, InvalidInput) else type(error).__name__
        what = ": ".join(filter(None, (f"stage {name}" if name else "", kind, said)))
        return InvalidInput(f"{where}: {what}\n  cure: mend that line; the file is read again at the next start")


def _blank_functions(text: bytes, file: str) -> set[str]:
    """Return the names of the functions that hold nothing but a docstring and `...`. Raises SyntaxError."""
    found = [node for node in ast.parse(text, file).body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in found if all(map(_says_nothing, node.body))}


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _line_in(file: str, error: BaseException) -> int:
    """Return the innermost line of a file that an error came through; 0 if it came from elsewhere."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == file:
            line = at.tb_lineno
        at = at.tb_next
    return line
