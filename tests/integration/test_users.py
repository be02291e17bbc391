"""Whom a container's program runs as: the image's USER, `-u`, and what /etc/passwd and /etc/group of its own root say."""

import os
import shlex
import sys
from functools import partial
from pathlib import Path

import pytest

import labcore
from labcore.builder.image_config import changed
from labcore.engine import Engine
from labcore.engine.container.exec import ExecOptions, execute
from labcore.engine.container.start import start
from labcore.engine.containers import remove
from labcore.engine.image.commit import commit
from labcore.engine.options.users import MOST, NUMBER_MAX, account
from labcore.errors import InvalidInput, StepFailed
from labcore.spec import BindRoot, IdRange, Reference, User
from tests.conftest import as_learner, needs_root
from tests.containers import run_script

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = f"{sys.executable} -P -m labcore"
PASSWD = r"""root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
app:x:7:7::/second:/bin/sh
nohome:x:1002:1001
huge:x:4294967295:1:/:/
short
"""
GROUP = r"""root:x:0:
wheel:x:10:root,app
audio:x:29:app,other
appg:x:1001:
"""
SHOW = "echo $(id -u):$(id -g):$(id -G) $HOME"
# What is asked for, and user, group, all groups, home: as `docker run -u` answers it with these two files.
KNOWN = {
    "app": "1000:1001:1001 10 29 /home/app",
    "1000": "1000:1001:1001 10 29 /home/app",
    "app:": "1000:1001:1001 10 29 /home/app",
    "app:wheel": "1000:10:10 /home/app",
    "app:77": "1000:77:77 /home/app",
    "1000:1000": "1000:1000:1000 /home/app",
    "4711": "4711:0:0 /",
    "4711:wheel": "4711:10:10 /",
    "nohome": "1002:1001:1001 /",
    ":wheel": "0:10:10 /root",
    "root": "0:0:0 10 /root",
    "0:0": "0:0:0 /root",
    str(NUMBER_MAX): f"{NUMBER_MAX}:0:0 /",
}
UNKNOWN = [
    "ghost",
    "ghost:0",
    "app:ghost",
    "huge",
    "short",
    str(NUMBER_MAX + 1),
    f"app:{NUMBER_MAX + 1}",
    "-1",
    "1" * 5000,
    "a:b:c",
    ":",
    "\udcff",
    "²",
]


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    """An image in which `app` is somebody, and whom it runs as unless told otherwise."""
    needs_root()
    script = f"printf %s {shlex.quote(PASSWD)} > /etc/passwd; printf %s {shlex.quote(GROUP)} > /etc/group"
    assert run_script(engine, "people", script).exit_code == 0
    commit(engine, "people", Reference.parse("people"), settings=partial(changed, text="USER app"))
    remove(engine, "people")
    return "people"


def shown(engine: Engine, image: str | None, **options: object) -> str:
    done = labcore.run(image, ["sh", "-c", SHOW], root=engine.root, **options)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode().strip()


@pytest.mark.parametrize("user", KNOWN)
def test_users_are_dockers(engine: Engine, image: str, user: str) -> None:
    assert shown(engine, image, user=user) == KNOWN[user]


def test_the_images_user_unless_another_is_named(engine: Engine, image: str) -> None:
    assert shown(engine, image) == shown(engine, image, user="") == KNOWN["app"]
    assert shown(engine, image, env={"HOME": "/elsewhere"}).endswith(" /elsewhere")
    assert shown(engine, "busybox") == "0:0:0 /root"


@pytest.mark.parametrize("user", UNKNOWN)
def test_who_is_unknown_is_refused(engine: Engine, image: str, user: str) -> None:
    with pytest.raises(InvalidInput, match=r"user|group"):
        labcore.plan(image, ["true"], root=engine.root, user=user)


