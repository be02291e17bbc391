"""Install what `make lab` or `make test` needs on this machine: system packages, a virtual environment, the package.

    python3 tools/bootstrap.py lab|class|test [KIT]

`class` is the lab with virtual machines to compare containers with: what a kit and Vagrant's machine hold.

Runs with nothing but Python's standard library. What is there already costs nothing and needs no network; with a kit (kit.py)
nothing does.
"""

import ast
import ctypes
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, NoReturn

from kit import Kit, KitRefused

PROJECT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("LABCORE_VENV", PROJECT / ".venv")).absolute()
LOG = VENV / "setup.log"
EXTRAS = {"lab": "lab", "class": "lab", "test": "dev"}
BUILD_REQUIREMENTS = ("setuptools>=77", "cffi>=1.16")
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
APT_LOCKED = "Could not get lock"  # another apt is at work, often the machine's own updates after its start
NETWORK_TIMEOUT_SECONDS = 300
# pip's settings that say where packages come from; no other one of a user's own is meant for this virtual environment.
SOURCES = {
    "cache-dir", "cert", "client-cert", "default-timeout", "extra-index-url", "find-links", "index-url", "keyring-provider",
    "no-cache-dir", "no-index", "proxy", "retries", "timeout", "trusted-host",
}  # fmt: skip
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PEERS_TOOL = PROJECT / "tools" / "peers"
PEERS = ("bubblewrap", "crun", "docker.io", "docker-registry", "podman", "runc", "skopeo", "umoci")


def main(purpose: str, kit: Kit | None = None) -> None:
    """Bring everything up to date, printing a line for each thing that took time."""
    if sys.version_info < (3, 11):
        stop(f"this is Python {sys.version.split()[0]}; labcore needs 3.11 or newer")
    install_packages(missing_packages(purpose), kit)
    with making_peers() if purpose == "test" and compares() else nullcontext():
        install_python(EXTRAS[purpose], kit)


# --- system packages


def missing_packages(purpose: str) -> dict[str, str]:
    """Return the Debian packages that are missing here, each with what it is for."""
    return {package: reason for package, reason, there in wanted_packages(purpose) if not there}


def wanted_packages(purpose: str) -> list[tuple[str, str, object]]:
    """Return the Debian packages that are needed, each with what it is for, and whether it, or its like, is here."""
    include = Path(sysconfig.get_path("include"))
    wanted: list[tuple[str, str, object]] = [
        ("gcc", "compiles the C extension", shutil.which("cc")),
        ("libc6-dev", "the C library's headers", Path("/usr/include/stdio.h").exists()),
        ("linux-libc-dev", "the kernel's headers", Path("/usr/include/linux/sched.h").exists()),
        ("python3-dev", "Python's headers", (include / "Python.h").exists()),
        ("python3-venv", "a virtual environment", importlib.util.find_spec("ensurepip")),
        ("uidmap", "maps the numbers of ordinary users' containers", shutil.which("newuidmap")),
        ("libnftables1", "the firewall's rules of containers' networks", shutil.which("nft") or loads("libnftables.so.1")),
        ("procps", "the processes that docker top shows", shutil.which("ps")),
        ("busybox-static", "the first image", installed("busybox-static") or static_busybox()),
        ("fonts-wqy-zenhei", "Chinese labels in plots", any(Path("/usr/share/fonts").rglob("wqy-zenhei*"))),
    ]
    if purpose == "class":
        there = shutil.which(f"qemu-system-{platform.machine()}")
        wanted.append((qemu_package(), "virtual machines, to compare containers with", there))
    if purpose == "test":
        wanted += [
            ("chromium", "opens the lessons in a browser", shutil.which("chromium")),
            ("fish", "completes commands in tests", shutil.which("fish")),
            ("zsh", "completes commands in tests", shutil.which("zsh")),
            ("gcc-aarch64-linux-gnu", "compiles for arm64", shutil.which("aarch64-linux-gnu-gcc")),
            ("libc6-dev-arm64-cross", "arm64's C library", Path("/usr/aarch64-linux-gnu/include/stdio.h").exists()),
            ("iproute2", "looks at network namespaces", shutil.which("ip")),
            ("iperf3", "sends through published ports", shutil.which("iperf3")),
            ("iptables", "other tools' firewall rules, beside labcore's", shutil.which("iptables-legacy")),
            ("locales", "a locale whose encoding is not UTF-8", Path("/usr/share/i18n/locales/zh_CN").exists()),
            ("nftables", "looks at firewall rules", shutil.which("nft")),
            ("passt", "connects ordinary users' networks", shutil.which("pasta")),
            ("slirp4netns", "connects ordinary users' networks where pasta is not", shutil.which("slirp4netns")),
            ("strace", "kills a pull at each of its steps", shutil.which("strace")),
            ("util-linux", "nsenter and unshare, to compare with", shutil.which("nsenter")),
        ]
    if purpose == "test" and compares():
        wanted += [
            (qemu_package(), "virtual machines, to compare with", shutil.which(f"qemu-system-{platform.machine()}")),
            ("vagrant", "reads the Vagrantfile", shutil.which("vagrant")),
            ("mmdebstrap", "makes a root of today's docker and podman", shutil.which("mmdebstrap")),
            ("docker.io", "a dockerd on this machine's own networks, beside labcore", shutil.which("dockerd")),
            ("podman", "another program of the name docker", shutil.which("podman")),
            ("debian-archive-keyring", "its packages' signatures", Path(KEYRING).exists()),
        ]
    return wanted


