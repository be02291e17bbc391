"""Steps: `@lab.step` on an exercise's function; filled in, it becomes a part of `my_runtime.py`."""

import ast
import inspect
import linecache
import sys
import textwrap
import types
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from labcore.errors import InvalidInput, LabcoreError
from labcore.lab.lessons import all_steps, current, lesson_of, lessons_of
from labcore.lab.messages import say
from labcore.lab.program import functions, lines_of, marked, outdated, version
from labcore.lab.solutions import solution
from labcore.lab.workspace import NAME, CannotRead, CannotSave, Workspace, default_workspace

F = TypeVar("F", bound=Callable[..., Any])
MODULE = "my_runtime"
UNSAVED: set[str] = set()  # steps whose cells have been run, but stopped before they were saved


def step(function: F) -> F:
    """Bind an exercise's function: a blank to labcore's solution; one that is filled in is saved to `my_runtime.py`.

    The function that is returned lives in the module `my_runtime`, among the other steps.
    """
    name = function.__name__
    number = lesson_of(name, current()).number
    workspace = default_workspace()
    source = _source(function)
    UNSAVED.discard(name)
    earlier = _version_there(workspace, name)
    if is_blank(source):
        bound = _bound(load(workspace), name, function)
        if not is_reference(bound):
            print(say("{name}: a blank here; what you saved earlier in {file} stays in use.", name=name, file=NAME))
        elif earlier:
            print(
                say(
                    "{name}: a blank. Until you fill it in, labcore's own is used, not yours of lesson {n}.",
                    name=name,
                    n=earlier,
                )
            )
        else:
            print(say("{name}: a blank. Until you fill it in, labcore's own is used.", name=name))
        return bound
    source = marked(name, source, number)
    try:
        saved = workspace.save(name, source, number)
    except CannotSave as error:
        if not isinstance(error, CannotRead):  # else `load` says it
            print(error)
        module = load(workspace)
        exec(compile(source, f"{NAME} (not saved)", "exec"), module.__dict__)
        return _bound(module, name, function)
    print("\n".join(filter(None, (saved.remark, _place(name, number, earlier)))))
    return _bound(load(workspace), name, function)


def _place(name: str, number: int, there: int) -> str:
    """Return where a step of lesson `number` was saved, and which version later lessons use; `there`: the one in the file."""
    if there > number:
        return say(
            "{name}: saved for lesson {number}. Later lessons use what you wrote in lesson {later}, which does this too.",
            name=name,
            number=number,
            later=there,
        )
    anew = [each.number for each in lessons_of(name) if each.number > number]
    later = say("From lesson {n} on, which writes it anew, another version takes its place.", n=anew[0]) if anew else ""
    return "\n".join(filter(None, (say("{name}: saved in {file}.", name=name, file=NAME), later)))


def is_blank(source: str) -> bool:
    """Return whether a function has no statement but its docstring and `...`."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    rest = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return all(isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)) for s in rest)


def fill_in(namespace: dict[str, Any], names: Iterable[str] | None = None, at: int | None = None) -> None:
    """Define labcore's own version of every step (or of those named), as if it stood in the program whose names these are.

    `my_runtime.py` begins with this; what it defines itself comes later and wins. A reference that calls another step calls
    the program's: each copy looks names up in that program. `at`: as it is in that lesson.
    """
    for name in all_steps() if names is None else names:
        namespace[name] = copied(solution(name, at), namespace)


def run_text(namespace: dict[str, Any], text: str, file: str, at: int | None) -> None:
    """Run `my_runtime.py` as it counts in lesson `at`: labcore's own stands in for what an earlier lesson's cannot do yet."""
    exec("from labcore.lab.vocabulary import *", namespace)
    fill_in(namespace, at=at)
    exec(compile(text, file, "exec"), namespace)
    own = {name: source for name, (_, _, source) in functions(text).items() if name in all_steps()}
    fill_in(namespace, [name for name in all_steps() if is_reference(namespace[name])] + outdated(own, at), at)


def run_as_program(namespace: dict[str, Any]) -> NoReturn:
    """Be `python my_runtime.py`: call its `main` with the command line, and end with the code that it returns.

    What was written in a lesson whose version a later one has replaced is labcore's own here, as in the later one's notebook.
    """
    text = Path(namespace["__file__"]).read_text(encoding="utf-8")
    own = {name: source for name, (_, _, source) in functions(text).items() if name in all_steps()}
    fill_in(namespace, outdated(own, None))
    try:
        sys.exit(namespace["main"](sys.argv[1:]))
    except LabcoreError as error:
        sys.exit(f"{NAME}: {error}")


def copied(function: Callable[..., Any], namespace: dict[str, Any]) -> Callable[..., Any]:
    """Return a function with the same code that looks its names up in `namespace`."""
    assert isinstance(function, types.FunctionType)
    copy = types.FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    copy.__doc__ = function.__doc__
    copy.__dict__["reference"] = True
    return copy


def is_reference(function: Callable[..., Any]) -> bool:
    """Return whether a function is labcore's own version of a step."""
    return getattr(function, "reference", False) is True


def lives_in(function: Callable[..., Any], file: Path) -> bool:
    """Return whether a function is one that was read from this file."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == str(file)


def load(workspace: Workspace) -> types.ModuleType:
    """Run `my_runtime.py`, or nothing if there is none yet, and return it as a module, always the same one.

    What was bound earlier keeps working, and meets the steps as they are now. A file that cannot be run is said so, and all
    its steps are labcore's own.
    """
    module = sys.modules.setdefault(MODULE, types.ModuleType(MODULE, "The learner's runtime."))
    namespace = module.__dict__
    namespace["__file__"] = str(workspace.file)
    try:
        text = workspace.text(current())
    except CannotRead as error:
        print(error)
        text = ""
    linecache.cache[str(workspace.file)] = (len(text), None, lines_of(text), str(workspace.file))
    try:
        run_text(namespace, text, str(workspace.file), current())
    except (Exception, SystemExit) as error:
        fill_in(namespace, at=current())
        print(say("{name} cannot be run: {error}. Until that is mended, labcore's own steps are used.", name=NAME, error=error))
    return module


def _version_there(workspace: Workspace, name: str) -> int:
    """Return in which lesson the saved text of a step was written; 0 if none is saved, or the file cannot be read."""
    with suppress(SyntaxError, ValueError, CannotRead):
        if text := workspace.steps().get(name):
            return version(name, text)
    return 0


def _bound(module: types.ModuleType, name: str, function: F) -> F:
    bound: F = module.__dict__.get(name, function)
    return bound


def _source(function: Callable[..., Any]) -> str:
    """Return a function's text as it stands in its cell, without the decorator."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except OSError:
        raise InvalidInput(say("the text of {name} is not to be found: write it in a cell", name=function.__name__)) from None
    tree = ast.parse(text)
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        raise LabcoreError(say("{name} is no function: a step is one", name=function.__name__))
    return "".join(lines_of(text)[node.lineno - 1 : node.end_lineno])
