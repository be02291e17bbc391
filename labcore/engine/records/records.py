"""Container records: what is kept of each container, in a SQLite database (WAL) that many processes share.

::

    ROOT/containers/records.db   the records; `PRAGMA user_version` is the format's version
                    ID/          a container's directory: its shim's, and the files that it is given (hostname, hosts, …)
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from labcore.engine.records.database import Database
from labcore.engine.records.names import checked_name
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged
from labcore.images.config import Config  # the records' fields are read by their types
from labcore.json_codec import dumps, loads
from labcore.record import Record
from labcore.record_json import from_json, to_json
from labcore.spec import DEFAULT_PATH, CreateOptions, Healthcheck, Mount
from labcore.spec.network import EndpointOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import Literal, TypeAlias


Status: TypeAlias = "Literal['created', 'starting', 'running', 'exited']"


class State(Record):
    """What a container did last, as far as it was noted: `running` is to be believed only if its shim answers.

    `starting` is noted before its process is made, so that whoever finds it afterwards looks for a shim. Times are RFC 3339's.
    The machine's `boot` ID, `pid` and `pid_start` (clock ticks, proc_pid_stat(5)) mean one process and never another. `error`
    says why the last start failed. One that runs may be `paused`; one that has exited may be `restarting`: a supervisor starts
    it again after a while. `restart_count` is how often that was decided since somebody started it, `manually_stopped` whether
    it was last ended by somebody.
    """

    status: Status = "created"
    pid: int = 0
    pid_start: int = 0
    started: str = ""
    finished: str = ""
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    boot: str = ""
    paused: bool = False
    restarting: bool = False
    restart_count: int = 0
    manually_stopped: bool = False


class Container(Record):
    """A container's record: what its creator wanted, the image as it was then, and where its files lie.

    `image` is the name that was given, `image_id` the digest of the config that it meant. `layers` are from the lowest up.
    `mounts` are those of the options and the image's volumes, each volume by its name.
    `copied`, `user_attributes`: how its files are kept, see `labcore.storage.upper`.
    """

    id: str
    name: str
    created: str
    options: CreateOptions
    config: Config
    image: str = ""
    image_id: str = ""
    layers: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    copied: bool = False
    user_attributes: bool = False
    state: State = State()

    def __str__(self) -> str:
        return f"container {self.name}"

    def labels(self) -> dict[str, str]:
        """Return its labels, with the image's."""
        return dict(self.config.labels) | dict(self.options.labels)

    def anonymous_volumes(self) -> list[str]:
        """Return the names of its volumes that were drawn, for it or for a container whose volumes it has."""
        return [mount.source for mount in self.mounts if mount.is_drawn]


def run_config(container: Container) -> Config:
    """Return the image's config as the container's options have changed it: what it is shown and committed with.

    In its environment a name without a value stays: it takes away what is inherited, also from containers of that image.
    """
    options, config = container.options, container.config
    own = {name: name if value is None else f"{name}={value}" for name, value in options.environment}
    inherited = {variable.partition("=")[0]: variable for variable in (f"PATH={DEFAULT_PATH}", *config.environment)}
    environment = own | {name: variable for name, variable in inherited.items() if name not in own}  # in docker's order
    entrypoint, command = entrypoint_and_command(container)
    return config.replace(
        entrypoint=entrypoint,
        command=command,
        environment=tuple(environment.values()),
        user=options.user or config.user,
        workdir=options.workdir or config.workdir,
        labels=tuple(container.labels().items()),
        stop_signal=options.stop_signal or config.stop_signal,
        healthcheck=_healthcheck(options.healthcheck, config.healthcheck),
    )


def entrypoint_and_command(container: Container) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the two halves of what is run: an entrypoint of the container's own takes the image's command away."""
    options, config = container.options, container.config
    if options.entrypoint is None:
        return config.entrypoint, options.command or config.command
    return options.entrypoint, options.command


def _healthcheck(own: Healthcheck | None, images: Healthcheck | None) -> Healthcheck | None:
    """Return a container's own health check; what it leaves open is the image's."""
    if own is None or images is None:
        return own or images
    return own.replace(**{name: getattr(images, name) for name, value in own.as_dict().items() if not value})


class Damaged(Record):
    """A record that cannot be read: the container's ID and name, and why."""

    id: str
    name: str
    why: StoreDamaged


