"""Commands that are overheard: `lab.commands(daemon)` runs docker's, and shows what each asks of the daemon's API.

`lab.commands_page()` makes a page of them, for the wall.
"""

import html
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labcore.atomic import atomic_write
from labcore.lab.colours import GOOD, MUTED, RULE
from labcore.lab.command_notes import NOTES
from labcore.lab.docker_command import docker
from labcore.lab.listening import listen
from labcore.lab.messages import say
from labcore.record import Record

if TYPE_CHECKING:
    from labcore.lab.conversation import Turn
    from labcore.lab.docker_command import HasUrl, Ran

VERSION: Final = re.compile(r"^/v[0-9.]+(?=/)")
ID: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
OBJECT: Final = re.compile(
    r"(/(?:containers|exec|images|networks))/(?!create\b|json\b|search\b|prune\b|load\b).+?(?=/(?:[a-z]+)$|$)"
)
WIDTHS: Final = (30, 30, 40)  # percent, of the columns: else the last one is squeezed where the window is narrow
QUIET: Final = ("/_ping",)  # asked before every command: how the API's version is agreed
_RUN: list["Command"] = []  # of this notebook


class Command(Record):
    """A command that was run: its words, its exit status, and its calls of the API, each with the status of the answer."""

    words: tuple[str, ...]
    status: int
    calls: tuple[str, ...]

    @property
    def verb(self) -> str:
        """What it is called: `run`, or with its object, `network create`."""
        first, second = (*self.words, "", "")[:2]
        return f"{first} {second}" if f"{first} {second}" in NOTES else first

    @property
    def patterns(self) -> tuple[str, ...]:
        """Its calls as the API's description has them, each once: no answer, no query, `{id}` in place of what it is about."""
        bare = (call.partition("   ")[0].partition("?")[0] for call in self.calls)
        return tuple(dict.fromkeys(OBJECT.sub(r"\1/{id}", call) for call in bare))

    @property
    def line(self) -> str:
        """It as one types it."""
        return f"docker {shlex.join(self.words)}"


class Commands:
    """The docker command for a daemon, overheard: what it asks is printed below what it puts out."""

    def __init__(self, daemon: "HasUrl") -> None:
        self._listening = listen(daemon)
        self._docker = docker(self._listening)

    def __call__(self, line: str, *, lines: int | None = None) -> "Ran":
        """Run `docker LINE`; print what it puts out, at most so many `lines` of it, and the calls of the API that it made."""
        self._listening.conversation()
        if lines is None:
            ran = self._docker(line)
        else:
            with redirect_stdout(io.StringIO()) as said:
                ran = self._docker(line)
            print(shortened(said.getvalue(), 1 + lines))
        calls = tuple(call_of(turn) for turn in self._listening.conversation().turns if _matters(turn))
        _RUN.append(Command(tuple(shlex.split(line)), ran.status, calls))
        for call in calls or (say("(nothing is asked)"),):
            print(f"→ {call}")
        return ran

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()
        del self._docker  # its settings go with it


def shortened(text: str, lines: int) -> str:
    """Return the first lines of a text, and how many more there are."""
    found = text.rstrip("\n").splitlines()
    more = len(found) - lines
    return "\n".join([*found[:lines], say("… {count} more lines", count=more)] if more > 0 else found)


def _matters(turn: "Turn") -> bool:
    return not any(turn.request.first.split()[1].endswith(path) for path in QUIET)


def call_of(turn: "Turn") -> str:
    """Return a request in one line: method, path without the version of the API, and the status of the answer."""
    method, target = turn.request.first.split()[:2]
    path, _, query = target.partition("?")
    short = ID.sub(r"\1", VERSION.sub("", path)) + (f"?{query}" if query and len(query) < 40 else "?…" if query else "")
    return f"{method} {short}   {turn.told}"


class Page(Record):
    """The commands that were run, a row for each verb: the command, its calls, what the kernel does. Shown, or saved."""

    commands: tuple[Command, ...]

    def lines(self) -> Iterator[str]:
        """Yield the page in Markdown."""
        yield f"# {say('Commands that were run')}"
        yield ""
        yield f"| {say('command')} | {say('what it asks of the daemon')} | {say('what happens there')} |"
        yield "| --- | --- | --- |"
        for each in self.commands:
            calls = "<br>".join(f"`{call}`" for call in each.patterns) or "–"
            yield f"| `{each.line}` | {calls} | {NOTES[each.verb]} |".replace("\n", " ")

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        style = f"text-align:left;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}"
        heads = (say("command"), say("what it asks of the daemon"), say("what happens there"))
        head = "".join(
            f"<th style='{style};width:{width}%'>{html.escape(word)}</th>" for word, width in zip(heads, WIDTHS, strict=True)
        )
        rows = "".join(map(_row, self.commands))
        return f"<table style='border-collapse:collapse;font-size:11px;line-height:1.3'><tr>{head}</tr>{rows}</table>"

    def save(self, path: str) -> str:
        """Write it as Markdown into a file of the notebook's folder; return its path."""
        atomic_write(Path(path), "\n".join([*self.lines(), ""]).encode(), durable=False)
        return str(Path(path).absolute())


def _row(each: Command) -> str:
    cell = "style='text-align:left;vertical-align:top;padding:1px 14px 1px 0'"
    calls = "<br>".join(map(html.escape, each.patterns)) or "–"
    return (
        f"<tr style='background:none'><td {cell}><code>{html.escape(each.line)}</code></td>"
        f"<td {cell}><code style='color:{GOOD};white-space:nowrap'>{calls}</code></td>"
        f"<td {cell}><span style='color:{MUTED}'>{html.escape(str(NOTES[each.verb]))}</span></td></tr>"
    )


def commands(daemon: "HasUrl") -> Commands:
    """Return the docker command for a daemon, overheard. Raises InvalidInput for one without a unix socket."""
    return Commands(daemon)


def commands_page() -> Page:
    """Return a page of the commands that this notebook has run and that succeeded, the first of each verb."""
    first: dict[str, Command] = {}
    for each in _RUN:
        if each.status == 0 and each.verb in NOTES:
            first.setdefault(each.verb, each)
    return Page(tuple(first.values()))
