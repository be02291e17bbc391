"""Tripwires spring under each name of what they guard, whatever decorators have made of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import FunctionType

import pytest

from labcore.lab.checks import tripwires
from labcore.lab.lessons import LESSONS


def plain(number: int) -> int:
    return number


also = plain  # another name for it


@cache
def cached(number: int) -> int:
    return number


@contextmanager
def managed() -> Iterator[int]:
    yield 1


class Base:
    def __init__(self) -> None:
        self.made = True


class Store(Base):
    def __init__(self) -> None:
        super().__init__()  # a closure: `__class__`

    @classmethod
    def of(cls) -> "Store":
        return cls()

    @staticmethod
    def still() -> int:
        return 1

    @property
    def size(self) -> int:
        return 1


def enclosing(number: int) -> Callable[[], int]:
    def closure() -> int:
        return number

    return closure


closure = enclosing(1)
USES: dict[str, tuple[tripwires.Target, Callable[[], object]]] = {
    "another name": (plain, lambda: also(1)),
    "a copy": (plain, lambda: FunctionType(plain.__code__, {})(1)),
    "a cache": (cached, lambda: cached(1)),
    "a context manager": (managed, lambda: managed().__enter__()),
    "a constructor": (Store, Store),
    "a class method": (Store, Store.of),
    "a static method": (Store, Store.still),
    "a property": (Store, lambda: Store.__new__(Store).size),
    "one method": (Base.__init__, Base),
    "a closure": (closure, lambda: closure()),
}


@pytest.fixture
def _whole() -> Iterator[None]:
    """Give the functions their code back."""
    kept = {each: each.__code__ for way, _ in USES.values() for each in tripwires.functions_of(way)}
    yield
    for function, code in kept.items():
        function.__code__ = code


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("kind", USES)
def test_what_is_called_under_any_name_springs(kind: str) -> None:
    way, use = USES[kind]
    sprung: list[bool] = []
    use()
    if kind == "a cache":
        cached.cache_clear()
    tripwires.arm([way], lambda: sprung.append(True))
    with pytest.raises(RuntimeError, match="the step is to be your own"):
        use()
    assert sprung


@pytest.mark.parametrize("way", [len, pytest, "labcore.storage.unpack"])
def test_what_has_no_function_in_python_guards_nothing(way: tripwires.Target) -> None:
    with pytest.raises(TypeError):
        list(tripwires.functions_of(way))


def test_all_that_the_checks_name_can_be_guarded() -> None:
    for lesson in LESSONS:
        for scenario in import_module(f"labcore.lab.checks.lesson_{lesson.number:02}").SCENARIOS.values():
            for way in scenario.forbidden:
                assert list(tripwires.functions_of(way))
