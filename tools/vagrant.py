"""Do what `vagrant up` does, in a Debian with systemd that qemu boots, and look whether the lab is there.

    python3 tools/vagrant.py

A box cannot be had everywhere; what a box is for our purpose can be made: a Debian 12 whose user may use sudo, the project's
folder shared with it (over 9p), two ports forwarded from loopback. tools/provision runs in it as in a box. Then, without a
network: JupyterLab answers on the host, a notebook that was changed stays so through a restart of the machine and a second
provisioning, and lessons pass, as root and as an ordinary user. Its disk, without anything of ours, is kept in build/vagrant.
"""

import codecs
import hashlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import bootstrap
import guest
from bootstrap import PROJECT, stop

HERE = PROJECT / "build" / "vagrant"
STAMP, LOG, CONSOLE = (HERE / name for name in ("made-from", "making.log", "console.log"))
TIME_LIMIT = int(os.environ.get("TIME_LIMIT", "3600"))  # seconds; emulated, everything takes ten times as long
ACCEL = os.environ.get("ACCEL", "tcg,thread=multi")
USER = 1000
PACKAGES = "ca-certificates dbus iproute2 libpam-systemd linux-image-amd64 sudo systemd-sysv udev"
ANSWERED = "answered"  # a file in the shared folder: the host has seen what it was to see

# Two networks: one to everywhere, which is cut off after the first provisioning, and one for the forwarded ports alone.
MACHINE = """setpriv --pdeathsig=KILL qemu-system-x86_64 -cpu max -smp 2 -m 4G -nodefaults -no-user-config
    -display none -serial stdio -kernel vmlinuz -initrd initrd.img
    -drive file=disk.img,format=raw,if=virtio,snapshot=on,cache=unsafe -drive file={steps},format=raw,if=virtio,readonly=on
    -virtfs local,path={share},mount_tag=vagrant,security_model=none
    -nic user,model=virtio-net-pci,mac=52:54:00:00:00:01
    -nic user,model=virtio-net-pci,mac=52:54:00:00:00:02,restrict=on,net=10.0.3.0/24,hostfwd=tcp:127.0.0.1:{port}-:8888"""
KERNEL = "root=/dev/vda rw console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off systemd.show_status=no systemd.log_color=0"

# Done in the new root: what a box has, and no more.
MAKE = f"""\
useradd --create-home --uid {USER} --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/vagrant
echo labcore > /etc/hostname
echo '127.0.1.1 labcore' >> /etc/hosts
mkdir /vagrant
echo 'vagrant /vagrant 9p trans=virtio,version=9p2000.L,msize=262144 0 0' > /etc/fstab
printf '[Match]\\nMACAddress=52:54:00:00:00:01\\n[Link]\\nName=outside\\n' > /etc/systemd/network/10-outside.link
printf '[Match]\\nMACAddress=52:54:00:00:00:02\\n[Link]\\nName=inside\\n' > /etc/systemd/network/10-inside.link
printf '[Match]\\nName=outside inside\\n[Network]\\nDHCP=ipv4\\n' > /etc/systemd/network/20-dhcp.network
echo 'nameserver 10.0.2.3' > /etc/resolv.conf
systemctl -q enable systemd-networkd systemd-networkd-wait-online
systemctl -q mask apt-daily.timer apt-daily-upgrade.timer
cat > /etc/systemd/system/steps.service << 'END'
[Unit]
Wants=network-online.target
After=network-online.target multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'tar -xf /dev/vdb -C /run && sh /run/steps 2>&1 | cat > /dev/ttyS0'
[Install]
WantedBy=graphical.target
END
systemctl -q enable steps
systemctl -q mask serial-getty@ttyS0
"""

