"""RUN: its output, input, end and surroundings; its mounts, of which nothing gets into a layer; attacks."""

import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from labcore.builder.parser.instructions import RunMount
from labcore.builder.run.mount_origins import MountOrigin
from labcore.cancellation import Cancellation
from labcore.engine import Engine
from labcore.engine.prune import collected
from labcore.errors import Cancelled, InvalidInput, NotFound, StepFailed
from labcore.spec import Resources
from labcore.spec.isolation import Rlimit
from labcore.storage.layers import layer_id
from tests.builds import base, clean, made, run
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def names(engine: Engine, script: str, **how: object) -> list[str]:
    """Return what is in the layer of a script's changes."""
    layer = made(engine, script, **how)
    if layer is None:
        return []
    with tarfile.open(engine.images.blob_path(layer.descriptor)) as archive:
        return archive.getnames()


# --- the program


def test_output_input_and_exit_code(own: Engine, storage: str) -> None:
    done = run(own, "cat; echo err >&2; exit 7", stdin=b"given\n")
    assert (done.exit_code, done.stdout, done.stderr, done.layer) == (7, b"given\n", b"err\n", None)
    assert clean(own)


def test_much_input_and_output(own: Engine) -> None:
    content = os.urandom(3 << 20)
    assert run(own, "cat", stdin=content).stdout == content
    assert run(own, "head -c 10", stdin=content).stdout == content[:10]


def test_output_comes_as_it_is_written(own: Engine) -> None:
    done = run(own, "echo first; sleep 0.2; echo second")
    assert done.stdout == b"first\nsecond\n"


def test_surroundings(own: Engine) -> None:
    script = "id -u; id -g; pwd; echo $A; hostname; cat /etc/hosts | tail -2; ulimit -n; df -k /dev/shm | tail -1"
    done = run(
        own,
        script,
        user="7:8",
        workdir="/tmp",
        environment=("PATH=/bin", "A=a b=c"),
        hosts=(("there", "10.1.2.3"),),
        rlimits=(Rlimit("NOFILE", 77, 77),),
        shm_size=4 << 20,
    )
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[:5] == ["7", "8", "/tmp", "a b=c", "buildkitsandbox"]
    assert lines[5] == "10.1.2.3\tthere"
    assert lines[7] == "77"
    assert "4096" in lines[8]


def test_its_limits(own: Engine) -> None:
    done = run(own, "dd if=/dev/zero of=/dev/null bs=60M count=1; echo survived", resources=Resources(memory=16 << 20))
    assert (done.exit_code, done.stdout) == (137, b"")


@pytest.mark.parametrize(("network", "links"), [("none", 1), ("", 2), ("bridge", 2)])
def test_networks(own: Engine, network: str, links: int) -> None:
    assert int(made_output(own, "ls /sys/class/net | wc -l", network=network)) == links


def test_the_hosts_network(own: Engine) -> None:
    assert made_output(own, "readlink /proc/self/ns/net", network="host").strip() == os.readlink("/proc/self/ns/net")


def made_output(engine: Engine, script: str, **how: object) -> str:
    done = run(engine, script, **how)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode()


def test_an_unknown_network_is_named(own: Engine) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        run(own, "true", network="nowhere")
    assert clean(own)


def test_only_an_insecure_one_is_privileged(own: Engine) -> None:
    script = "mount -t tmpfs none /tmp"
    assert run(own, script).exit_code != 0
    assert run(own, script, insecure=True).exit_code == 0
    assert clean(own)


def test_a_program_that_is_not_there(own: Engine) -> None:
    with pytest.raises(StepFailed, match="nothing"):
        run(own, "", argv=("/nothing",))
    assert clean(own)


def test_an_unknown_user(own: Engine) -> None:
    with pytest.raises(InvalidInput, match="unable to find user nobody-here"):
        run(own, "true", user="nobody-here")
    assert clean(own)


def test_cancelled_it_is_killed(own: Engine, storage: str) -> None:
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.set).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        run(own, "trap '' TERM INT; echo x > /x; while true; do sleep 100; done", cancellation=cancellation)
    assert time.monotonic() - begun < 50
    assert clean(own)


def test_who_hears_its_output_may_end_it(own: Engine) -> None:
    from labcore.builder.run.container import RunStep, ran
    from labcore.engine.records.ids import new_id

    def output(_: str, data: bytes) -> None:
        raise BrokenPipeError(data)

    step = RunStep(("sh", "-c", "echo x; sleep 100"), network="none")
    with (
        pytest.raises(BrokenPipeError),
        ran(own, base(own), step, container_id=new_id(), output=output, cancellation=Cancellation()),
    ):
        pass
    assert clean(own)


