"""Run tests where cgroups are version 2 and nothing else: in a Debian 12 with systemd that qemu boots.

    python3 tools/guest.py [PYTEST ARGUMENT ...]

The guest's disk is made once and kept in build/guest until what it is made from changes. A run lays the files of this working
tree over it and leaves it as it was. The tests run as root, then as `learner`, an ordinary user in a cgroup of the user's own.
Needs nothing of Python but its standard library, and the pip in .venv.
"""

import hashlib
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import bootstrap
from bootstrap import PROJECT, VENV, stop

HERE = PROJECT / "build" / "guest"
SOURCE, STAMP, LOG, CONSOLE = (HERE / name for name in ("source.tar", "made-from", "making.log", "console.log"))
FILES = ("cgroups", "oci", "run", "spawn", "init", "shim", "rootless", "daemon_life", "daemon_observe")
CONTAINERS = [f"tests/integration/test_{name}.py" for name in FILES]
TIME_LIMIT = int(os.environ.get("TIME_LIMIT", "1800"))  # seconds
ACCEL = os.environ.get("ACCEL", "tcg,thread=multi")  # kvm must be asked for: there are machines whose kvm hangs guests
NO_TESTS = 5  # pytest's status where none was chosen
PYTHON = "/opt/venv/bin/python"
PACKAGES = """apparmor busybox-static dbus dbus-user-session fonts-wqy-zenhei gcc iproute2 libc6-dev libpam-systemd
    linux-image-cloud-amd64 make nftables procps python3-dev python3-venv systemd-sysv uidmap"""
PEERS = PROJECT / "build" / "peers"  # tools/peers makes it: the guest has it at the same place below /lab

# A disk whose changes are dropped, the source as a second one, no network.
MACHINE = """setpriv --pdeathsig=KILL nice qemu-system-x86_64 -cpu max -smp 2 -m 3G -nodefaults -no-user-config -no-reboot
    -display none -serial stdio -nic none -kernel vmlinuz -initrd initrd.img
    -drive file=disk.img,format=raw,if=virtio,snapshot=on -drive file=source.tar,format=raw,if=virtio,readonly=on"""
# Emulated on a busy machine a timer comes late, which a kernel that checks it takes for one that does not work.
KERNEL = "root=/dev/vda rw console=ttyS0 quiet panic=-1 no_timer_check mitigations=off systemd.show_status=no "
KERNEL += """systemd.log_color=0 systemd.run="/bin/sh -c 'tar -xf /dev/vdb -C / && exec sh /lab/run-tests'\""""

# Done in the new root. The package is compiled here: by the guest's compiler, for the guest's Python.
MAKE = f"""\
useradd --create-home --shell /bin/bash learner
python3 -m venv /opt/venv
pip="{PYTHON} -m pip install -q --no-index --find-links /wheels"
$pip 'setuptools>=77' cffi
$pip --no-build-isolation -e '/lab[dev]'
rm -r /wheels
find /lab -type f ! -path '/lab/labcore/native/_native*' ! -path '/lab/labcore/native/bin/*' -delete
mkdir -p /lab/build/peers
"""

# Done in the guest. The learner's processes are started by the systemd of that user's session: it may hand out cgroups.
RUN = """\
exec >/dev/ttyS0 2>&1 </dev/null
cd /lab
export PYTHONDONTWRITEBYTECODE=1 LABCORE_VENV=/opt/venv
echo "guest: $(uname -sr), up for $(cut -d. -f1 /proc/uptime) s, /sys/fs/cgroup is $(stat -fc %T /sys/fs/cgroup)"
systemctl start dbus.socket
{pytest} {more} {tests}
root=$?
echo "guest: now as learner"
id=$(id -u learner)
systemctl start user@$id
runuser -u learner -- env XDG_RUNTIME_DIR=/run/user/$id systemd-run --quiet --user --pipe --wait --collect \\
    --property=Delegate=yes --working-directory=/lab --setenv=PYTHONDONTWRITEBYTECODE=1 {pytest} {tests}
echo "guest: ended with $root as root, $? as learner"
poweroff -ff
"""
ENDED = re.compile(rb"guest: ended with (\d+) as root, (\d+) as learner")


def main(arguments: list[str]) -> int:
    """Make the guest if need be, run the tests in it, and return their status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid():
        stop("root is needed to make the guest's disk")
    bootstrap.install_packages(missing_packages())
    HERE.mkdir(parents=True, exist_ok=True)
    make_peers()
    write_source(script(arguments, "yes" if sys.stdout.isatty() else "no"))
    if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != fingerprint():
        make_disk()
    said = boot()
    CONSOLE.write_bytes(said)
    if (status := status_in(said)) is None:
        stop(f"the guest ended before its tests did; all that it said is in {CONSOLE}")
    return status


def missing_packages() -> dict[str, str]:
    """Return the Debian packages that are missing here, each with what it is for."""
    commands = {"mmdebstrap": "mmdebstrap", "e2fsprogs": "mke2fs", "qemu-system-x86": "qemu-system-x86_64"}
    commands["debian-archive-keyring"] = bootstrap.KEYRING
    missing = [package for package, path in commands.items() if not shutil.which(path) and not Path(path).exists()]
    return dict.fromkeys(missing, "makes the guest, or runs it")


# --- what goes in


def script(arguments: list[str], color: str) -> str:
    """Return what the guest does; arguments that name tests take the place of those that are run otherwise."""
    named = any(word.startswith("tests") for word in arguments)
    tests = shlex.join(arguments if named else [*CONTAINERS, *arguments])
    pytest = f"{PYTHON} -m pytest -p no:cacheprovider --color={color}"
    return RUN.format(pytest=pytest, more="" if named else "tests/unit", tests=tests)


def write_source(run: str) -> None:
    """Write the working tree's files, and the script `run-tests`, into an archive that the guest reads as a raw disk."""
    (HERE / "run-tests").write_text(run, encoding="utf-8")
    tar_working_tree(SOURCE, f"--directory={HERE}", "run-tests")


