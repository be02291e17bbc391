"""Make a kit, from which `make lab KIT=…` needs no network: packages, wheels, images, in one archive (kit.py says how).

    .venv/bin/python tools/make_kit.py KIT.tar

What was fetched once is kept in build/kit and in pip's cache.
"""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import bootstrap
from bootstrap import PROJECT
from kit import FORMAT, Kit, python_called, sha256_of, system_here

from labcore.engine import Engine
from labcore.engine.records.incoming import incoming_directory, sweep_incoming
from labcore.errors import LabcoreError
from labcore.images.builtin import SEEDS
from labcore.images.builtin.apt import Archive, Package
from labcore.lab.docker_client import fetch_client
from labcore.vm.kernel import fetch_kernel

PREPARE = """\
# Install make and python3 from this kit, where they are missing: tar -xf KIT prepare.sh packages && sudo sh prepare.sh
set -e
cd "$(dirname "$0")/packages"
sha256sum --check --quiet SHA256SUMS
echo "deb [trusted=yes] file:$PWD ./" > sources
mkdir -p lists/partial
for step in update "install --no-install-recommends -y make python3"; do
    apt-get -q -o Dir::Etc::sourcelist="$PWD/sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$PWD/lists" \\
        -o APT::Sandbox::User=root $step
done
"""
CACHE = PROJECT / "build" / "kit"
MORE_PACKAGES = ("make", "python3")  # not for `make lab` itself, but nothing starts without them
SOURCE = ("csrc", "labcore", "tools", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")


def main(target: Path) -> None:
    """Make the whole kit, and say what came of it."""
    names = [name for name, _, _ in bootstrap.wanted_packages("class")]
    wanted = bootstrap.requirements("lab")
    make_kit(
        target,
        packages=[*names, *MORE_PACKAGES],
        requirements=wanted,
        seeds=list(SEEDS),
        with_labcore=True,
        with_kernel=True,
        with_client=True,
    )
    about = Kit(target).about
    print(f"kit made: {target}, {target.stat().st_size / 1e6:.0f} MB, for {about['system']}, {about['python']}")
    print(f"sha256: {sha256_of(target)}")
    print(f"On a machine without a network: make lab KIT=…/{target.name}")


def make_kit(
    target: Path,
    *,
    packages: Sequence[str],
    requirements: Sequence[str],
    seeds: Sequence[str],
    python: str = "",
    with_labcore: bool = False,
    with_kernel: bool = False,
    with_client: bool = False,
    cache: Path = CACHE,
) -> None:
    """Write a kit of Debian packages with all that they need, wheels with all that they need, and images.

    The wheels are for this version of Python, `3.11`; for that among the packages if none is said.
    """
    archive = Archive(cache / "packages")
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_incoming(target.parent)  # what a killed run has left
    with incoming_directory(target.parent) as place:
        found = archive.packages(packages, update=True, tell=say)
        lay_packages(found, place / "packages")
        python = python or python_of(found)
        say(f"fetching wheels for Python {python} and {len(requirements)} requirements")
        lay_wheels([*bootstrap.BUILD_REQUIREMENTS, *requirements], place / "wheels", python, with_labcore=with_labcore)
        lay_images(seeds, place, cache)
        if with_kernel:
            fetch_kernel(cache, update=True, tell=say)
            shutil.copytree(cache / "vm", place / "vm")
        if with_client:
            client = fetch_client(cache, update=True, tell=say)
            shutil.copytree(client.path.parent, place / "client")
        about = {
            "format": FORMAT,
            "labcore": version("labcore"),
            "system": system_here(),
            "python": python_called(python),
            "packages": list(packages),
            "requirements": list(requirements),
            "versions": {package.name: package.version for package in found},
            "seeds": list(seeds),
        }
        incoming = place / "kit.tar"
        write(incoming, about, list(files_of(place)))
        incoming.rename(target)  # the whole kit, or none


def python_of(packages: Sequence[Package]) -> str:
    """Return the version of the distribution's own Python, `3.11`: whoever makes the kit may have another."""
    (version,) = (package.version for package in packages if package.name == "python3")
    return ".".join(version.split(".")[:2])


def lay_packages(packages: Sequence[Package], place: Path) -> None:
    """Make an archive for apt of these packages, in a directory."""
    place.mkdir()
    (place.parent / "prepare.sh").write_text(PREPARE, encoding="utf-8")
    index = []
    for package in packages:
        shutil.copy(package.path, place / package.path.name)
        control = subprocess.run(["dpkg-deb", "-f", str(package.path)], capture_output=True, text=True, check=True).stdout
        index.append(f"{control.strip()}\nFilename: ./{package.path.name}\nSize: {package.size}\nSHA256: {package.sha256}\n")
    (place / "Packages").write_text("\n".join(index), encoding="utf-8")
    sums = [f"{sha256_of(path)}  {path.name}\n" for path in sorted(place.iterdir())]
    (place / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def lay_wheels(requirements: Sequence[str], place: Path, python: str, *, with_labcore: bool) -> None:
    """Get wheels for these requirements and all that they need; labcore's own is made from this folder's source.

    They fit the first release of that Python, and so each later one.
    """
    place.mkdir()
    log = place.parent / "pip.log"
    with log.open("w", encoding="utf-8") as out:
        fetch = ["download", "-q", "--only-binary=:all:", f"--python-version={python}", "--dest", str(place)]
        bootstrap.run_pip(sys.executable, [*fetch, *requirements], out, log)
        if with_labcore:
            source = place.parent / "source"
            source.mkdir()
            for name in SOURCE:
                copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
                copy(PROJECT / name, source / name)
            wheel = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place)]
            bootstrap.run_pip(sys.executable, [*wheel, str(source)], out, log)


def lay_images(seeds: Sequence[str], place: Path, cache: Path) -> None:
    """Make the images in a store of their own, which is an OCI layout."""
    with tempfile.TemporaryDirectory(dir=place) as state:
        engine = Engine(Path(state))
        (engine.root / "packages").symlink_to(cache / "packages")
        for name in seeds:
            engine.seed(name, tell=lambda line, name=name: say(f"{name}: {line}"))  # type: ignore[misc]
        engine.images.directory.rename(place / "images")


def files_of(place: Path) -> Iterator[str]:
    """Yield the names of the files that go into the kit."""
    yield "prepare.sh"
    for folder in ("packages", "wheels", "images", "vm", "client"):
        for path in sorted((place / folder).rglob("*")):
            relative = path.relative_to(place)
            if path.is_file() and not any(part.startswith(".") for part in relative.parts):
                yield str(relative)


def write(target: Path, about: dict[str, object], names: Sequence[str]) -> None:
    """Write the archive: what it is about first."""
    place = target.parent
    described = about | {"files": {name: sha256_of(place / name) for name in names}}
    content = json.dumps(described, indent=1).encode()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        head = tarfile.TarInfo("kit.json")
        head.size = len(content)
        tar.addfile(head, io.BytesIO(content))
        for name in names:
            tar.add(place / name, name, filter=without_owner)


def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return it as a file that belongs to root, and that all may read."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def say(line: str) -> None:
    """Print what is being done."""
    print(f"kit: {line}", flush=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute())
    except (LabcoreError, OSError) as error:
        bootstrap.stop(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
