"""Dashboard: `lab.dashboard()`, a daemon's containers with what they use, their logs, buttons, and events as they come."""

import html
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from ipywidgets import HTML, Button, Dropdown, HBox, Layout, Text

from labcore.client import Client, connect
from labcore.client.overview import ContainerUse, Overview, Sampler
from labcore.client.system import Event
from labcore.errors import LabcoreError
from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.messages import say
from labcore.lab.widget import Printable

EVENTS_SHOWN: Final = 8
LOG_LINES: Final = 12
NAME_WIDTH: Final = 22  # letters
BAR_WIDTH: Final = 80  # pixels, of a whole processor or of the memory's limit
COLOURS: Final = {"running": GOOD, "paused": "#c58a00"}
# what a button does: the verb, its icon, and the states in which it can be pressed
BUTTONS: Final = (
    ("start", "play", ("created", "exited")),
    ("stop", "stop", ("running", "paused", "restarting")),
    ("pause", "pause", ("running",)),
    ("unpause", "forward", ("paused",)),
)


class Dashboard(Printable):
    """A daemon's containers, drawn anew every `seconds` while it is shown; `close` ends that. In print: the last drawing."""

    def __init__(self, client: Client, *, seconds: float = 1.0) -> None:
        self._client = client
        self._sampler = Sampler(client)
        self._seconds = seconds
        self._ends = threading.Event()
        self._drawing = threading.Lock()
        self._happened: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self.overview = Overview(())
        self.table = HTML()
        self.chosen = Dropdown(options=[], layout=Layout(width="200px"))
        self.buttons = {verb: self._button(verb, icon) for verb, icon, _ in BUTTONS}
        self.command = Text(placeholder="ls -l /", layout=Layout(width="260px"), continuous_update=False)
        self.run = Button(description="exec", icon="terminal", layout=Layout(width="90px"))
        self.run.on_click(lambda _: _in_background(self.execute))
        self.output = HTML()
        self.log_shown, self.events = HTML(), HTML()
        controls = HBox([self.chosen, *self.buttons.values(), self.command, self.run], layout=Layout(flex_flow="row wrap"))
        super().__init__([self.table, controls, self.output, self.log_shown, self.events])
        self.refresh()

    def watch(self) -> None:
        """Draw it anew again and again, in a thread that ends with the kernel, with `close`, or with the daemon."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._ends.wait(self._seconds):
            self.refresh()

    def close(self) -> None:
        """Draw it no more, and close its client."""
        self._ends.set()
        with self._drawing:  # a drawing that has begun still asks
            self._client.close()
        super().close()

    def refresh(self) -> None:
        """Ask the daemon, and draw what it answers; what it does not answer is said."""
        with self._drawing:
            if self._ends.is_set():
                return
            try:
                self.overview = self._sampler.sample()
            except LabcoreError as error:
                self.output.value = _said(error)
                return
            self._happened.extend(map(event_line, self.overview.events))
            self._choose()
            self.table.value = table_html(self.overview)
            self.log_shown.value = self._log()
            self.events.value = _box(say("events"), "\n".join(self._happened) or say("nothing has happened yet"))

    def _choose(self) -> None:
        names = [each.name for each in self.overview.containers]
        if list(self.chosen.options) != names:
            before = self.chosen.value
            self.chosen.options = names
            running = [each.name for each in self.overview.containers if each.state == "running"]
            self.chosen.value = before if before in names else next(iter(running + names), None)
        state = next((each.state for each in self.overview.containers if each.name == self.chosen.value), "")
        for verb, _, states in BUTTONS:
            self.buttons[verb].disabled = state not in states
        self.run.disabled = state != "running"

    def _button(self, verb: str, icon: str) -> Button:
        button = Button(tooltip=name_of(verb), icon=icon, layout=Layout(width="40px"))
        button.on_click(lambda _: _in_background(lambda: self.act(verb)))
        return button

    def act(self, verb: str) -> None:
        """Start, stop, pause or unpause the container that is chosen."""
        name, containers = self.chosen.value, self._client.containers
        acts: dict[str, Callable[[str], object]]
        acts = {"start": containers.start, "stop": containers.stop, "pause": containers.pause, "unpause": containers.unpause}

        def carry_out() -> str:
            acts[verb](name)
            return f"{name_of(verb)}: {name}"

        self._try(carry_out)

    def execute(self) -> None:
        """Run a command in the container that is chosen, by its shell, and show what that prints."""
        name, command = self.chosen.value, self.command.value or self.command.placeholder
        self._try(lambda: self._output_of(name, command))

    def _output_of(self, name: str, command: str) -> str:
        with self._client.containers.exec(name, ["sh", "-c", command]) as streams:
            out, err = streams.communicate()
        return f"$ {command}\n{(out + err).decode(errors='replace')[:4000]}"

    def _try(self, act: Callable[[], str]) -> None:
        try:
            self.output.value = _box("", act())
        except LabcoreError as error:
            self.output.value = _said(error)
        self.refresh()

    def _log(self) -> str:
        name = self.chosen.value
        if not name:
            return ""
        lines: list[str] = []
        with suppress(LabcoreError):  # it has gone, or keeps no log
            records = self._client.containers.logs(name, tail=LOG_LINES)
            lines = [record.content.decode(errors="replace").rstrip("\n")[:200] for record in records]
        return _box(say("log of {name}", name=name), "\n".join(lines) or say("nothing was written"))

    def plain(self) -> str:
        """The containers, a line each."""
        return "\n".join(map(use_line, self.overview.containers)) or say("there are no containers")

    def static_html(self) -> str:
        """The table, the log and the events as they were drawn last."""
        return f"{self.table.value}{self.log_shown.value}{self.events.value}"


def dashboard(host: str | None = None, *, seconds: float = 1.0) -> Dashboard:
    """Show a daemon's containers: the daemon at a host, or the one that `labcore.connect()` finds. Raises Unavailable."""
    shown = Dashboard(connect(host), seconds=seconds)
    shown.watch()
    return shown


