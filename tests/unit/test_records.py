"""Container records: what goes into the database comes out, whoever else is at it, and however it was damaged."""

import json
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.engine.records.database import BUSY_SECONDS
from labcore.engine.records.names import NAME, checked_name, drawn_name
from labcore.engine.records.records import Container, Damaged, Records, State
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged, Unavailable
from labcore.images import Config
from labcore.images.config import History
from labcore.record_json import from_json, to_json
from labcore.spec import CreateOptions, DeviceMapping, Healthcheck, IdRange, LogPolicy, Mount, Resources, Rlimit
from labcore.spec.resources import Throttle

OPTIONS = CreateOptions(
    image="busybox", command=("sh", "-c", "echo ü\udcff"), entrypoint=(), name="web",
    environment=(("A", "b"), ("GONE", None)),
    stop_timeout=3, tty=True, userns_remap=IdRange(0, 100_000, 65_536),
    resources=Resources(memory=64 << 20, throttles=(Throttle("read_bps", 8, 0, 1),), block_weights=((8, 0, 500),)),
    ulimits=(Rlimit("NOFILE", 1, 2),), mounts=(Mount("volume", "/data", "v", read_only=True),),
    devices=(DeviceMapping("/dev/null", "/dev/x"),), log=LogPolicy("non-blocking", max_size=5, max_files=2),
)  # fmt: skip
CONFIG = Config("amd64", ("sha256:" + "0" * 64,), healthcheck=Healthcheck(("CMD", "x"), 5), history=(History("t", "made"),))


def container(number: int = 1, **changes: object) -> Container:
    made = Container(f"{number:064x}", f"name-{number}", f"2026-01-01T00:00:{number:02}Z", OPTIONS, CONFIG, layers=("a", "b"))
    return made.replace(**changes)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "containers")


def test_what_goes_in_comes_out(records: Records) -> None:
    records.add(container(state=State("exited", 5, 6, "a", "b", 7, "why", True, "boot")))
    assert records.find("name-1") == container(state=State("exited", 5, 6, "a", "b", 7, "why", True, "boot"))
    assert records.all() == [records.find("name-1")]


def test_the_disk_is_waited_for_unless_a_state_need_not_be_durable(records: Records) -> None:
    records.add(made := container())
    with records.held_open():
        for durable, level in ((False, 1), (True, 2)):  # sqlite.org/pragma.html: NORMAL and FULL
            made = records.set_state(made, State("starting" if level == 1 else "running"), durable=durable)
            assert records.find("name-1").state == made.state
            with records.reading() as database:  # the connection that has just written
                assert database.execute("PRAGMA synchronous").fetchone() == (level,)


def test_nothing_is_made_by_looking(records: Records) -> None:
    assert (records.all(), records.readable(), records.has("x")) == ([], [], False)
    with pytest.raises(NotFound, match="No such container: x"):
        records.find("x")
    assert not records.directory.exists()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (CreateOptions, []),
        (CreateOptions, {"image": 5}),
        (CreateOptions, {"image": "x", "tty": 1}),
        (CreateOptions, {"image": "x", "no such": 1}),
        (CreateOptions, {"image": "x", "command": "sh"}),
        (CreateOptions, {"image": "x", "environment": [["A"]]}),
        (CreateOptions, {"image": "x", "userns_remap": {"inside": 0}}),
        (CreateOptions, {"image": "x", "log": {"mode": "sometimes"}}),
        (State, {"status": "sleeping"}),
        (State, {"pid": True}),
        (Container, {"id": "x"}),
    ],
)
def test_what_is_not_that_kind_is_refused(kind: type, value: object) -> None:
    with pytest.raises(ValueError, match=r"(is no|has no field|misses|has not|logging mode)"):
        from_json(kind, value)


def test_what_is_by_default_is_left_out() -> None:
    assert to_json(CreateOptions(image="x")) == {"image": "x"}
    assert from_json(CreateOptions, {"image": "x"}) == CreateOptions(image="x")


# --- names and IDs