# Done in the machine, at each of its two starts.
STEPS = """\
say() { echo "vm: $*"; }
as_user() { runuser -u vagrant -- env -C /vagrant HOME=/home/vagrant "$@"; }
provision() {
    started=$(date +%s)
    runuser -l vagrant -c "sh /vagrant/tools/provision" || { say "ended with 1"; poweroff -ff; }
    say "provisioned in $(($(date +%s) - started)) s"
}
wait_for_the_host() {
    say "look: $1"
    until [ -e /vagrant/answered ]; do sleep 0.2; done
    rm /vagrant/answered
}
if [ ! -e /home/vagrant/.labcore-venv ]; then
    say "$(uname -sr), cgroups $(stat -fc %T /sys/fs/cgroup); make: $(command -v make || echo none)"
    provision
    wait_for_the_host first
    echo >> /vagrant/work/01_what_is_docker.ipynb # as if it had been saved
    sha256sum /vagrant/work/*.ipynb > /home/vagrant/saved
    reboot
    exit
fi
ip link set outside down
say "restarted, and cut off: $(ip -br address show up | tr -s ' ' | tr '\\n' ';')"
provision
wait_for_the_host again
provision
status=0
bin=/home/vagrant/.labcore-venv/bin
as_user $bin/labcore seed
sha256sum --check --quiet /home/vagrant/saved || { say "what was saved is lost"; status=1; }
for lesson in LESSONS; do
    for who in root vagrant; do
        started=$(date +%s)
        run="$bin/python /run/lesson.py $lesson /tmp/$who-$lesson"
        [ $who = root ] || run="as_user $bin/labcore rootless $run"
        if $run > /tmp/said 2>&1; then
            say "lesson $lesson as $who: passed in $(($(date +%s) - started)) s"
        else
            tail -n 25 /tmp/said
            say "lesson $lesson as $who: failed"
            status=1
        fi
    done
done
say "ended with $status"
poweroff -ff
"""

# A lesson with its blanks filled in, run from its first cell to its last: a check that does not pass is an error.
LESSON = """\
import os, sys
from pathlib import Path

sys.path.insert(0, "/vagrant")
import nbformat
from labcore.lab.session import what_is_missing
from labcore.lab.copies import copy, with_solutions
from labcore.lab.lessons import LESSONS
from labcore.lab.workspace import Workspace
from nbclient import NotebookClient

lesson, work = LESSONS[int(sys.argv[1]) - 1], Path(sys.argv[2])
work.mkdir()
os.environ |= {"LABCORE_STRICT": "1", "LABCORE_WORK": str(work)}
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
copy(Path("/vagrant/notebooks", lesson.file), work / lesson.file, with_solutions)
notebook = nbformat.read(work / lesson.file, 4)
print("lacks:", what_is_missing(tuple(notebook.metadata["labcore"]["requires"])))
NotebookClient(notebook, timeout=900, startup_timeout=300, resources={"metadata": {"path": str(work)}}).execute()
assert Workspace(work).passed() == {*lesson.steps, *lesson.challenges}, Workspace(work).passed()
"""