def tar_working_tree(target: Path, *more: str) -> None:
    """Write the files that git knows or would take, as they are now, into an archive, below lab/; and more, as tar is told."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0")
    there = "\0".join(name for name in names if name and (PROJECT / name).exists())
    tar = ["tar", "--create", f"--file={target}", "--transform=s,^,lab/,", "--owner=root:0", "--group=root:0", "--mode=a+rX"]
    tar += [f"--directory={PROJECT}", "--null", "--files-from=-", *more]
    subprocess.run(tar, input=there, check=True, text=True)


# --- the disk


def make_peers() -> None:
    """Make the root of today's peers unless it is there; the guest compares with what is in it."""
    if subprocess.run([sys.executable, str(bootstrap.PEERS_TOOL), "make"], check=False).returncode:
        stop("the guest's tests compare with today's docker and podman, which could not be made")


def fingerprint() -> str:
    """Return a digest of all that the disk is made from."""
    peers = (PEERS / "made-from").read_text(encoding="utf-8")
    return hashlib.sha256(f"{bootstrap.fingerprint()} {PACKAGES} {MAKE} {peers}".encode()).hexdigest()


def make_disk() -> None:
    """Make a root with Debian's packages and ours, and a disk that holds it: no loop device and no mount are needed."""
    started, disk = time.monotonic(), HERE / "disk.img"
    print("guest: making its disk, which takes a minute or two", flush=True)
    for old in (STAMP, disk):
        old.unlink(missing_ok=True)
    with bootstrap.progress("guest"), LOG.open("w") as out, tempfile.TemporaryDirectory(dir=HERE) as scratch:
        root, wheels = Path(scratch, "root"), Path(scratch, "wheels")
        fetch = ["download", "-q", "--only-binary=:all:", "--python-version=3.11", "--dest", str(wheels)]
        bootstrap.run_pip(VENV / "bin/python", [*fetch, *bootstrap.requirements("dev")], out, LOG)
        bootstrap.run(debian(root, wheels), out, LOG)
        shutil.copy(next(root.glob("boot/vmlinuz-*")), HERE / "vmlinuz")
        shutil.copy(next(root.glob("boot/initrd.img-*")), HERE / "initrd.img")
        bootstrap.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(disk), "6G"], out, LOG)
    STAMP.write_text(fingerprint(), encoding="utf-8")
    print(f"guest: its disk made in {time.monotonic() - started:.0f} s", flush=True)


def debian(root: Path, wheels: Path) -> list[str]:
    """Return the command that makes the root; what it mounts and starts goes with it, however it ends."""
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    quote = shlex.quote  # a hook is a line for the shell
    hooks = [f"tar-in {quote(str(SOURCE))} /", f"copy-in {quote(str(wheels))} /", f'chroot "$1" sh -ec {quote(MAKE)}']
    hooks += [f"sync-in {quote(str(PEERS))} /lab/build/peers"]
    words = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES.split())}"]
    return [*alone, *words, *(f"--customize-hook={hook}" for hook in hooks), "bookworm", str(root)]


# --- a run


def boot() -> bytes:
    """Boot the guest, show what it says, and return that. The guest does not outlive this program."""
    said, command = b"", [*MACHINE.split(), "-accel", ACCEL, "-append", KERNEL]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as qemu:
        try:
            for piece in pieces(qemu, time.monotonic() + TIME_LIMIT):
                said += piece
                sys.stdout.buffer.write(piece.replace(b"\r\n", b"\n"))
                sys.stdout.flush()
        except KeyboardInterrupt:
            stop("the guest was stopped")
        finally:
            qemu.kill()
    return said


def pieces(qemu: "subprocess.Popen[bytes]", deadline: float) -> Iterator[bytes]:
    """Yield what the guest says as it comes; ends the program if it takes too long."""
    assert qemu.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(qemu.stdout, selectors.EVENT_READ)
        while selector.select(max(0, deadline - time.monotonic())):
            if not (piece := os.read(qemu.stdout.fileno(), 1 << 16)):
                return
            yield piece
    stop(f"the guest was still at work after {TIME_LIMIT} s; TIME_LIMIT=SECONDS allows it more")


def status_in(said: bytes) -> int | None:
    """Return the status in which both rounds of tests have ended: the first failure's, else the better; None for none."""
    statuses = [int(number) for found in ENDED.findall(said) for number in found]
    return next((status for status in statuses if status not in (0, NO_TESTS)), min(statuses, default=None))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