def compares() -> bool:
    """Return whether what labcore is compared with is wanted, too."""
    return os.environ.get("CI") == "true" or os.environ.get("PEERS") == "1"


@contextmanager
def making_peers() -> Iterator[None]:
    """Make the root of today's docker, podman and the like meanwhile: apt and pip keep one processor busy each.

    When the block ends it is waited for. Where that root cannot be made, those of this distribution are installed.
    """
    tool = [sys.executable, str(PEERS_TOOL)]
    if subprocess.run([*tool, "versions"], capture_output=True, check=False).returncode == 0:
        yield
        return
    with subprocess.Popen([*rights("to make a root of today's docker and podman"), *tool, "make"]) as process:
        try:
            yield
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        print("peers: labcore will be compared with those of this distribution", flush=True)
        commands = {"docker.io": "dockerd", "bubblewrap": "bwrap"}
        missing = [name for name in PEERS if shutil.which(commands.get(name, name)) is None]
        install_packages(dict.fromkeys(missing, "to compare with"))


def qemu_package() -> str:
    """Return the package of the qemu that has this machine's kind of processor."""
    return {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}.get(platform.machine(), "qemu-system")


def installed(package: str) -> bool:
    """Return whether dpkg has it."""
    asked = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True, check=False)
    return asked.stdout.endswith(" installed")


def loads(library: str) -> bool:
    """Return whether a C library is found where the system's lie."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def static_busybox() -> bool:
    """Return whether a busybox that needs no libraries lies somewhere on PATH."""
    path = shutil.which("busybox")
    return path is not None and b"/ld-" not in Path(path).read_bytes()[:4096]


def install_packages(missing: dict[str, str], kit: Kit | None = None) -> None:
    """Install them with apt, after saying what and why; from the kit, if there is one, and from nowhere else."""
    if not missing:
        return
    if shutil.which("apt-get") is None:
        stop(f"no apt-get here; install by other means: {', '.join(missing)}")
    if kit:
        kit.must_fit_system(list(missing))
    prefix = rights(f"to install {', '.join(missing)}")
    for reason in dict.fromkeys(missing.values()):
        names = " ".join(package for package, why in missing.items() if why == reason)
        print(f"apt: {names} ({reason})", flush=True)
    started = time.monotonic()
    environment = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    log = Path("/tmp") / f"labcore-apt-{os.getpid()}.log"
    try:
        with packages_of(kit) as source, progress("apt"), log.open("w") as out:
            apt = [*environment, *source]
            run([*apt, "update"], out, log, again_if=APT_LOCKED)
            cure = "If packages here are newer than the kit's, make it anew on a machine that is up to date" if kit else ""
            run([*apt, "--no-install-recommends", "install", *missing], out, log, again_if=APT_LOCKED, cure=cure)
    finally:
        log.unlink(missing_ok=True)
    print(f"apt: {len(missing)} packages installed in {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def packages_of(kit: Kit | None) -> Iterator[list[str]]:
    """Yield the options that make apt know the kit's packages and no others; none without a kit."""
    if kit is None:
        yield []
        return
    with kit.opened("packages") as place:
        # trusted: each file was checked
        (place / "sources").write_text(f"deb [trusted=yes] file:{place} ./\n", encoding="utf-8")
        (place / "lists").mkdir()
        settings = {"Dir::Etc::sourcelist": place / "sources", "Dir::Etc::sourceparts": "/dev/null"}
        settings |= {"Dir::State::lists": place / "lists", "APT::Sandbox::User": "root"}
        settings |= {"Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": ""}  # the machine's own stay as they are
        yield [f"-o{name}={value}" for name, value in settings.items()]


