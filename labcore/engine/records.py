"""Container records: what is kept of each container, in a SQLite database (WAL) that many processes share.

::

    ROOT/containers/records.db   the records; `PRAGMA user_version` is the format's version
                    ID/          a container's directory: its shim's, and the files that it is given (hostname, hosts, …)

A connection lasts for one transaction. Readers never wait; of several writers one waits for the other, `BUSY_SECONDS` at most.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from labcore.engine.incoming import incoming_directory
from labcore.engine.names import checked_name
from labcore.engine.record_json import from_json, to_json
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged, StoreFull, Unavailable
from labcore.images.config import Config
from labcore.record import Record
from labcore.spec import CreateOptions, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

FORMAT: Final = 1
BUSY_SECONDS: Final = 30.0
DATABASE: Final = "records.db"
SCHEMA: Final = """
    CREATE TABLE containers (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT UNIQUE NOT NULL,
        record TEXT NOT NULL,  -- what never changes, as JSON
        state TEXT NOT NULL    -- what does, as JSON
    ) WITHOUT ROWID"""

Status = Literal["created", "starting", "running", "exited"]


class State(Record):
    """What a container did last, as far as it was noted: `running` is to be believed only if that process lives.

    `starting` is noted before its process is made, so that whoever finds it afterwards looks for a shim. Times are RFC 3339's.
    The machine's `boot` ID, `pid` and `pid_start` (clock ticks, proc_pid_stat(5)) mean one process and never another. `error`
    says why the last start failed.
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


class Damaged(Record):
    """A record that cannot be read: the container's ID and name, and why."""

    id: str
    name: str
    why: StoreDamaged