def name_of(verb: str) -> str:
    """Return a button's verb in the reader's language."""
    return {"start": say("start"), "stop": say("stop"), "pause": say("pause"), "unpause": say("unpause")}[verb]


def _in_background(act: Callable[[], None]) -> None:
    """Do it in a thread: a stop may take ten seconds, in which the notebook is to answer."""
    threading.Thread(target=act, daemon=True).start()


def use_line(use: ContainerUse) -> str:
    """Return a container as a line of text."""
    cpu = "" if use.cpu_percent is None else f"{use.cpu_percent:5.1f} %"
    name, image, status = use.name[:NAME_WIDTH], use.image[:20], use.status[:24]
    return f"{name:{NAME_WIDTH}}  {image:20}  {status:24}  {cpu:>8}  {mebibytes(use.memory):>10}"


def mebibytes(count: int) -> str:
    """Return a number of bytes for people; nothing for none."""
    return f"{count / 2**20:.1f} MiB" if count else ""


def event_line(event: Event) -> str:
    """Return an event as a line of text: the time, what it is about, what has happened."""
    moment = datetime.fromtimestamp(event.time_ns / 1e9)
    name = event.actor.attributes.get("name") or event.actor.id[:12]
    return f"{moment:%H:%M:%S}  {event.kind:9}  {event.action:12.40}  {name}"


def table_html(overview: Overview) -> str:
    """Return the containers as a table, with bars for processor and memory."""
    heads = (say("container"), say("image"), say("state"), say("processor"), say("memory"), say("processes"))
    cell = f"style='text-align:left;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
    head = "".join(f"<th {cell}>{html.escape(each)}</th>" for each in heads)
    rows = "".join(map(_row, overview.containers)) or f"<tr><td colspan=6>{say('there are no containers')}</td></tr>"
    return f"<table style='border-collapse:collapse;font-size:12px;line-height:1.45'><tr>{head}</tr>{rows}</table>"


def _row(use: ContainerUse) -> str:
    colour = COLOURS.get(use.state, MUTED)
    cpu = "" if use.cpu_percent is None else _bar(use.cpu_percent / 100, f"{use.cpu_percent:.1f} %")
    memory = _bar(use.memory / use.memory_limit if use.memory_limit else 0, mebibytes(use.memory)) if use.memory else ""
    cells = (
        f"<b>{html.escape(use.name[:40])}</b>",
        html.escape(use.image[:40]),
        f"<span style='color:{colour}'>● {html.escape(use.status[:40])}</span>",
        cpu,
        memory,
        str(use.processes or ""),
    )
    style = "style='text-align:left;vertical-align:middle;padding:3px 14px 3px 0'"
    return f"<tr style='background:none'>{''.join(f'<td {style}>{each}</td>' for each in cells)}</tr>"


def _bar(part: float, text: str) -> str:
    width = round(min(max(part, 0), 1) * BAR_WIDTH)
    ground = f"display:inline-block;width:{BAR_WIDTH}px;height:9px;border:1px solid {RULE};margin-right:6px"
    return (
        f"<span style='{ground}'><span style='display:block;width:{width}px;height:9px;background:{GOOD}'></span></span>{text}"
    )


def _box(title: str, text: str) -> str:
    if not text:
        return ""
    head = f"<div style='color:{MUTED};font-size:12px;margin-top:6px'>{html.escape(title)}</div>" if title else ""
    style = f"border-left:3px solid {RULE};padding:2px 10px;margin:0;white-space:pre-wrap;line-height:1.35;font-size:12px"
    return f"{head}<pre style='{style}'>{html.escape(text)}</pre>"


def _said(error: Exception) -> str:
    text = str(getattr(error, "message", error))
    return f"<pre style='border-left:4px solid {BAD};padding:2px 10px;margin:0;white-space:pre-wrap'>{html.escape(text)}</pre>"
