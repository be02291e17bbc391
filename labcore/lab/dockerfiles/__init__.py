"""Dockerfiles in a notebook: `lab.dockerfile(text)` shows the file beside its tree, its four parts, or its layers."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from labcore.builder.learners import pair_of
from labcore.builder.parser import parse
from labcore.errors import InvalidInput
from labcore.lab.dockerfiles.built import HasRoot, MadeLayer, layers_of
from labcore.lab.dockerfiles.parts import PARTS, part_of
from labcore.lab.dockerfiles.tokens import Token, tokens_of
from labcore.lab.dockerfiles.view import Row, View
from labcore.lab.messages import say
from labcore.lab.pictures.layer_files import size

if TYPE_CHECKING:
    from labcore.lab.pictures import Picture

FILES_SHOWN: Final = 3  # of a layer
NAME_WIDTH: Final = 11  # letters: ENTRYPOINT and a blank


class DockerfileShown:
    """A Dockerfile; in a notebook, the file beside its tree."""

    def __init__(self, text: str) -> None:
        self._read = parse(text)
        self._lines = tokens_of(self._read)

    def __repr__(self) -> str:
        return repr(self.tree())

    def _repr_html_(self) -> str:
        return self.tree()._repr_html_()

    def tree(self, pairs: Sequence[Any] | None = None) -> View:
        """Show the file beside the tree of these pairs, as a `parse` returned them; without any, as labcore reads it.

        Where there are too many or too few, the first that are right belong to their lines. Raises InvalidInput for no pair.
        """
        own = [pair_of(each) for each in self._read.instructions]
        found = own if pairs is None else list(map(_checked, pairs))
        rows = [Row((Token("Dockerfile"),))]
        known = len(own) if len(own) == len(found) else _alike(own, found)
        for number, (name, value) in enumerate(found):
            fork, trunk = ("└─ ", "   ") if number == len(found) - 1 else ("├─ ", "│  ")
            rows += _branch(number if number < known else None, str(name), value, fork, trunk)
        return View(self._left({}), tuple(rows), _compared(own, found))

    def parts(self) -> View:
        """Show the file beside the article's four parts."""
        of = [part_of(each) for each in self._read.instructions]
        rows: list[Row] = []
        for place, part in enumerate(PARTS):
            rows.append(Row((Token(f"{place + 1} {part.title}", "name"),), edge=part.colour))
            mine = [number for number, found in enumerate(of) if found == place]
            rows += [self._named(number, part.colour) for number in mine] or [Row((Token("  –"),), edge=part.colour)]
        return View(self._left({number: PARTS[place].colour for number, place in enumerate(of)}), tuple(rows))

    def layers(self, daemon: HasRoot, image: str) -> View:
        """Show the file beside the layers that its lines made in an image of a daemon's. Raises ImageNotFound, InvalidInput."""
        made = layers_of(daemon, image, self._read)
        rows = [row for number in range(len(self._read.instructions)) for row in self._made(number, made.get(number, ()))]
        count = sum(map(len, made.values()))
        total = sum(layer.size for layers in made.values() for layer in layers)
        caption = say(
            "{lines} instructions, {layers} layers, {size} of files; the rest is in the image's config",
            lines=len(self._read.instructions),
            layers=count,
            size=size(total),
        )
        return View(self._left({}), tuple(rows), caption)

    def drawing(self, daemon: HasRoot, image: str) -> "Picture":
        """Draw this file, the image that was built from it, and the containers that are there of that. Raises ImageNotFound."""
        from labcore.lab.pictures.origins import origins

        return origins(daemon, image, self._read)

    def _left(self, edges: dict[int, str]) -> tuple[Row, ...]:
        return tuple(_source_row(tokens, edges) for tokens in self._lines)

    def _named(self, number: int, colour: str) -> Row:
        each = self._read.instructions[number]
        return Row((Token(f"  {each.name}", "plain"),), number, colour)

    def _made(self, number: int, layers: Sequence[MadeLayer]) -> Iterator[Row]:
        name = Token(f"{self._read.instructions[number].name:{NAME_WIDTH}}", "name")
        if not layers:
            yield Row((name, Token(say("no layer"), "plain")), number)
        for layer in layers:
            count = say("1 file") if len(layer.files) == 1 else say("{count} files", count=len(layer.files))
            words = f"{size(layer.size):8} {count}"
            yield Row((name, Token(words, "word"), Token(f"  {layer.digest[7:19]}", "plain")), number)
            yield Row((Token(" " * NAME_WIDTH + _listed(layer), "plain"),), number, hang=NAME_WIDTH)


def dockerfile(text: str) -> DockerfileShown:
    """Show a Dockerfile beside its tree: point at one, and see the other. Raises DockerfileError.

    `.tree(pairs)` takes the tree of a `parse` of one's own; `.parts()` are the article's four parts, `.layers(daemon, image)`
    what each line has made, `.drawing(daemon, image)` the file with its image and containers.
    """
    return DockerfileShown(text)


def _source_row(tokens: Sequence[Token], edges: dict[int, str]) -> Row:
    number = next((token.instruction for token in tokens if token.instruction is not None), None)
    return Row(tuple(tokens), number, edges.get(number, "transparent") if number is not None else "transparent")


def _alike(own: Sequence[Any], found: Sequence[Any]) -> int:
    """Return how many of the first ones are the same."""
    return next((place for place, (mine, theirs) in enumerate(zip(own, found, strict=False)) if mine != theirs), len(own))


def _branch(number: int | None, name: str, value: Any, fork: str, trunk: str) -> Iterator[Row]:
    """Yield the rows of one instruction, which belongs to no line if it has no number: a text, or words below one another."""
    head = (Token(fork), Token(f"{name:{NAME_WIDTH}}", "name", number))
    if isinstance(value, list | tuple):
        yield Row((*head, Token(say("exec form"), "plain")), number)
        for place, word in enumerate(value):
            mark = "└─ " if place == len(value) - 1 else "├─ "
            yield Row((Token(trunk + " " * NAME_WIDTH + mark), Token(str(word), "word", number, place)), number)
        return
    first, *more = str(value).split("\n")
    yield Row((*head, Token(first, "text", number, 0)), number, hang=len(fork) + NAME_WIDTH)
    for line in more:
        yield Row((Token(trunk + " " * NAME_WIDTH), Token(line, "text", number, 0)), number)


def _checked(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise InvalidInput(say("{pair} is no pair of a name and a value", pair=f"{pair!r:.60}"))
    return pair[0], pair[1]


def _compared(own: Sequence[Any], found: Sequence[Any]) -> str:
    """Return a word on a tree that is not labcore's; none on one that is."""
    if len(own) != len(found):
        return say("{found} pairs, and Docker reads {own} instructions", found=len(found), own=len(own))
    odd = next((mine for mine, theirs in zip(own, found, strict=True) if theirs != mine), None)
    return say("Docker reads {name} in another way", name=odd[0]) if odd else ""


def _listed(layer: MadeLayer) -> str:
    """Return a few of a layer's files, or the directories if there are only those."""
    shown = [f"{name} ({size(count)})" for name, count in layer.files[:FILES_SHOWN]] or list(layer.directories[:FILES_SHOWN])
    more = max(len(layer.files) - FILES_SHOWN, 0)
    return ", ".join([*shown, *([say("+ {count} more", count=more)] if more else [])])