def test_a_learners_stages_are_carried_out(own: Engine, tmp_path: Path) -> None:
    from labcore.engine.stages import StagesFile

    file = tmp_path / "my_runtime.py"
    file.write_text("from labcore.runtime import ops\n\n\ndef hostname(spec):\n    return [ops.SetHostname('learned')]\n")
    own.stages = StagesFile(file)
    assert made_output(own, "hostname; echo x > /x") == "learned\n"
    assert clean(own)


BUILDER = """
import sys
from labcore.engine import Engine
from tests.builds import run
run(Engine(sys.argv[1]), "echo begun > /begun; mkdir /d; trap '' TERM; while true; do sleep 0.05; echo x >> /d/x; done")
"""


def test_a_builder_that_is_killed_takes_its_step_along(own: Engine) -> None:
    with subprocess.Popen([sys.executable, "-c", BUILDER, own.root]) as builder:
        uppers = own.root / "storage" / "upper"
        while not list(uppers.glob("*/upper/d/x")):
            time.sleep(0.02)
        builder.kill()
    assert made(own, "true") is None
    assert not list(uppers.iterdir())
    assert clean(own)


# --- mounts


def test_a_cache_is_there_the_next_time(own: Engine, storage: str) -> None:
    mount = RunMount("cache", target="/root/.cache/pip", mode=0o750, uid=5, gid=6)
    look = "stat -c '%a %u %g' /root/.cache/pip; cat /root/.cache/pip/* || true; echo kept > /root/.cache/pip/file"
    assert run(own, look, mounts=[mount]).stdout == b"750 5 6\n"
    done = run(own, look, mounts=[mount])
    assert (done.stdout, done.layer) == (b"750 5 6\nkept\n", None)
    assert run(own, look, mounts=[mount.replace(target="/other", id="/root/.cache/pip"), mount]).stdout == b"750 5 6\nkept\n"
    assert run(own, look, mounts=[mount.replace(id="another")]).stdout == b"750 5 6\n"
    assert clean(own)


def test_a_locked_cache_has_one_user_and_a_private_one_each(own: Engine) -> None:
    script = "test ! -e /c/busy || echo seen; touch /c/busy; sleep 0.4; rm /c/busy; ls /c | wc -l"
    for sharing, seen in (("locked", b"0\n0\n"), ("private", b"0\n0\n")):
        found: list[bytes] = []
        mount = RunMount("cache", target="/c", id=sharing, sharing=sharing)
        threads = [threading.Thread(target=lambda: found.append(run(own, script, mounts=[mount]).stdout)) for _ in range(2)]  # noqa: B023
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert b"".join(found) == seen
    keys = [mount.key.rpartition("/")[2] for mount in own.build_cache.mounts.mounts()]
    assert sorted(keys) == ["0", "0", "1"]


def test_who_waits_for_a_cache_can_be_cancelled(own: Engine) -> None:
    mount = RunMount("cache", target="/c", sharing="locked")
    first, second = Cancellation(), Cancellation()

    def hold() -> None:
        with pytest.raises(Cancelled):
            run(own, "touch /c/held; sleep 100", mounts=[mount], cancellation=first)

    thread = threading.Thread(target=hold)
    thread.start()
    while not list((own.root / "builder" / "mounts").glob("*/0/held")):
        time.sleep(0.02)
    threading.Timer(0.2, second.set).start()
    with pytest.raises(Cancelled, match="waited for a cache mount"):
        run(own, "true", mounts=[mount], cancellation=second)
    first.set()
    thread.join(30)
    assert clean(own)


def directory(own: Engine) -> MountOrigin:
    """Make a directory that stands for the context."""
    place = own.root / "context"
    place.mkdir()
    (place / "file").write_text("of the context\n")
    (place / "sub").mkdir()
    (place / "sub" / "inner").write_text("inner\n")
    return MountOrigin("the build context", directory=str(place))


def stage(own: Engine) -> MountOrigin:
    """Make a stage of two layers."""
    first = made(own, "mkdir -p /sub/gone; echo below > /sub/inner; echo 'echo tool' > /tool; chmod 755 /tool")
    assert first
    layers = [*base(own), layer_id(first.diff_id)]
    second = made(own, "echo inner > /sub/inner; rm -r /sub/gone; echo file > /file", layers=layers)
    assert second
    return MountOrigin("stage tools", layers=(*layers, layer_id(second.diff_id)))


