"""Parser: tokens to nodes. What a template calls and which variables it has is known here: a wrong name is said at once."""

from __future__ import annotations

from labcore.cli.template.errors import TemplateError, error_at, one_of
from labcore.cli.template.functions import ABSENT, FUNCTIONS
from labcore.cli.template.lexer import Token, tokens
from labcore.cli.template.nodes import (
    Branch,
    Command,
    Dot,
    Field,
    Function,
    Leave,
    Literal,
    Node,
    Output,
    Pipeline,
    Text,
    Variable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DEPTH: Final = 64  # of blocks and parentheses
SOURCE_MAX: Final = 1 << 16  # characters
BLOCKS: Final = ("if", "with", "range")
ELSEWHERE: Final = ("define", "template", "block")
CONSTANTS: Final = {"true": True, "false": False, "nil": None}


class Parser:
    """One template's parser; `nodes` does it all. Raises TemplateError."""

    def __init__(self, source: str) -> None:
        if len(source) > SOURCE_MAX:
            raise TemplateError(f"template: it has {len(source)} characters, and {SOURCE_MAX} are the most")
        self._source = source
        self._tokens = list(tokens(source))
        self._next = 0
        self._variables = ["$"]
        self._loops = 0
        self._depth = 0

    def nodes(self) -> tuple[Node, ...]:
        """Return the template's nodes."""
        found, end = self._until()
        if end is not None:
            raise self._error(end, f"{{{{{end.value}}}}} ends nothing", "it belongs to an if, a with or a range")
        return found

    def _until(self) -> tuple[tuple[Node, ...], Token | None]:
        """Return nodes up to an `else` or `end`, and that word; None at the text's end."""
        found: list[Node] = []
        while (token := self._take()) is not None:
            if token.kind == "text":
                found.append(Text(token.place, str(token.value)))
                continue
            first = self._peek()
            if first.kind == "word" and first.value in ("else", "end"):
                self._take()
                return tuple(found), first
            found.append(self._action())
        return tuple(found), None

    def _action(self) -> Node:
        first = self._peek()
        if first.kind == "word":
            if first.value in BLOCKS:
                self._take()
                return self._branch(first)
            if first.value in ("break", "continue"):
                self._take()
                self._close()
                if not self._loops:
                    raise self._error(first, f"{first.value} stands in no range")
                return Leave(first.place, str(first.value))
            if first.value in ELSEWHERE:
                raise self._error(first, f"{first.value} is not here", "write it out where it is wanted")
        pipeline = self._pipeline()
        self._close()
        return Output(first.place, pipeline)

    def _branch(self, word: Token) -> Branch:
        """Return an `if`, `with` or `range` whose word has just been read. Its variables end with it."""
        self._deeper(word)
        known, kind = len(self._variables), str(word.value)
        pipeline = self._pipeline(most=2 if kind == "range" else 1)
        self._close()
        self._loops += kind == "range"
        body, end = self._until()
        self._loops -= kind == "range"
        otherwise: tuple[Node, ...] = ()
        if end is not None and end.value == "else":
            otherwise, end = self._else(kind)
        else:
            self._close_end(end)
        if end is None:
            raise self._error(word, f"{{{{{kind} …}}}} has no end", "{{end}} ends it")
        del self._variables[known:]
        self._depth -= 1
        return Branch(word.place, kind, pipeline, body, otherwise)

    def _else(self, kind: str) -> tuple[tuple[Node, ...], Token | None]:
        """Return what stands behind an `else`: nodes up to the end, or one more branch (`else if`), which has the end."""
        after = self._peek()
        if after.kind == "word" and after.value == kind and kind != "range":
            self._take()
            return (self._branch(after),), after
        self._close()
        found, end = self._until()
        if end is not None and end.value == "else":
            raise self._error(end, "here is an else already")
        self._close_end(end)
        return found, end

    def _close_end(self, end: Token | None) -> None:
        if end is not None:
            self._close()

    def _pipeline(self, most: int = 1) -> Pipeline:
        """Return a pipeline, up to what ends it, which is left."""
        first = self._peek()
        names, assigns = self._declared(most)
        commands = [self._command()]
        while self._is_sign("|"):
            bar = self._take_known()
            if isinstance(commands[-1].words[0], Literal) and len(commands[-1].words) > 1:
                raise self._error(bar, "only a function or a method takes arguments")
            commands.append(self._command())
            if isinstance(commands[-1].words[0], Literal):
                raise self._error(bar, "a value cannot take what is piped to it", "a function behind the |")
        if not assigns:
            self._variables += names
        return Pipeline(first.place, tuple(commands), names, assigns, of_range=most == 2)

    def _declared(self, most: int) -> tuple[tuple[str, ...], bool]:
        """Return the names that stand before a `:=` or a `=`, and whether it is the latter."""
        begin, names = self._next, list[Token]()
        while self._peek().kind == "variable":
            names.append(self._take_known())
            if not self._is_sign(","):
                break
            self._take()
        if names and (self._is_sign(":=") or self._is_sign("=")):
            sign = self._take_known()
            if len(names) > most:
                raise self._error(names[-1], "two variables are a range's")
            if sign.value == "=":
                for name in names:
                    self._check_variable(name)
            return tuple(str(name.value) for name in names), sign.value == "="
        self._next = begin
        return (), False

    def _command(self) -> Command:
        first, words = self._peek(), list[Node]()
        while not (self._is_sign("|") or self._is_sign(")") or self._peek().kind == "close"):
            words.append(self._operand())
        if not words:
            raise self._error(first, "a value is missing")
        if len(words) == 1 and isinstance(words[0], Literal) and words[0].value is None:
            raise self._error(first, "nil alone has no value")
        return Command(first.place, tuple(words))

    def _operand(self) -> Node:
        """Return a value, with the fields that follow it without a space."""
        token = self._take_known()
        node = self._term(token)
        end, length = self._tokens[self._next - 1].end, 0
        while self._peek().kind == "field" and self._peek().place == end:
            field, length = self._take_known(), length + 1
            if isinstance(node, Literal):
                raise self._error(field, "a constant has no fields")
            if length > DEPTH:
                raise self._error(field, f"fields of fields are more than {DEPTH} deep")
            node, end = Field(field.place, node, str(field.value)), field.end
        return node

    def _term(self, token: Token) -> Node:
        place, value = token.place, token.value
        if token.kind == "literal":
            return Literal(place, value)
        if token.kind == "dot":
            return Dot(place)
        if token.kind == "field":
            return Field(place, Dot(place), str(value))
        if token.kind == "variable":
            self._check_variable(token)
            return Variable(place, str(value))
        if token.kind == "word":
            return self._named(token)
        if token.value == "(":
            return self._in_parentheses(token)
        raise self._error(token, f"{value} cannot stand here")

    def _named(self, token: Token) -> Node:
        name = str(token.value)
        if name in CONSTANTS:
            return Literal(token.place, CONSTANTS[name])
        if name in ABSENT:
            raise self._error(token, f"the function {name} is not here", ABSENT[name])
        if name not in FUNCTIONS:
            raise self._error(token, f"there is no function {name:.40}", one_of(name, FUNCTIONS))
        return Function(token.place, name)

    def _in_parentheses(self, token: Token) -> Pipeline:
        self._deeper(token)
        pipeline = self._pipeline()
        if not self._is_sign(")"):
            raise self._error(token, "the parenthesis is not closed", ") closes it")
        self._take()
        self._depth -= 1
        return pipeline

    def _check_variable(self, token: Token) -> None:
        if token.value not in self._variables:
            raise self._error(token, f"there is no variable {token.value:.40}", f"{{{{{token.value:.40} := …}}}} before it")

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise self._error(token, f"blocks and parentheses are more than {DEPTH} deep")

    def _close(self) -> None:
        if (token := self._take_known()).kind != "close":
            raise self._error(token, f"{token.value} cannot stand here")

    def _is_sign(self, sign: str) -> bool:
        token = self._peek()
        return token.kind == "sign" and token.value == sign

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token | None:
        if self._next == len(self._tokens):
            return None
        self._next += 1
        return self._tokens[self._next - 1]

    def _take_known(self) -> Token:
        self._next += 1  # an action's last token is its end: there is one more
        return self._tokens[self._next - 1]

    def _error(self, token: Token, message: str, cure: str = "") -> TemplateError:
        return error_at(self._source, token.place, message, cure)