class Records(Database):
    """The records below a directory. Nothing is made before the first is added."""

    def add(self, container: Container) -> None:
        """Add a record. Raises InUse if its name is another's; InvalidInput, StoreFull."""
        self.prepare()
        values = (container.id, checked_name(container.name), _fixed(container), dumps(to_json(container.state)))
        with self.writing() as database:
            self._check_free(database, container.name, container.id)
            database.execute("INSERT INTO containers VALUES (?, ?, ?, ?)", values)

    def find(self, text: str) -> Container:
        """Return the container of that ID, that name, or the ID that begins so; `HOLDER/ALIAS` is what HOLDER has a link to.

        Raises NotFound, InvalidInput, StoreDamaged.
        """
        found = self.look_up(text)
        if isinstance(found, Damaged):
            raise found.why
        return found

    def look_up(self, text: str) -> Container | Damaged:
        """Do the same, but return what is known of one whose record is damaged."""
        holder, slash, alias = text.removeprefix("/").partition("/")
        if slash:
            return self.look_up(self._linked(holder, alias))
        text = holder
        if text and text.isascii() and self.path.exists():
            with self.reading() as database:
                row = database.execute(
                    "SELECT * FROM containers WHERE id = ?1 OR name = ?1 ORDER BY id != ?1", (text,)
                ).fetchone()
                if row:
                    return self._parse(row)
                if not set(text) - set("0123456789abcdef"):
                    rows = database.execute("SELECT * FROM containers WHERE id GLOB ? LIMIT 2", (f"{text}*",)).fetchall()
                    if len(rows) > 1:
                        raise InvalidInput(f"{text}: several containers' IDs begin so: give more of it, or a name")
                    if rows:
                        return self._parse(rows[0])
        raise NotFound(f"No such container: {text}")

    def _linked(self, holder: str, alias: str) -> str:
        """Return the ID of the container that one has a link to. Raises NotFound, InvalidInput, StoreDamaged."""
        with suppress(NotFound):
            for id, name in self.find(holder).options.links:
                if name == alias:
                    return id
        raise NotFound(f"No such container: {holder}/{alias}")

    def has(self, id: str) -> bool:
        """Is there a record of that ID?"""
        if not self.path.exists():
            return False
        with self.reading() as database:
            return database.execute("SELECT 1 FROM containers WHERE id = ?", (id,)).fetchone() is not None

    def all(self) -> list[Container | Damaged]:
        """Return all records, those that cannot be read among them. Raises StoreDamaged if the database is."""
        if not self.path.exists():
            return []
        with self.reading() as database:
            rows = database.execute("SELECT * FROM containers").fetchall()
        return [self._parse(row) for row in rows]

    def readable(self) -> list[Container]:
        """Return all records that can be read, the oldest first."""
        found = [each for each in self.all() if isinstance(each, Container)]
        return sorted(found, key=lambda each: each.created)

    def damaged(self) -> list[Damaged]:
        """Return what is known of those that cannot be read."""
        return [each for each in self.all() if isinstance(each, Damaged)]

    def whole(self) -> list[Container]:
        """Return all records. Raises StoreDamaged if one cannot be read: nobody knows then what it needs."""
        for each in self.damaged():
            raise each.why
        return self.readable()

    def volume_users(self) -> dict[str, list[str]]:
        """Return the IDs of the containers that have a volume, by its name, whether they run or not. Raises StoreDamaged."""
        found: dict[str, list[str]] = {}
        for container in self.whole():
            for mount in container.mounts:
                if mount.kind == "volume":
                    found.setdefault(mount.source, []).append(container.id)
        return found

    def rename(self, container: Container, name: str) -> Container:
        """Give a container another name. Raises InUse, NotFound, InvalidInput."""
        checked_name(name)
        with self.writing() as database:
            self._check_free(database, name, container.id)
            if not database.execute("UPDATE containers SET name = ? WHERE id = ?", (name, container.id)).rowcount:
                raise NotFound(f"No such container: {container.name}")
        return container.replace(name=name)

    def set_networks(self, container: Container, networks: tuple[EndpointOptions, ...]) -> Container:
        """Keep which networks a container is on from now on, and whenever it is started. Raises NotFound, StoreFull."""
        return self.set_options(container, container.options.replace(networks=networks))

    def set_options(self, container: Container, options: CreateOptions) -> Container:
        """Keep other options from now on; the caller has the container locked. Raises NotFound, StoreFull."""
        changed = container.replace(options=options)
        with self.writing() as database:
            if not database.execute("UPDATE containers SET record = ? WHERE id = ?", (_fixed(changed), container.id)).rowcount:
                raise NotFound(f"No such container: {container.name}")
        return changed

    def set_state(self, container: Container, state: State, *, durable: bool = True) -> Container:
        """Note a new state, unless somebody has noted another since `container` was read; return the container with it."""
        if state == container.state:
            return container
        old, new = (dumps(to_json(each)) for each in (container.state, state))
        with self.writing(durable=durable) as database:
            database.execute("UPDATE containers SET state = ? WHERE id = ? AND state = ?", (new, container.id, old))
        return container.replace(state=state)

    def change_state(self, id: str, change: Callable[[State], State]) -> Container:
        """Note what `change` makes of the state as it is at this moment; return the container with it. Raises NotFound."""
        with self.writing() as database:
            row = database.execute("SELECT * FROM containers WHERE id = ?", (id,)).fetchone()
            if row is None:
                raise NotFound(f"No such container: {id}")
            found = self._parse(row)
            if isinstance(found, Damaged):
                raise found.why
            changed = found.replace(state=change(found.state))
            database.execute("UPDATE containers SET state = ? WHERE id = ?", (dumps(to_json(changed.state)), id))
        return changed

    def remove(self, id: str) -> None:
        """Remove a record."""
        with self.writing() as database:
            database.execute("DELETE FROM containers WHERE id = ?", (id,))

    def _check_free(self, database: sqlite3.Connection, name: str, id: str) -> None:
        row = database.execute("SELECT id FROM containers WHERE name = ? AND id != ?", (name, id)).fetchone()
        if row:
            raise InUse(
                f'Conflict. The container name "/{name}" is already in use by container "{row[0]}". '
                "You have to remove (or rename) that container to be able to reuse that name."
            )

    def _parse(self, row: tuple[str, str, str, str]) -> Container | Damaged:
        id, name, fixed, state = row
        try:
            container = _read_fixed(fixed)
            if container.id != id:
                raise ValueError(f"it is that of {container.id[:80]}")
            return container.replace(name=name, state=_read_state(state))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"the record of container {name} in {self.path} cannot be read: {error}\n  cure: labcore rm -f {id[:12]}"
            return Damaged(str(id), str(name), StoreDamaged(why))


@lru_cache(maxsize=1024)  # records: a daemon reads each again and again
def _read_fixed(text: str) -> Container:
    return from_json(Container, loads(text)["record"])


@lru_cache(maxsize=1024)
def _read_state(text: str) -> State:
    return from_json(State, loads(text))


def _fixed(container: Container) -> str:
    """Return what is kept of a container beside its name and its state, which have columns of their own."""
    return dumps({"record": to_json(container.replace(name="", state=State()))})
