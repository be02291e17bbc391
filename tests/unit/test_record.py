import pytest

from labcore.record import Record


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