def test_a_user_has_none_of_roots_power_and_may_regain_what_bounds_it(engine: Engine, image: str) -> None:
    script = "grep -E 'Cap(Eff|Prm|Inh|Amb|Bnd)' /proc/self/status; touch /new && echo written"
    for options in ({}, {"privileged": True}):
        done = labcore.run(image, ["sh", "-c", script], root=engine.root, **options)  # type: ignore[arg-type]
        sets = {name: int(value, 16) for name, value in (line.split(":") for line in done.stdout.decode().splitlines())}
        assert [sets[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == [0, 0, 0, 0]
        assert sets["CapBnd"] > 0
        assert b"Permission denied" in done.stderr


def test_a_plan_says_who_unless_nobody_was_named(engine: Engine, image: str) -> None:
    plan = labcore.plan(image, ["true"], root=engine.root)
    assert "setresuid user 1000 group 1001" in [str(op) for op in plan]
    assert "setresuid user 0 group 0" in [str(op) for op in labcore.plan("busybox", ["true"], root=engine.root, user="0")]
    ordinary = labcore.plan("busybox", ["true"], root=engine.root)
    assert not any(str(op).startswith("setresuid") for op in ordinary)
    assert ordinary.carrier == "extension"


def test_what_a_container_has_changed_counts(engine: Engine, image: str) -> None:
    """At its next start, and for a further process in it."""
    script = "echo new:x:5:6::/home/new: >> passwd; rm group; mkdir d; echo g:x:66:new > d/g; ln -s d/g group"
    assert run_script(engine, "more", f"cd /etc; {script}", image, user="0").exit_code == 0
    try:
        commit(engine, "more", Reference.parse("more"))
        assert shown(engine, "more", user="new") == "5:6:6 66 /home/new"
        with start(engine, "more", with_input=True):
            for user, wanted in (("new", "5:6:6 66 /home/new"), ("app", "1000:1001:1001 /home/app")):
                options = ExecOptions(("sh", "-c", SHOW), user=user)
                with execute(engine, "more", options, stdin=labcore.DEVNULL, stdout=labcore.PIPE) as process:
                    assert process.communicate(timeout=30)[0].decode().strip() == wanted
    finally:
        remove(engine, "more")


def test_copied_layers(engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_STORAGE", "copy")
    assert shown(engine, image) == KNOWN["app"]


def test_remapped_users_are_those_of_the_image(engine: Engine, image: str) -> None:
    ids = IdRange(inside=0, outside=200_000, size=65_536)
    assert shown(engine, image, remap=ids) == KNOWN["app"]
    assert shown(engine, image, remap=ids, init=True) == KNOWN["app"]
    with pytest.raises(StepFailed, match="65536"):
        labcore.run(image, ["true"], root=engine.root, remap=ids, user="65536")


def test_a_directory_as_root(engine: Engine, tmp_path: Path) -> None:
    for directory in ("bin", "etc", "proc", "sys", "dev", "tmp"):
        (tmp_path / directory).mkdir()
    tmp_path.chmod(0o755)
    for layer in engine.layers_of(engine.images.find("busybox")):
        os.system(f"cp -a {engine.layers.directory}/layers/{layer}/. {tmp_path}")
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    assert shown(engine, None, rootfs=str(tmp_path), user="app") == KNOWN["app"]
    assert shown(engine, None, rootfs=str(tmp_path)) == "0:0:0 /root"


def test_links_lead_to_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "passwd").write_text("app:x:1000:1000::/home/app:\n")
    passwd = tmp_path / "root/etc/passwd"
    for target in (tmp_path / "passwd", Path("../../passwd"), Path("/proc/self/root") / tmp_path / "passwd"):
        passwd.symlink_to(target)
        with pytest.raises(InvalidInput, match="no matching entries in passwd file"):
            account("app", BindRoot(str(tmp_path / "root")))
        passwd.unlink()
    (tmp_path / "root/passwd").write_text("app:x:1:2::/inside:\n")
    passwd.symlink_to("../../../passwd")
    assert account("app", BindRoot(str(tmp_path / "root"))) == (User(1, 2, (2,)), "/inside")


def test_what_is_no_file_is_not_opened_and_what_is_endless_is_not_read(tmp_path: Path) -> None:
    passwd = tmp_path / "etc/passwd"
    passwd.parent.mkdir()
    os.mkfifo(passwd)
    with pytest.raises(InvalidInput, match="is no file"):
        account("app", BindRoot(str(tmp_path)))
    passwd.unlink()
    with passwd.open("w") as file:
        file.truncate(MOST + 1)
    with pytest.raises(InvalidInput, match="are the most"):
        account("1000", BindRoot(str(tmp_path)))


PEOPLE = "printf 'app:x:1000:1001::/home/app:\\n' > /etc/passwd; printf 'wheel:x:10:app\\n' > /etc/group"


def test_an_ordinary_users_container_has_users_too() -> None:
    script = f"""
    {LABCORE} seed busybox; {LABCORE} run --name people busybox sh -c {shlex.quote(PEOPLE)}
    {LABCORE} commit -c 'USER app' people people; {LABCORE} run people sh -c {shlex.quote(SHOW)}; {LABCORE} plan people true"""
    done = as_learner("sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    assert "1000:1001:1001 10 /home/app\n" in done.stdout
    assert "setresuid user 1000 group 1001" in " ".join(done.stdout.split())


def test_who_is_not_mapped_is_named() -> None:
    """An ordinary user without subordinate ids has one user inside."""
    script = f"{LABCORE} seed busybox; {LABCORE} run -u 0 busybox true && {LABCORE} run -u 1000 busybox true"
    done = as_learner("sh", "-ec", script, subordinate="somebody-else:300000:65536")
    assert done.returncode == 125
    assert "setresuid user 1000" in done.stderr
    assert "/etc/subuid" in done.stderr


@pytest.mark.parametrize("remap", [None, IdRange(inside=0, outside=200_000, size=65_536)], ids=["plain", "remapped"])
@pytest.mark.parametrize("user", ["root", "1000"])
def test_streams_can_be_opened_again(user: str, remap: IdRange | None, engine: Engine) -> None:
    """By whoever the program runs as: a pipe is its maker's."""
    script = "cat /dev/stdin > /dev/stdout; echo wrong > /dev/stderr"
    done = labcore.run("busybox", ["sh", "-c", script], user=user, remap=remap, input=b"right\n", root=engine.root)
    assert (done.exit_code, done.stdout, done.stderr) == (0, b"right\n", b"wrong\n")
