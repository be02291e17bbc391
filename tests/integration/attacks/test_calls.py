"""System calls that a container has no business with: refused by the filter, and most of them by capabilities too."""

import subprocess

import pytest

from labcore.native import capget
from labcore.spec import DEFAULT_CAPABILITIES, root_with
from tests.integration.attacks.conftest import EVERYTHING, Box
from tests.integration.test_oci import Bundle

pytestmark = pytest.mark.usefixtures("nothing_left")

# Refused to everybody without this capability, filter or not.
BY_CAPABILITY = {
    "pivot_root": "SYS_ADMIN", "fsopen": "SYS_ADMIN", "move_mount": "SYS_ADMIN", "fanotify_init": "SYS_ADMIN",
    "sethostname": "SYS_ADMIN", "swapon": "SYS_ADMIN", "settimeofday": "SYS_TIME", "reboot": "SYS_BOOT", "acct": "SYS_PACCT",
    "syslog": "SYSLOG", "vhangup": "SYS_TTY_CONFIG",
}  # fmt: skip


def outcomes(text: str) -> dict[str, str]:
    return dict(line.split() for line in text.splitlines())


def check_all_refused(tried: dict[str, str]) -> None:
    assert len(tried) >= 35
    refused_otherwise = {"clone3": "ENOSYS"}  # so that the C library takes clone, whose flags the filter can see
    assert {name: said for name, said in tried.items() if said != refused_otherwise.get(name, "EPERM")} == {}


def test_calls_are_refused(box: Box) -> None:
    """mount, unshare, keyctl, bpf, io_uring, kexec, reboot ...: the filter answers, in both tables of calls."""
    check_all_refused(outcomes(box("attack", "calls")))


def test_calls_are_refused_under_the_oci_runtime(bundle: Bundle) -> None:
    """The same with a filter out of config.json, and in a process that joins by exec."""
    check_all_refused(outcomes(bundle.run("attack", "calls")))
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    check_all_refused(outcomes(bundle("exec", bundle.name, "attack", "calls")))


def test_without_the_filter_capabilities_still_refuse(box: Box) -> None:
    """Two locks on one door: what takes a capability is refused to a container whose filter has been taken off."""
    tried = outcomes(box("attack", "calls", seccomp=None))
    assert {name: tried[name] for name in BY_CAPABILITY} == dict.fromkeys(BY_CAPABILITY, "EPERM")
    assert tried["keyctl"] != "EPERM"  # and these have the filter alone before them
    assert tried["unshare-user"] == tried["clone-user"] == "done"


def test_with_neither_they_come_through(box: Box) -> None:
    """The counter-proof: every attempt reaches the kernel, or meets one that was built without it."""
    tried = outcomes(box("attack", "calls", seccomp=None, capabilities=EVERYTHING))
    assert {name for name, said in tried.items() if said == "EPERM"} == set()


def test_raw_sockets_take_a_capability(box: Box) -> None:
    """Forged packets: NET_RAW is Docker's default, for ping; without it there is no raw socket."""
    without = root_with(tuple(name for name in DEFAULT_CAPABILITIES if name != "NET_RAW"))
    assert box("attack", "raw") == "done\n"
    assert box("attack", "raw", capabilities=without) == "EPERM\n"


def test_setuid_programs_gain_nothing_with_no_new_privileges(image_box: Box) -> None:
    """A setuid program of root's in the image, run by an ordinary user: harmless once no_new_privs is set."""
    (image_box.root / "bin/attack").chmod(0o4755)
    user = image_box.spec("true").user.replace(uid=1000, gid=1000)
    assert image_box("attack", "root", user=user) == "done\n"
    assert image_box("attack", "root", user=user, no_new_privileges=True) == "EPERM\n"


def test_kernel_keys_of_the_starter_are_out_of_reach(bundle: Bundle) -> None:
    """The starter's session keyring would be the container's: it gets one of its own, and keyctl is refused besides."""
    del bundle.config["linux"]["seccomp"]
    attack = f"{bundle.config['root']['path']}/bin/attack"
    with_key = [attack, "with-key", "secret", "material"]
    look = [attack, "key", "secret"]
    assert subprocess.run([*with_key, *look], capture_output=True, text=True).stdout == "material\n"
    bundle.program("attack", "key", "secret")
    assert bundle("run", bundle.name, status=1, before=with_key) == "ENOKEY\n"


def test_the_counter_proofs_have_what_they_need() -> None:
    assert {capability.name for capability in capget()["effective"]} >= {*BY_CAPABILITY.values(), "NET_RAW"}
