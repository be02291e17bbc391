"""The engine's SQLite database: made whole, a connection for each transaction, its errors explained.

It is in WAL mode: readers never wait, and of several writers one waits for the other, `BUSY_SECONDS` at most. What was
committed outlives a crash of the machine, unless it is said not to be durable. `PRAGMA user_version` is the version of the
format.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from labcore.disk_space import FULL, full_disk
from labcore.engine.records.incoming import incoming_directory
from labcore.errors import InUse, StoreDamaged, StoreFull, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Final

FORMAT: Final = 1
BUSY_SECONDS: Final = 30.0
MAX_IDLE: Final = 4  # connections, each with two descriptors
DATABASE: Final = "records.db"
RESERVE: Final = "reserve"
RESERVE_BYTES: Final = 1 << 18  # for a write-ahead log and its index
GROWTH_BYTES: Final = 1 << 16  # of the write-ahead log, for changes on a full disk
SCARCE_BLOCKS: Final = 64  # fewer that are free may not do for a change
SCHEMA: Final = """
    CREATE TABLE containers (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT UNIQUE NOT NULL,
        record TEXT NOT NULL,  -- what never changes, as JSON
        state TEXT NOT NULL    -- what does, as JSON
    ) WITHOUT ROWID"""


class Database:
    """The database in a directory, which is there from the first `prepare` on."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / DATABASE
        self._idle: list[sqlite3.Connection] = []
        self._is_held = False

    def prepare(self) -> None:
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
    def held_open(self) -> Iterator[None]:
        """Keep the write-ahead log and its index, with room in them: meanwhile records are changed and removed on a full disk.

        Connections are used again: opening one takes longer than most transactions. At the end SQLite removes both files, and
        `reserve` keeps their room. Raises StoreFull, StoreDamaged, Unavailable.
        """
        self.prepare()
        reserve = self.directory / RESERVE
        reserve.unlink(missing_ok=True)
        with self._connection() as database:
            with suppress(StoreFull), self._explained():
                _grow(database)
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False
                while self._idle:
                    self._idle.pop().close()
        with suppress(OSError):
            reserve.write_bytes(bytes(RESERVE_BYTES))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the database. Raises StoreDamaged, Unavailable."""
        with self._connection() as database:
            database.execute("BEGIN")
            yield database

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Yield the one connection that may write; what it has written is there once the block has ended, or not at all.

        What is not `durable` outlives the process, and the machine's crash with the next change that is: no disk is waited for.
        Raises InUse after BUSY_SECONDS, StoreFull, StoreDamaged, Unavailable.
        """
        with self._connection() as database:
            if os.statvfs(self.directory).f_bavail < SCARCE_BLOCKS:  # then the log is written over, not on
                database.execute("PRAGMA wal_checkpoint")
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that nobody else has; what was not committed by the block's end is undone."""
        with self._explained():
            try:
                database = self._idle.pop()
            except IndexError:
                database = self._opened()
            try:
                yield database
                database.rollback()
            except BaseException:
                database.close()
                raise
            if self._is_held and len(self._idle) < MAX_IDLE:
                self._idle.append(database)
            else:
                database.close()

    def _opened(self) -> sqlite3.Connection:
        import sqlite3  # 5 ms, and a container that leaves nothing needs it not

        uri = f"file:{_quoted(self.path)}?mode=rw"
        database = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != FORMAT:
                raise StoreDamaged(
                    f"{self.path} has format {version}, and this labcore knows {FORMAT} only: use the one that made it, or "
                    "another state root: --root, LABCORE_ROOT"
                )
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what SQLite's errors mean here: sqlite.org/rescode.html."""
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error, getattr(error, "sqlite_errorcode", 0) & 0xFF) from None

    def _meaning(self, error: sqlite3.Error, code: int) -> Exception:
        import sqlite3

        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return InUse(f"{self.path}: another labcore has been writing for {BUSY_SECONDS:g} s: end it, or wait")
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not os.statvfs(self.directory).f_bavail):
            return StoreFull(FULL[0], full_disk("records", self.directory))
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return Unavailable(f"{self.path}: {error}\n  cure: run it as whoever owns it: sudo labcore …, or another --root")
        return StoreDamaged(
            f"{self.path} cannot be read: {error}\n"
            f"  cure: mend it (sqlite3 {self.path} .recover), put a copy back, or move it away: then all containers are\n"
            "  forgotten, and their files stay in that directory and in storage/upper"
        )


def _grow(database: sqlite3.Connection) -> None:
    """Have the write-ahead log grow, and the database with free pages: what both have got they keep."""
    database.execute("CREATE TABLE IF NOT EXISTS grown (bytes BLOB)")
    database.execute("INSERT INTO grown VALUES (zeroblob(?))", (GROWTH_BYTES,))
    database.execute("DROP TABLE grown")
    database.execute("PRAGMA wal_checkpoint")


def _quoted(path: Path) -> str:
    """Return a path as a URI has it."""
    from urllib.parse import quote

    return quote(os.fsencode(path.absolute()))
