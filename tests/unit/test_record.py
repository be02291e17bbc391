import pytest

from labcore.record import WRITTEN_OUT_AFTER, Record


class Point(Record):
    x: int
    y: int = 0


class Checked(Point):
    name: str = "origin"

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")


def test_fields_come_from_annotations_in_order_and_are_inherited() -> None:
    assert Checked(1, 2, "here").values() == (1, 2, "here")
    assert Checked(1, name="there").as_dict() == {"x": 1, "y": 0, "name": "there"}


def test_equal_by_class_and_fields() -> None:
    assert Point(1) == Point(x=1, y=0)
    assert hash(Point(1)) == hash(Point(1, 0))
    assert Point(1) != Point(2)
    assert Point(1) != Checked(1)


def test_frozen() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"replace\(x=…\)"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del point.x
    assert point.replace(y=5) == Point(1, 5)


@pytest.mark.parametrize("arguments", [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_wrong_arguments_are_refused(arguments: tuple[tuple[int, ...], dict[str, int]]) -> None:
    positional, named = arguments
    with pytest.raises(TypeError, match="Point"):
        Point(*positional, **named)  # type: ignore[arg-type]


def test_post_init_may_refuse_also_in_replace() -> None:
    with pytest.raises(ValueError, match="negative"):
        Checked(1).replace(x=-1)


def test_replace_takes_fields_only() -> None:
    with pytest.raises(TypeError, match="Point has x, y; not z"):
        Point(1).replace(z=2)


def test_repr_shows_what_is_not_the_default() -> None:
    assert repr(Checked(1)) == "Checked(x=1)"
    assert repr(Checked(1, 2, "a")) == "Checked(x=1, y=2, name='a')"


class Pair(Record):
    own: int
    fields: tuple[int, ...] = ()


class Positive(Pair):
    more: str = "x"

    def __post_init__(self) -> None:
        if self.own < 0:
            raise ValueError("negative")


def test_a_class_of_many_values_makes_them_as_before() -> None:
    first = Pair(1, fields=(2,)), Positive(1, (2,), more="y")
    many = [(Pair(1, fields=(2,)), Positive(1, (2,), more="y")) for _ in range(2 * WRITTEN_OUT_AFTER)]
    assert "__init__" in vars(Pair)
    assert vars(Pair)["__init__"] is not Record.__init__
    assert set(many) == {first}
    assert repr(many[-1]) == repr(first) == "(Pair(own=1, fields=(2,)), Positive(own=1, fields=(2,), more='y'))"
    assert Pair(1).fields == ()
    assert Positive(3).replace(own=4) == Positive(4)
    with pytest.raises(ValueError, match="negative"):
        Positive(-1)
    for wrong in ((), (1, (), 3)):
        with pytest.raises(TypeError, match=r"Pair\(\)"):
            Pair(*wrong)
    with pytest.raises(TypeError, match=r"Pair\(\) got .* 'nope'"):
        Pair(1, nope=2)  # type: ignore[call-arg]


def test_a_class_that_comes_later_has_a_constructor_of_its_own() -> None:
    class Base(Record):
        one: int

    for _ in range(WRITTEN_OUT_AFTER):
        Base(1)

    class Derived(Base):
        two: int = 2

    class Own(Base):
        def __init__(self) -> None:
            super().__init__(7)

    assert [(Derived(1).two, Derived(1, 3).two, Own().one) for _ in range(2 * WRITTEN_OUT_AFTER)][-1] == (2, 3, 7)


def test_a_class_that_was_there_keeps_its_constructor_when_its_bases_is_written_out() -> None:
    class Base(Record):
        one: int

    class Derived(Base):
        two: int = 2

    for _ in range(WRITTEN_OUT_AFTER):
        Base(1)
    assert [(Derived(1).two, Derived(1, two=3).two) for _ in range(2 * WRITTEN_OUT_AFTER)][-1] == (2, 3)
    assert "__init__" not in vars(Point), "it has that of all records: a tripwire in it would be in all"
