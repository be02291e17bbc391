r"""Words of an instruction, as BuildKit's shell lexer reads them: quotes and escapes removed, `$NAME` and `${NAME…}` expanded.

`NAME` may also be a number or one of `@*#?-$!`, none of which is ever set. With a value in `variables`, or without:

    ${NAME:-word} ${NAME-word}     its value, else the word; with the colon an empty value counts as none
    ${NAME:+word} ${NAME+word}     the word if there is a value, else nothing
    ${NAME:?message} ${NAME?…}     its value, else an error
    ${NAME#pattern} ## % %%        its value without the shortest (longest) prefix, suffix
    ${NAME/pattern/text} //        its value with the first match, with all of them replaced

Words, messages and patterns may hold quotes and variables themselves.
"""

from __future__ import annotations

import re

from labcore.builder.parser.patterns import MAX_LENGTH, replaced, without_prefix, without_suffix
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

MAX_DEPTH: Final = 50
NAME: Final = re.compile(r"\d+|[@*#?$!-]|[^\W\d]\w*")
BLANKS: Final = re.compile(r"[^\S\x1c-\x1f]+")
PLAIN: Final = re.compile(r"[^$'\"\\`/}]+")
SPECIAL: Final = re.compile(r"[$'\"\\`]")


def expand(word: str, variables: Mapping[str, str], *, escape: str = "\\", quotes: bool = True) -> str:
    """Return a word expanded; its blanks are kept. Without `quotes` these stay, as in a heredoc. Raises InvalidInput."""
    return "".join(text for text, _ in _pieces(word, variables, escape, quotes=quotes))


def expand_words(text: str, variables: Mapping[str, str], *, escape: str = "\\") -> list[str]:
    """Return the words of a text, expanded: blanks part them, also those that an unquoted variable holds. Raises InvalidInput.

    There is no empty word.
    """
    words = [""]
    for piece, parts in _pieces(text, variables, escape):
        first, *others = BLANKS.split(piece) if parts else [piece]
        words[-1] += first
        words += others
    return [word for word in words if word]


def variables_in(word: str, *, escape: str = "\\", quotes: bool = True) -> set[str]:
    """Return the names of the variables that a word asks for. Raises InvalidInput."""
    names: set[str] = set()
    _pieces(word, None, escape, quotes=quotes, names=names)
    return names


def _pieces(
    text: str, variables: Mapping[str, str] | None, escape: str, *, quotes: bool = True, names: set[str] | None = None
) -> list[tuple[str, bool]]:
    if not SPECIAL.search(text):
        return [(text, True)]
    try:
        return _Lexer(text, variables, escape, quotes, set() if names is None else names).pieces()
    except InvalidInput as error:
        raise InvalidInput(f"failed to process {_quoted(text)}: {error}") from None


def _quoted(text: str) -> str:
    return f'"{text[:200]}{"…" * (len(text) > 200)}"'