class Records:
    """The records below a directory. Nothing is made before the first is added."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / DATABASE

    def add(self, container: Container) -> None:
        """Add a record. Raises InUse if its name is another's; InvalidInput, StoreFull."""
        self._prepare()
        fixed = json.dumps({"record": to_json(container.replace(name="", state=State()))})
        values = (container.id, checked_name(container.name), fixed, json.dumps(to_json(container.state)))
        with self._writing() as database:
            self._check_free(database, container.name, container.id)
            database.execute("INSERT INTO containers VALUES (?, ?, ?, ?)", values)

    def find(self, text: str) -> Container:
        """Return the container of that ID, that name, or the ID that begins so. Raises NotFound, InvalidInput, StoreDamaged."""
        found = self.look_up(text)
        if isinstance(found, Damaged):
            raise found.why
        return found

    def look_up(self, text: str) -> Container | Damaged:
        """Do the same, but return what is known of one whose record is damaged."""
        if self.path.exists():
            with self._reading() as database:
                row = database.execute("SELECT * FROM containers WHERE id = ?1 OR name = ?1 ORDER BY id != ?1", (text,)).fetchone()
                if row:
                    return self._parse(row)
                if text and not set(text) - set("0123456789abcdef"):
                    rows = database.execute("SELECT * FROM containers WHERE id GLOB ? LIMIT 2", (f"{text}*",)).fetchall()
                    if len(rows) > 1:
                        raise InvalidInput(f"{text}: several containers' IDs begin so: give more of it, or a name")
                    if rows:
                        return self._parse(rows[0])
        raise NotFound(f"no such container: {text or repr(text)}: `labcore ps -a` lists them")

    def has(self, id: str) -> bool:
        """Is there a record of that ID?"""
        if not self.path.exists():
            return False
        with self._reading() as database:
            return database.execute("SELECT 1 FROM containers WHERE id = ?", (id,)).fetchone() is not None

    def all(self) -> list[Container | Damaged]:
        """Return all records, those that cannot be read among them. Raises StoreDamaged if the database is."""
        if not self.path.exists():
            return []
        with self._reading() as database:
            rows = database.execute("SELECT * FROM containers").fetchall()
        return [self._parse(row) for row in rows]

    def readable(self) -> list[Container]:
        """Return all records that can be read, the oldest first."""
        found = [each for each in self.all() if isinstance(each, Container)]
        return sorted(found, key=lambda each: each.created)

    def whole(self) -> list[Container]:
        """Return all records. Raises StoreDamaged if one cannot be read: nobody knows then what it needs."""
        for each in self.all():
            if isinstance(each, Damaged):
                raise each.why
        return self.readable()

    def rename(self, container: Container, name: str) -> Container:
        """Give a container another name. Raises InUse, NotFound, InvalidInput."""
        checked_name(name)
        with self._writing() as database:
            self._check_free(database, name, container.id)
            if not database.execute("UPDATE containers SET name = ? WHERE id = ?", (name, container.id)).rowcount:
                raise NotFound(f"no such container: {container.name}: somebody has just removed it")
        return container.replace(name=name)

    def set_state(self, container: Container, state: State) -> Container:
        """Note a new state, unless somebody has noted another since `container` was read; return the container with it."""
        old, new = (json.dumps(to_json(each)) for each in (container.state, state))
        with self._writing() as database:
            database.execute("UPDATE containers SET state = ? WHERE id = ? AND state = ?", (new, container.id, old))
        return container.replace(state=state)

    def remove(self, id: str) -> None:
        """Remove a record."""
        with self._writing() as database:
            database.execute("DELETE FROM containers WHERE id = ?", (id,))

    def _check_free(self, database: "sqlite3.Connection", name: str, id: str) -> None:
        row = database.execute("SELECT id FROM containers WHERE name = ? AND id != ?", (name, id)).fetchone()
        if row:
            raise InUse(f"the name {name} is container {row[0][:12]}'s: remove or rename that (labcore rm, labcore rename) first")

    def _parse(self, row: tuple[str, str, str, str]) -> Container | Damaged:
        id, name, fixed, state = row
        try:
            container = from_json(Container, json.loads(fixed)["record"])
            if container.id != id:
                raise ValueError(f"it is that of {container.id[:80]}")
            return container.replace(name=name, state=from_json(State, json.loads(state)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            why = f"the record of container {name} in {self.path} cannot be read: {error}\n  cure: labcore rm -f {id[:12]}"
            return Damaged(str(id), str(name), StoreDamaged(why))

    # --- the database

    def _prepare(self) -> None:
        """Make the database if there is none: whole, under another name, and then named."""
        if self.path.exists():
            return
        import sqlite3

        with self._explained(), incoming_directory(self.directory) as incoming:
            database = sqlite3.connect(incoming / DATABASE, isolation_level=None)
            try:
                for command in ("PRAGMA journal_mode = WAL", SCHEMA, f"PRAGMA user_version = {FORMAT}"):
                    database.execute(command)
            finally:
                database.close()
            with suppress(FileExistsError):  # somebody else was faster
                os.link(incoming / DATABASE, self.path)

    @contextmanager
    def _reading(self) -> "Iterator[sqlite3.Connection]":
        with self._connection() as database:
            database.execute("BEGIN")
            yield database

    @contextmanager
    def _writing(self) -> "Iterator[sqlite3.Connection]":
        with self._connection() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _connection(self) -> "Iterator[sqlite3.Connection]":
        """Open the database; what was not committed by the block's end is undone."""
        import sqlite3  # 5 ms, and a container that leaves nothing needs it not

        with self._explained():
            database = sqlite3.connect(f"file:{_quoted(self.path)}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                database.execute("PRAGMA synchronous = FULL")
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version != FORMAT:
                    raise StoreDamaged(
                        f"{self.path} has format {version}, and this labcore knows {FORMAT} only: use the one that made it, or "
                        "another state root: --root, LABCORE_ROOT"
                    )
                yield database
            finally:
                database.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what SQLite's errors mean here: sqlite.org/rescode.html."""
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise InUse(f"{self.path}: another labcore has been writing for {BUSY_SECONDS:g} s: end it, or wait") from None
            if kind == sqlite3.SQLITE_FULL:
                from labcore.disk_space import FULL, free

                raise StoreFull(FULL[0], f"no room in {self.directory}: {free(self.directory)}; `labcore prune` frees some") from None
            if kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
                raise Unavailable(f"{self.path}: {error}\n  cure: run it as whoever owns it: sudo labcore …, or another --root") from None
            raise StoreDamaged(
                f"{self.path} cannot be read: {error}\n  cure: mend it (sqlite3 {self.path} .recover), put a copy back, or move "
                "it away: containers are forgotten then, and their files stay in that directory and in storage/upper"
            ) from None


def _quoted(path: Path) -> str:
    """Return a path as a URI has it."""
    from urllib.parse import quote

    return quote(os.fsencode(path.absolute()))