def main() -> int:
    """Make the machine if need be, run the steps in it beside what the host looks at, and return the status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid():
        stop("root is needed to make the machine's disk")
    bootstrap.install_packages(guest.missing_packages())
    HERE.mkdir(parents=True, exist_ok=True)
    if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != fingerprint():
        make_disk()
    with tempfile.TemporaryDirectory(dir=HERE, prefix="run-") as place:
        share, steps = Path(place, "lab"), Path(place, "steps.tar")
        share_working_tree(share, steps)
        status = run(share, steps)
        if links := [path for path in share.rglob("*") if path.is_symlink()]:
            stop(f"symbolic links in the shared folder, which not every provider can make: {links[:3]}")
    return status


def share_working_tree(share: Path, steps: Path) -> None:
    """Copy the working tree's files into the folder that is shared, the user's, and what is run into an archive."""
    source = share.with_name("source.tar")
    guest.tar_working_tree(source)
    subprocess.run(["tar", "-xf", source, "-C", share.parent, "--owner", str(USER)], check=True)
    for path in (share, *share.rglob("*")):
        os.chown(path, USER, USER)
    lessons = os.environ.get("LESSONS", "1")
    share.with_name("steps").write_text(STEPS.replace("LESSONS", lessons), encoding="utf-8")
    share.with_name("lesson.py").write_text(LESSON, encoding="utf-8")
    subprocess.run(["tar", "-cf", steps, "-C", share.parent, "--mode=a+r", "steps", "lesson.py"], check=True)


# --- the disk


def fingerprint() -> str:
    """Return a digest of all that the disk is made from."""
    return hashlib.sha256(f"{PACKAGES} {MAKE} {os.environ.get('SSL_CERT_FILE')}".encode()).hexdigest()


def make_disk() -> None:
    """Make the root of a box, and a disk that holds it."""
    started, disk = time.monotonic(), HERE / "disk.img"
    print("vm: making its disk, which takes a minute or two", flush=True)
    for old in (STAMP, disk):
        old.unlink(missing_ok=True)
    with bootstrap.progress("vm"), LOG.open("w") as out, tempfile.TemporaryDirectory(dir=HERE, prefix="disk-") as scratch:
        root = Path(scratch, "root")
        hooks = [f'chroot "$1" sh -ec {shlex.quote(MAKE)}', *trusts()]
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES.split())}"]
        bootstrap.run([*alone, *words, *(f"--customize-hook={hook}" for hook in hooks), "bookworm", str(root)], out, LOG)
        shutil.copy(next(root.glob("boot/vmlinuz-*")), HERE / "vmlinuz")
        shutil.copy(next(root.glob("boot/initrd.img-*")), HERE / "initrd.img")
        bootstrap.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(disk), "8G"], out, LOG)
    STAMP.write_text(fingerprint(), encoding="utf-8")
    print(f"vm: its disk made in {time.monotonic() - started:.0f} s", flush=True)


def trusts() -> Iterator[str]:
    """Have the machine trust what this one trusts: a network may have an authority of its own, which pip must know."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle and Path(bundle).is_file():
        yield f"upload {shlex.quote(bundle)} /etc/ssl/certs/ca-certificates.crt"
        yield 'printf "[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\n" > "$1/etc/pip.conf"'


# --- a run


def run(share: Path, steps: Path) -> int:
    """Boot the machine, show what it says, look at what it offers, and return the status. It does not outlive this program."""
    port = free_port()
    command = MACHINE.format(steps=shlex.quote(str(steps)), share=shlex.quote(str(share)), port=port)
    said, decode = "", codecs.getincrementaldecoder("utf-8")("replace").decode
    with (
        subprocess.Popen(
            [*shlex.split(command), "-accel", ACCEL, "-append", KERNEL],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as qemu,
        CONSOLE.open("w") as console,
    ):
        try:
            for piece in guest.pieces(qemu, time.monotonic() + TIME_LIMIT):
                text = decode(piece).replace("\r\n", "\n")
                console.write(text)
                print(text, end="", flush=True)
                before, said = said, said + text
                if said.count("vm: look: ") > before.count("vm: look: "):
                    look(re.findall(r"^(http:\S+)", said, re.M)[-1], port, share)
                if ended := re.search(r"^vm: ended with (\d+)\n", said, re.M):
                    return int(ended[1])
        except KeyboardInterrupt:
            stop("the machine was stopped")
        finally:
            qemu.kill()
    stop(f"the machine ended before its steps did; all that it said is in {CONSOLE}")


def look(url: str, port: int, share: Path) -> None:
    """Ask for the lessons, as a browser on the host would; they lie in the folder that is shared."""
    with urllib.request.urlopen(url.replace(":8888", f":{port}"), timeout=60) as answer:
        is_lab = b"jupyter-config-data" in answer.read()
    lessons = sorted(path.name for path in (share / "work").glob("*.ipynb"))
    print(f"host: {answer.status}, {'JupyterLab' if is_lab else 'something else'}; in work/: {', '.join(lessons)}", flush=True)
    if not is_lab or not lessons:
        stop("that is not the lab")
    (share / ANSWERED).touch()


def free_port() -> int:
    """Return a port of loopback's that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