@pytest.mark.parametrize(
    "bad", ["", "a", ".", "..", "a/b", "../a", ".hidden", "-x", "a" * 200, "a\0b", "a\nb", "ä", "_x", "a b"]
)
def test_names_that_no_container_can_have(records: Records, bad: str) -> None:
    with pytest.raises(InvalidInput, match="Invalid container name"):
        records.add(container(name=bad))
    records.add(container())
    with pytest.raises(InvalidInput, match="Invalid container name"):
        records.rename(container(), bad)


def test_drawn_names() -> None:
    drawn = {drawn_name() for _ in range(300)}
    assert len(drawn) > 250
    assert all(NAME.fullmatch(name) and name.count("_") == 1 for name in drawn)
    assert checked_name(drawn_name(1))[-1].isdigit()


def test_a_name_that_is_taken_names_its_holder(records: Records) -> None:
    records.add(container(1))
    with pytest.raises(InUse, match='The container name "/name-1" is already in use by container "0'):
        records.add(container(2, name="name-1"))
    records.add(container(2))
    with pytest.raises(InUse, match='The container name "/name-1" is already in use'):
        records.rename(container(2), "name-1")
    assert records.rename(container(2), "name-2").name == "name-2", "its own name is free for it"
    assert records.rename(container(2), "other").name == "other"
    assert records.find("other").id == container(2).id


def test_names_ids_and_heads_of_ids(records: Records) -> None:
    """A whole ID goes before a name, and a name before the head of an ID, as with docker."""
    first, second = container(1, id="ab" * 32, name="cd"), container(2, id="cd" * 32, name="abc")
    for each in (first, second):
        records.add(each)
    records.add(container(3, id="abc" + "0" * 61, name="third"))
    assert records.find("ab" * 32) == first
    assert records.find("cd") == first
    assert records.find("cdcd") == second
    assert records.find("abc") == second
    with pytest.raises(InvalidInput, match="several containers' IDs begin so"):
        records.find("ab")
    for nothing in ("", "*", "ab*", "%", "'; DROP TABLE containers; --", "\udcff"):
        with pytest.raises(NotFound):
            records.find(nothing)


# --- state


def test_a_state_is_noted_only_on_top_of_the_one_that_was_read(records: Records) -> None:
    records.add(container())
    early = records.find("name-1")
    running = records.set_state(early, State("running", 1))
    records.set_state(early, State("exited", exit_code=9))
    assert records.find("name-1").state == running.state


# --- several processes


ADD = """
import sys
from pathlib import Path
from labcore.engine.records.records import Container, Records, State
from labcore.images import Config
from labcore.spec import CreateOptions
records, first = Records(Path(sys.argv[1])), int(sys.argv[2])
for number in range(first, first + 12):
    made = Container(f"{number:064x}", f"name-{number}", "", CreateOptions(image="x"), Config("", ()))
    records.add(made)
    records.set_state(made, State("running", number))
    assert records.all()
    if number % 3 == 0:
        records.remove(made.id)
"""


def test_many_processes_write_at_once(records: Records) -> None:
    """Also the first, who make the database: there is one, and nothing of a race for it is left."""
    others = [
        subprocess.Popen([sys.executable, "-c", ADD, str(records.directory), str(100 * each)], stderr=subprocess.PIPE)
        for each in range(1, 7)
    ]
    for each in others:
        assert each.communicate(timeout=120)[1] == b""
    wanted = sorted(n for first in range(100, 700, 100) for n in range(first, first + 12) if n % 3)
    assert sorted(each.state.pid for each in records.readable()) == wanted
    assert [path.name for path in records.directory.iterdir()] == ["records.db"]


HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_who_holds_the_database_open_opens_it_once(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    connect = sqlite3.connect
    with records.held_open():
        monkeypatch.setattr(sqlite3, "connect", lambda *words, **options: opened.append("") or connect(*words, **options))
        records.add(container())
        with suppress(NotFound), records.writing() as database:  # what was not committed is undone
            database.execute("DELETE FROM containers")
            raise NotFound("x")
        assert [records.find("name-1") for _ in range(20)] == [container()] * 20
        assert len(opened) == 2  # the second one after the failure
    records.find("name-1")
    assert len(opened) == 3


def test_a_state_that_is_none_is_not_written(records: Records) -> None:
    records.add(container())
    with sqlite3.connect(records.path) as watching:
        before = watching.execute("PRAGMA data_version").fetchone()
        records.set_state(records.find("name-1"), State())
        assert watching.execute("PRAGMA data_version").fetchone() == before
        records.set_state(records.find("name-1"), State("running"))
        assert watching.execute("PRAGMA data_version").fetchone() != before


def test_one_who_writes_makes_readers_wait_for_nothing(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    records.add(container())
    monkeypatch.setattr("labcore.engine.records.database.BUSY_SECONDS", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(records.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert records.find("name-1") == container()
        with pytest.raises(InUse, match=r"another labcore has been writing for 0\.1 s: end it, or wait"):
            records.add(container(2))
        holder.kill()
    records.add(container(2))
    assert BUSY_SECONDS > 10


# --- damage


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"record": 5}', '{"record": {"id": "x"}}', "\0"])
def test_a_damaged_record_is_one_containers_trouble(records: Records, text: str) -> None:
    records.add(container(1))
    records.add(container(2))
    with sqlite3.connect(records.path) as database:
        database.execute("UPDATE containers SET record = ? WHERE name = 'name-1'", (text,))
    database.close()
    with pytest.raises(
        StoreDamaged, match=f"the record of container name-1 in .* cannot be read: .*\n  cure: labcore rm -f {'0' * 12}"
    ):
        records.find("name-1")
    assert records.readable() == [container(2)]
    assert isinstance(records.look_up("name-1"), Damaged)
    with pytest.raises(StoreDamaged):
        records.whole()
    records.remove(container(1).id)
    assert records.whole() == [container(2)]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400, b"SQLite format 3\0" + bytes(4080)])
def test_a_damaged_database_stays_as_it_is(records: Records, content: bytes) -> None:
    records.add(container())
    records.path.write_bytes(content)
    for act in (records.all, lambda: records.find("name-1"), lambda: records.add(container(2)), lambda: records.remove("x")):
        with pytest.raises(StoreDamaged, match=r"(cannot be read|has format 0)"):
            act()
    assert records.path.read_bytes() == content


def test_the_middle_of_a_database_is_damaged(records: Records) -> None:
    for number in range(1, 60):
        records.add(container(number))
    content = bytearray(records.path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    records.path.write_bytes(content)
    with pytest.raises(
        StoreDamaged, match=r"cannot be read: .*\n  cure: mend it \(sqlite3 .* \.recover\), put a copy back, or move"
    ):
        records.all()


def test_a_newer_labcores_database(records: Records) -> None:
    records.add(container())
    with sqlite3.connect(records.path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(StoreDamaged, match="has format 2, and this labcore knows 1 only: use the one that made it, or another"):
        records.all()


def test_a_directory_in_its_place(records: Records) -> None:
    records.path.mkdir(parents=True)
    with pytest.raises(Unavailable, match=r"unable to open database file\n  cure: run it as whoever owns it"):
        records.all()


def test_json_of_an_option_that_was_never_said(records: Records) -> None:
    """A newer labcore may add options; what an older one has written is read."""
    records.add(container())
    with sqlite3.connect(records.path) as database:
        (text,) = database.execute("SELECT record FROM containers").fetchone()
        value = json.loads(text)
        del value["record"]["options"]["stop_timeout"]
        database.execute("UPDATE containers SET record = ?", (json.dumps(value),))
    database.close()
    assert records.find("name-1").options.stop_timeout is None


def test_a_container_without_a_record_needs_no_sqlite() -> None:
    """`labcore run --rm`: 5 ms."""
    script = (
        "import sys; import labcore.engine.container.foreground, labcore.cli.container.run; print('sqlite3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