def rights(purpose: str) -> list[str]:
    """Return the words that turn a command into root's; ends the program if there are none."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    asks = sys.stdin.isatty()
    if sudo and (asks or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0):
        return [sudo]
    stop(f"root is needed {purpose}: run this as root, or as a user who may use sudo")


# --- Python packages


def install_python(extra: str, kit: Kit | None = None) -> None:
    """Make the virtual environment, and install the package into it if anything that matters has changed."""
    if os.geteuid() and not os.environ.get("ROOTLESS"):
        rights("to start containers (ROOTLESS=1 does without)")
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    state = fingerprint()
    if up_to_date("dev", state) or up_to_date(extra, state):  # dev holds all that lab does
        return
    if kit:
        kit.must_fit_python(requirements(extra))
    started = time.monotonic()
    print(f"pip: labcore[{extra}] with its C extension, into {os.path.relpath(VENV)}", flush=True)
    with wheels_of(kit) as source, progress("pip"), LOG.open("w", encoding="utf-8") as out:
        run_pip(python, ["install", *source, *BUILD_REQUIREMENTS], out, LOG)
        run_pip(python, ["install", *source, "--no-build-isolation", "-e", f"{PROJECT}[{extra}]"], out, LOG)
        # What is not installed but used from here is compiled by nobody where PYTHONDONTWRITEBYTECODE is set.
        run([str(python), "-m", "compileall", "-q", str(PROJECT / "labcore")], out, LOG)
    stamp_of(extra).write_text(state, encoding="utf-8")
    print(f"pip: done in {time.monotonic() - started:.0f} s", flush=True)


def run_pip(python: Path | str, words: list[str], out: IO[str], log: Path) -> None:
    """Run an environment's pip with its output in a log, as `run` does, and with none of the user's own settings."""
    run([str(python), *PIP, *words], out, log, environment=pip_environment(python))


def pip_environment(python: Path | str) -> dict[str, str]:
    """Return this environment without what would send our packages elsewhere: PIP_USER, PYTHONPATH and their like.

    Of pip's own settings, in the environment and in its files, SOURCES stay.
    """
    ours = {name: text for name, text in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    config_file = {name: text for name, text in ours.items() if name == "PIP_CONFIG_FILE"}
    ours = {name: text for name, text in ours.items() if not name.startswith("PIP_") or _setting(name) in SOURCES}
    listed = subprocess.run(
        [str(python), *PIP, "config", "list"],
        env=ours | config_file,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    for place, text in re.findall(r"^(?:global|install)\.([\w-]+)=('.*'|\".*\")$", listed.stdout, re.MULTILINE):
        if place in SOURCES:
            ours.setdefault(f"PIP_{place.upper().replace('-', '_')}", ast.literal_eval(text))
    return ours | {"PIP_CONFIG_FILE": os.devnull}


def _setting(variable: str) -> str:
    return variable.removeprefix("PIP_").lower().replace("_", "-")


@contextmanager
def wheels_of(kit: Kit | None) -> Iterator[list[str]]:
    """Yield the options that make pip know the kit's wheels and no others; none without a kit."""
    if kit is None:
        yield []
        return
    with kit.opened("wheels") as place:
        yield ["--no-index", "--find-links", str(place)]


def requirements(extra: str) -> list[str]:
    """Return what the package needs with such extras, as pyproject.toml says."""
    import tomllib  # new in 3.11: an older Python gets to main's message

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    words = [*project["dependencies"], *extras["lab"], *(extras["dev"] if extra == "dev" else [])]
    return [word for word in words if not word.startswith("labcore")]


def stamp_of(extra: str) -> Path:
    """Return the file that remembers what a set of extras was installed from."""
    return VENV / f"labcore-{extra}.stamp"


def up_to_date(extra: str, state: str) -> bool:
    """Return whether that set of extras was installed from these very files."""
    return stamp_of(extra).exists() and stamp_of(extra).read_text(encoding="utf-8") == state


def fingerprint() -> str:
    """Return a digest of all that an installation is made from."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {PROJECT}".encode())
    for path in sorted([PROJECT / "pyproject.toml", PROJECT / "setup.py", *(PROJECT / "csrc").iterdir()]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


# --- running and reporting


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on a terminal that a long step is still at work: a line that counts seconds and then goes away."""
    if not sys.stdout.isatty():
        yield
        return
    done = threading.Event()

    def count() -> None:
        started = time.monotonic()
        while not done.wait(1):
            print(f"\r{what}: {time.monotonic() - started:.0f} s", end="", flush=True)

    counter = threading.Thread(target=count, daemon=True)
    counter.start()
    try:
        yield
    finally:
        done.set()
        counter.join()
        print("\r\033[K", end="", flush=True)


def run(
    command: list[str],
    out: IO[str],
    log: Path,
    *,
    again_if: str | None = None,
    cure: str = "",
    environment: dict[str, str] | None = None,
) -> None:
    """Run a command with its output in a log; if it fails, show the log's end, and the cure, and end the program.

    It is tried again, for NETWORK_TIMEOUT_SECONDS seconds, while what it says contains `again_if`.
    """
    deadline = time.monotonic() + NETWORK_TIMEOUT_SECONDS
    while True:
        start = log.stat().st_size
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, check=False
        )
        said = log.read_bytes()[start:].decode(errors="replace")
        if not done.returncode or not again_if or again_if not in said or time.monotonic() > deadline:
            break
        time.sleep(2)
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        print("\n".join(["", *tail]), file=sys.stderr)
        stop(f"`{' '.join(command)}` failed; its last lines stand above. {cure}".rstrip())


def stop(message: str) -> NoReturn:
    """End with status 1 and one line."""
    print(f"labcore: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1] not in EXTRAS:
        stop("usage: python3 tools/bootstrap.py lab|class|test [KIT]")
    try:
        main(sys.argv[1], Kit(Path(sys.argv[2])) if sys.argv[2:] else None)
    except KitRefused as refused:
        stop(str(refused))
