"""IntEnum and IntFlag: named integers, as the standard library's `enum` has them, that import faster.

A command starts anew each time, and `enum` with the flags of the system calls takes as long as half of Python's own start.
These do what flag words need; a type checker sees the standard ones.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import IntEnum, IntFlag
else:

    class _Members(type):
        """The class of classes whose public integers are their members."""

        def __init__(cls, name, bases, namespace):
            super().__init__(name, bases, namespace)
            found = {name: value for name, value in namespace.items() if isinstance(value, int) and not name.startswith("_")}
            cls.__members__ = {name: int.__new__(cls, value) for name, value in found.items()}
            cls._names = {value: name for name, value in reversed(found.items())}  # of two with one value, the first
            for name, member in cls.__members__.items():
                setattr(cls, name, member)

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(cls.__members__.values())

    class IntEnum(int, metaclass=_Members):
        """An integer that is one of its class's members. Raises ValueError for any other."""

        def __new__(cls, value):  # noqa: D102
            if value not in cls._names:
                raise ValueError(f"{value!r} is no {cls.__name__}")
            return int.__new__(cls, value)

        @property
        def name(self):
            """The member's name."""
            return self._names[int(self)]

        @property
        def value(self):
            """The plain number."""
            return int(self)

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {int(self)}>"

        __str__ = int.__repr__

    class IntFlag(int, metaclass=_Members):
        """A word of bits, of which the members are some; what else is set in it is kept."""

        @property
        def name(self):
            """The names of what is set, `REC|PRIVATE`; None for 0."""
            return self._names.get(int(self)) or "|".join(flag.name for flag in self) or None

        @property
        def value(self):
            """The plain number."""
            return int(self)

        def __iter__(self):
            return (bit for bit in type(self) if bit & self and not int(bit) & (int(bit) - 1))

        def __contains__(self, other):
            return int(self) & int(other) == int(other)

        def __or__(self, other):
            return type(self)(int(self) | int(other))

        def __and__(self, other):
            return type(self)(int(self) & int(other))

        def __xor__(self, other):
            return type(self)(int(self) ^ int(other))

        def __invert__(self):
            return type(self)(~int(self))

        __ror__, __rand__, __rxor__ = __or__, __and__, __xor__

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {int(self)}>" if self.name else f"<{type(self).__name__}: {int(self)}>"

        __str__ = int.__repr__


__all__ = ["IntEnum", "IntFlag"]