class _Lexer:
    """A text, and how far it is read. `raw`: escapes stay, for the pattern that they are in."""

    def __init__(
        self,
        text: str,
        variables: Mapping[str, str] | None,
        escape: str,
        quotes: bool,
        names: set[str],
    ) -> None:
        self.text, self.variables, self.escape, self.names = text, variables, escape, names
        self.quotes = "'\"" if quotes else ""
        self.at = self.depth = self.length = 0
        self.raw = False

    def pieces(self, stop: str = "") -> list[tuple[str, bool]]:
        """Read up to `stop`, or to the end, and return what there is in pieces, and whether blanks in each part words."""
        found: list[tuple[str, bool]] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == stop:
                self.at += 1
                return found
            if char == "$":
                found.append((self.dollar(), True))
            elif char in self.quotes:
                found.append((self.double_quoted() if char == '"' else self.single_quoted(), False))
            elif char == self.escape:
                found.append((self.escaped(), False))
            else:
                found.append((self.plain(), True))
        if stop:
            raise InvalidInput(f"syntax error: missing '{stop}' in ${{}}: write \\$ for a dollar sign that is meant so")
        return found

    def peek(self) -> str:
        """Return the next character, or "" at the end."""
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        """Read a character."""
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def plain(self) -> str:
        """Read what is no special character anywhere, or one that is none here."""
        found = PLAIN.match(self.text, self.at)
        return self.next() if found is None else self.up_to(found.end())

    def up_to(self, end: int) -> str:
        """Read up to a place."""
        start, self.at = self.at, end
        return self.text[start:end]

    def escaped(self) -> str:
        """Read an escape and its character, which stands for itself; one at the very end is nothing."""
        escape = self.next()
        return (escape if self.raw else "") + self.next()

    def single_quoted(self) -> str:
        """Read a text in single quotes, in which nothing is special."""
        self.next()
        end = self.text.find("'", self.at)
        if end < 0:
            raise InvalidInput("unexpected end of statement while looking for matching single-quote")
        found = self.up_to(end)
        self.next()
        return found

    def double_quoted(self) -> str:
        """Read a text in double quotes, in which a `$` is special, and an escape before a `$`, a double quote and itself."""
        self.next()
        found: list[str] = []
        while char := self.peek():
            if char == "$":
                found.append(self.dollar())
                continue
            self.next()
            if char == '"':
                return "".join(found)
            if char == self.escape:
                found.append(char if self.raw else "")
                char = self.next() if self.peek() in ('"', "$", self.escape) else char
            found.append(char)
        raise InvalidInput("unexpected end of statement while looking for matching double-quote")

    def dollar(self) -> str:
        """Read a variable, and return what it stands for; a dollar sign before anything else is itself."""
        self.next()
        value = self.braced() if self.peek() == "{" else self.unbraced()
        self.length += len(value)
        if self.length > MAX_LENGTH:
            raise InvalidInput(f"it expands to more than {MAX_LENGTH} characters")
        return value

    def unbraced(self) -> str:
        name = self.name()
        return (self.value(name) or "") if name else "$"

    def braced(self) -> str:
        self.next()
        if self.peek() in ("{", "}", ":"):
            raise InvalidInput("syntax error: bad substitution: a name is missing after ${")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidInput(f"${{}} is nested more than {MAX_DEPTH} deep")
        name, modifier = self.name(), self.next()
        if not modifier:
            raise InvalidInput("syntax error: missing '}'")
        value = (self.value(name) or "") if modifier == "}" else self.modified(name, modifier)
        self.depth -= 1
        return value

    def name(self) -> str:
        found = NAME.match(self.text, self.at)
        return self.up_to(found.end()) if found else ""

    def value(self, name: str) -> str | None:
        """Return a variable's value, None if it has none. Where nothing is known of variables, each has one."""
        self.names.add(name)
        return "?" if self.variables is None else self.variables.get(name)

    def word(self, stop: str = "}", *, raw: bool = False) -> str:
        """Read a word inside of braces, and return it expanded."""
        before, self.raw = self.raw, raw
        found = "".join(text for text, _ in self.pieces(stop))
        self.raw = before
        return found

    def modified(self, name: str, modifier: str) -> str:
        """Read what comes after `${NAME` and its modifier, and return what they make of the value."""
        colon = modifier if modifier == ":" else ""
        kind = self.next() if colon else modifier
        if kind == "/" and not colon:
            return self.replaced(name)
        if not kind or kind not in ("-+?" if colon else "-+?#%"):
            raise InvalidInput(f"unsupported modifier ({colon}{kind}) in substitution: there are :- - :+ + :? ? # ## % %% / //")
        word = self.word(raw=kind in "#%")
        value = self.value(name)
        is_set = value is not None and not (colon and not value)
        if kind in "#%":
            return _trimmed(value or "", kind, word)
        if kind == "+":
            return word if is_set else ""
        if kind == "?" and not is_set:
            raise InvalidInput(f"{name}: {word or 'is not allowed to be ' + ('unset' if value is None else 'empty')}")
        return (value or "") if is_set else word

    def replaced(self, name: str) -> str:
        everywhere = self.peek() == "/"
        self.at += everywhere
        pattern, replacement = self.word("/", raw=True), self.word(raw=True)
        return replaced(self.value(name) or "", pattern, replacement, everywhere=everywhere)


def _trimmed(value: str, kind: str, pattern: str) -> str:
    trim = without_prefix if kind == "#" else without_suffix
    longest = pattern.startswith(kind)
    return trim(value, pattern[longest:], longest=longest)
