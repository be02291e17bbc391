"""Try a kit where nothing is: a bare Debian without a network, from its first command to an answer of JupyterLab's.

    python3 tools/bare.py KIT

The machine is a root file system, made anew below build, and namespaces of its own. Needs root, and mmdebstrap.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bootstrap
import guest
from bootstrap import PROJECT, stop

TIME_LIMIT = int(os.environ.get("TIME_LIMIT", "600"))  # seconds

# Enters the root, by pivot_root: a container cannot be made in a chroot.
ENTER = """\
set -e
mount --bind "$1" "$1"
cd "$1"
mount -t tmpfs tmpfs tmp
mount -t proc proc proc
for name in sys dev; do mount --rbind /$name $name; mount --make-rslave $name; done
pivot_root . .
umount -l .
exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -e /use-kit
"""
# Done in there: what notebooks/TEACHING.md says, and then a look at what has come of it.
USE = """\
if grep -v -e 'Inter-' -e 'face' -e ' lo:' /proc/net/dev; then echo "there is a way out"; exit 1; fi
tar -xf /kit.tar -C /root prepare.sh packages
sh /root/prepare.sh > /tmp/prepared 2>&1 || { cat /tmp/prepared; exit 1; }
cd /lab
{ make lab KIT=/kit.tar 2>&1 || echo "make: ended with $?"; } > /tmp/said &
until grep -q -e '^http:' -e '^make: ended' /tmp/said; do sleep 0.5; done
cat /tmp/said
python3 - "$(grep '^http:' /tmp/said)" << 'END'
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=20) as answer:
    print("JupyterLab answers:", answer.status, b"jupyter-config-data" in answer.read())
END
for image in alpine debian; do .venv/bin/labcore run --rm $image sh -c '. /etc/os-release; echo "$PRETTY_NAME"'; done
.venv/bin/labcore run --rm nginx nginx -t 2>&1
.venv/bin/labcore run --rm python python -c 'import flask; print("flask", flask.Flask.__module__)'
.venv/bin/labcore run --rm hello-world
.venv/bin/labcore vm run uname -a
.venv/bin/labcore lesson setup
echo "bare: all is there"
"""


def main(kit: Path) -> int:
    """Make the machine, use the kit in it, and return the status."""
    if os.geteuid():
        stop("root is needed to make a machine")
    bootstrap.install_packages(guest.missing_packages())
    (PROJECT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROJECT / "build", prefix="bare-") as place:
        root = Path(place, "root")
        make_root(root, Path(place, "log"))
        guest.tar_working_tree(Path(place, "source.tar"))
        subprocess.run(["tar", "-xf", f"{place}/source.tar", "-C", str(root)], check=True)
        shutil.copy(kit, root / "kit.tar")
        (root / "use-kit").write_text(USE, encoding="utf-8")
        started = time.monotonic()
        alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        try:
            status = subprocess.run([*alone, "sh", "-c", ENTER, "sh", str(root)], timeout=TIME_LIMIT, check=False).returncode
        except subprocess.TimeoutExpired:
            stop(f"the machine was still at work after {TIME_LIMIT} s; TIME_LIMIT=SECONDS allows it more")
        print(f"bare: ended with {status} after {time.monotonic() - started:.0f} s", flush=True)
    return status


def make_root(root: Path, log: Path) -> None:
    """Make a root of this machine's release with its essential packages and apt, and no more."""
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    with bootstrap.progress("bare"), log.open("w", encoding="utf-8") as out:
        bootstrap.run([*alone, "mmdebstrap", "--variant=minbase", release, str(root)], out, log)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
