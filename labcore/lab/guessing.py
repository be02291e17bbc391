"""Guesses: a prediction is picked or typed before the cell that answers it, kept, and shown beside the outcome."""

import html
from typing import Any

from ipywidgets import HTML, Layout, RadioButtons, Text

from labcore.errors import InvalidInput
from labcore.lab.colours import BAD, GOOD, MUTED
from labcore.lab.guesses import Guess, guesses
from labcore.lab.messages import say
from labcore.lab.widget import Printable, as_heading, as_html
from labcore.lab.workspace import default_workspace
from labcore.record import Record

COLOURS = {"right": GOOD, "wrong": BAD, "": MUTED}


class GuessField(Printable):
    """A question with its options, or a field to type in; the choice is kept as soon as it is made."""

    def __init__(self, name: str, wanted: Guess) -> None:
        self.name, self.wanted = name, wanted
        self.kept = HTML()
        self.field = self._field(default_workspace().progress.of("guesses").get(name))
        self.field.observe(self._keep, "value")
        super().__init__([HTML(as_heading(wanted.question)), self.field, self.kept])

    def _field(self, earlier: Any) -> Any:
        options = [(str(text), number) for number, text in enumerate(self.wanted.options)]
        if not options:
            return Text(str(earlier or ""), placeholder=say("type your guess, and press Enter"), continuous_update=False)
        chosen = earlier if isinstance(earlier, int) and 0 <= earlier < len(options) else None
        return RadioButtons(options=options, value=chosen, layout=Layout(width="auto"))

    def _keep(self, change: dict[str, Any]) -> None:
        default_workspace().progress.note("guesses", self.name, change["new"])
        self.kept.value = html.escape(say("Your guess is kept; you will see it beside the outcome."))

    def plain(self) -> str:
        """The question and its options."""
        options = [f"  ○ {text}" for text in self.wanted.options] or [say("  your guess: ________")]
        return "\n".join([str(self.wanted.question), *options])


class Outcome(Record):
    """A guess beside what came out. `right` is None where no option is known to be the right one."""

    guessed: str
    seen: str
    right: bool | None = None
    why: str = ""

    def lines(self) -> list[str]:
        """Return both, and a word why."""
        mark = {True: "✓ ", False: "✗ ", None: ""}[self.right]
        first = say("{mark}you guessed: {guess}", mark=mark, guess=self.guessed) if self.guessed else say("you made no guess")
        seen = say("it is: {seen}", seen=self.seen) if self.seen else "" if self.why else say("it was not measured here")
        return list(filter(None, [first, seen, self.why]))

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        colour = COLOURS[{True: "right", False: "wrong", None: ""}[self.right]]
        rows = "".join(f"<div>{as_html(line)}</div>" for line in self.lines())
        return f"<div style='border-left:4px solid {colour};padding:2px 10px;line-height:1.5'>{rows}</div>"


def guess(name: str) -> GuessField:
    """Ask for a prediction, one of labcore.lab.guesses, and keep it. A cell that runs without an answer goes on."""
    return GuessField(name, _wanted(name))


def outcome(name: str, seen: object = None) -> Outcome:
    """Show what was guessed beside what was seen; without `seen` the right option is shown, if one is known to be right."""
    wanted = _wanted(name)
    kept = default_workspace().progress.of("guesses").get(name)
    option = kept if isinstance(kept, int) and 0 <= kept < len(wanted.options) else None
    guessed = str(wanted.options[option]) if option is not None else kept if isinstance(kept, str) else ""
    if seen is None and wanted.answer is not None:
        seen = wanted.options[wanted.answer]
    right = None if option is None or wanted.answer is None else option == wanted.answer
    return Outcome(guessed, "" if seen is None else str(seen), right, str(wanted.why) if wanted.why else "")


def _wanted(name: str) -> Guess:
    if name not in guesses():
        raise InvalidInput(say("there is no guess {name}; there are: {names}", name=repr(name), names=", ".join(guesses())))
    return guesses()[name]