@pytest.mark.parametrize("origin", [directory, stage])
def test_binds(own: Engine, storage: str, origin: object) -> None:
    origins = {"": origin(own)}  # type: ignore[operator]
    read_only = RunMount("bind", target="/src", read_only=True)
    look = "cat /src/sub/inner; test ! -e /src/sub/gone; touch /src/new"
    done = run(own, look, mounts=[read_only], origins=origins)
    assert (done.exit_code, done.stdout, done.layer) == (1, b"inner\n", None)
    assert b"Read-only file system" in done.stderr
    writable = RunMount("bind", target="/src")
    for _ in range(2):
        done = run(own, f"{look}; echo more >> /src/sub/inner; rm /src/file; ls /src/sub", mounts=[writable], origins=origins)
        assert (done.exit_code, done.stdout, done.layer) == (0, b"inner\ninner\n", None), done.stderr
    for source in ("sub", "/sub/", "../../sub"):
        done = run(own, "cat /deep/er/inner", mounts=[read_only.replace(source=source, target="/deep/er")], origins=origins)
        assert (done.stdout, done.layer) == (b"inner\n", None)
    file = read_only.replace(source="sub/inner", target="/etc/inner.conf")
    assert names(own, "cat /etc/inner.conf; echo x > /etc/own", mounts=[file], origins=origins) == ["etc", "etc/own"]
    assert clean(own)


def test_programs_of_a_stage_can_be_run(own: Engine) -> None:
    mount = RunMount("bind", target="/tools", read_only=True)
    assert run(own, "/tools/tool", mounts=[mount], origins={"": stage(own)}).stdout == b"tool\n"


def test_a_source_that_is_not_there(own: Engine) -> None:
    with pytest.raises(NotFound, match='failed to mount "nothing" of the build context: No such file or directory'):
        run(own, "true", mounts=[RunMount("bind", target="/s", source="nothing")], origins={"": directory(own)})
    assert clean(own)


def test_a_cache_begins_with_a_stages_files(own: Engine, storage: str) -> None:
    mount = RunMount("cache", target="/c", source="sub", origin="tools")
    origins = {"tools": stage(own)}
    look = "cat /c/inner; echo changed > /c/inner"
    assert run(own, look, mounts=[mount], origins=origins).stdout == b"inner\n"
    assert run(own, look, mounts=[mount], origins=origins).stdout == b"changed\n"


def test_a_tmpfs_is_gone(own: Engine, storage: str) -> None:
    mount = RunMount("tmpfs", target="/t/m/p", size=1 << 20)
    done = run(own, "head -c 2000000 /dev/zero > /t/m/p/file || wc -c < /t/m/p/file", mounts=[mount])
    assert (done.stdout, done.layer) == (b"1048576\n", None)
    assert names(own, "echo x > /t/own", mounts=[mount]) == ["t", "t/own"]
    assert clean(own)


def test_secrets(own: Engine, storage: str) -> None:
    value = b"very-secret-\xff-" + os.urandom(8).hex().encode() + b"\n"
    script = (
        "stat -c '%a %u %g' /run/secrets/token /etc/other; cat /run/secrets/token; test ! -w /etc/other || id -u; echo x > /x"
    )
    mounts = [
        RunMount("secret", id="token", read_only=True),
        RunMount("secret", id="token", target="/etc/other", mode=0o640, uid=3, gid=4),
        RunMount("secret", id="missing"),
    ]
    done = run(own, script, mounts=mounts, secrets={"token": value})
    assert done.stdout.startswith(b"400 0 0\n640 3 4\n" + value), done.stderr
    assert done.layer
    of_variable = RunMount("secret", id="token", variable="TOKEN")
    done = run(own, 'echo "$TOKEN"; ls /run/secrets || true', mounts=[of_variable], secrets={"token": value.strip()})
    assert done.stdout == value
    with pytest.raises(NotFound, match="secret missing: not found"):
        run(own, "true", mounts=[RunMount("secret", id="missing", required=True)])
    assert not [path for path in own.root.rglob("*") if path.is_file() and value.strip() in path.read_bytes()]
    assert clean(own)


def test_a_secret_is_not_shown(own: Engine) -> None:
    value = b"hidden" + os.urandom(8).hex().encode()
    mounts = [RunMount("secret", id="s"), RunMount("secret", id="s", variable="S")]
    lines: list[bytes] = []
    seen = threading.Event()

    def watch() -> None:
        while not seen.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    lines.append(path.read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    done = run(own, "cat /run/secrets/s; sleep 0.3", mounts=mounts, secrets={"s": value})
    seen.set()
    thread.join()
    assert done.stdout == value
    assert not any(value in line for line in lines)
    assert value.decode() not in Path("/proc/self/mountinfo").read_text()


def test_mount_points_leave_no_trace(own: Engine, storage: str) -> None:
    mounts = [
        RunMount("tmpfs", target="/a/b/c"),
        RunMount("cache", target="/a/b/d"),
        RunMount("secret", id="s", target="/tmp/deep/secret"),
        RunMount("tmpfs", target="/home"),
    ]
    assert names(own, "true", mounts=mounts, secrets={"s": b"x"}) == []
    assert names(own, "touch /a/b/kept", mounts=mounts, secrets={"s": b"x"}) == ["a", "a/b", "a/b/kept"]
    assert names(own, "mkdir -p /a/b/c && echo x > /a/b/c/lost", mounts=mounts, secrets={"s": b"x"}) == []
    assert clean(own)


def test_a_relative_target_is_below_the_working_directory(own: Engine) -> None:
    mount = RunMount("tmpfs", target="below")
    assert run(own, "grep -c ' /tmp/below ' /proc/mounts", mounts=[mount], workdir="/tmp").stdout == b"1\n"
    with pytest.raises(InvalidInput, match='invalid mount target "/"'):
        run(own, "true", mounts=[RunMount("tmpfs", target="/")])
    with pytest.raises(InvalidInput, match=r"--mount=type=ssh: labcore's builder has none"):
        run(own, "true", mounts=[RunMount("ssh")])


# --- attacks


@pytest.mark.parametrize("origin", [directory, stage])
@pytest.mark.parametrize("writable", [False, True])
def test_a_link_leads_out_of_no_source(own: Engine, origin: object, writable: bool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host\n")
    found: MountOrigin = origin(own)  # type: ignore[operator]
    if found.directory:
        for name, target in (
            ("abs", str(secret)),
            ("rel", "../../../../../../../../../" + str(secret)),
            ("dir", str(tmp_path)),
        ):
            (Path(found.directory) / name).symlink_to(target)
    else:
        layer = made(own, f"ln -s {secret} /abs; ln -s ../../../..{secret} /rel; ln -s {tmp_path} /dir", layers=found.layers)
        assert layer
        found = found.replace(layers=(*found.layers, layer_id(layer.diff_id)))
    for source in ("abs", "rel", "dir/secret", f"../../../../../..{secret}", "/proc/self/root" + str(secret), "dir"):
        mount = RunMount("bind", target="/s", source=source, read_only=not writable)
        with pytest.raises(NotFound, match=r"of (the build context|stage tools)"):
            run(own, "cat /s /s/*", mounts=[mount], origins={"": found})
    collected(own)
    assert clean(own)


def test_a_target_that_is_a_link_stays_inside(own: Engine, storage: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    layer = made(own, f"ln -s {outside} /out; ln -s ../../../../../..{outside} /up")
    assert layer
    layers = [*base(own), layer_id(layer.diff_id)]
    for target in ("/out/there", "/up/there", "/out"):
        done = run(own, f"echo x > {target}/file; ls {target}", mounts=[RunMount("tmpfs", target=target)], layers=layers)
        assert (done.stdout, done.layer) == (b"file\n", None)
    assert not list(outside.iterdir())
    assert clean(own)


def test_what_a_step_puts_in_the_place_of_a_mount_point(own: Engine, tmp_path: Path) -> None:
    outside = tmp_path / "kept"
    outside.write_text("")
    mounts = [RunMount("tmpfs", target="/a/b/c")]
    script = f"umount /a/b/c /etc/hosts; rm -r /a /etc/hosts; mkdir /a; ln -s {tmp_path} /a/b; ln -s {outside} /etc/hosts"
    assert set(names(own, script, mounts=mounts, insecure=True)) >= {"a", "a/b", "etc/hosts"}
    assert outside.exists()
    assert clean(own)


def test_an_id_is_no_path(own: Engine) -> None:
    for id in ("../../../escape", "/", "x" * 5000, "\n", "a\0b"):
        assert run(own, "echo x > /c/x", mounts=[RunMount("cache", target="/c", id=id)]).exit_code == 0
    assert {path.parent.name for path in (own.root / "builder" / "mounts").glob("*/id")} == {
        mount.key.partition("/")[0] for mount in own.build_cache.mounts.mounts()
    }
    assert not list(own.root.rglob("escape"))
