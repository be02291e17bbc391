"""Debian packages with their dependencies, downloaded by apt-get with a state directory of its own.

The machine's installation is neither read nor changed: apt is told that nothing is installed. apt verifies the archive's
signature, and by that the digest of each package::

    DIRECTORY/conf, sources, status     apt's configuration
              lists/                    the archive's package lists, as of the last update
              archives/                 the downloaded packages, which need no network again
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from labcore.errors import Unavailable
from labcore.images.builtin.apt_sources import acquire_settings, require_apt, sources_here
from labcore.locks import Lock
from labcore.record import Record

SETTINGS: Final = """
Dir::Etc::main "/dev/null"; Dir::Etc::parts "/dev/null"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null"; Dir::Etc::sourcelist "{0}/sources"; Dir::State "{0}"; Dir::State::status "{0}/status";
Dir::Cache "{0}"; Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; Acquire::GzipIndexes "true"; APT::Sandbox::User "root";
APT::Install-Recommends "false"; APT::Update::Error-Mode "any"; Acquire::Languages "none";
Acquire::ForceHash "sha256"; Acquire::Retries "1";
"""
# A package that apt takes for installed, and so leaves out.
INSTALLED: Final = (
    "Package: {}\nStatus: install ok installed\nArchitecture: all\nVersion: 999:0\nMaintainer: -\nDescription: -\n\n"
)
URI: Final = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+_\S+_\S+\.deb) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})")

Tell = Callable[[str], None]


class Package(Record):
    """A package as the archive describes it, and the path of its file."""

    name: str
    version: str
    sha256: str
    size: int
    path: Path

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.sha256}"

    def is_here(self) -> bool:
        """Is it downloaded, complete and unchanged?"""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


class Archive:
    """A distribution's package archive. `sources` are lines of sources.list(5), by default the machine's own."""

    def __init__(self, directory: Path, sources: Sequence[str] | None = None) -> None:
        self.directory = directory.absolute()
        self._sources = sources

    def packages(
        self, names: Sequence[str], *, without: Sequence[str] = (), update: bool = False, tell: Tell = lambda _: None
    ) -> tuple[Package, ...]:
        """Download packages and their dependencies, and return them by name. `without` counts as installed.

        The archive is contacted only if something is missing, or for an `update`; a second time needs no network.
        Raises Unavailable with apt's own reason.
        """
        require_apt()
        with self._prepared(without):
            found = [] if update else self._closure(names)
            if not found or not all(package.is_here() for package in found):
                tell("asking the archive what it has")
                self._apt("update")
                found = self._closure(names) or self._give_up(names)
                self._download(["install", "--download-only", *names], found, tell)
        return tuple(sorted(found, key=lambda package: package.name))

    def package(self, *names: str, update: bool = False, tell: Tell = lambda _: None) -> Package:
        """Download the first of these packages that the archive has, alone: without its dependencies.

        The archive is contacted only if it is missing, or for an `update`. Raises Unavailable with apt's own reason.
        """
        require_apt()
        with self._prepared(()):
            found = None if update else self._alone(names)
            if found is None or not found.is_here():
                tell("asking the archive what it has")
                self._apt("update")
                found = self._alone(names)
                if found is None:
                    raise Unavailable(f"the archive has none of {', '.join(names)}")
                self._download(["download", found.name], [found], tell)
        return found

    def _alone(self, names: Sequence[str]) -> Package | None:
        asked = (self._uris("download", name) for name in names)
        return next((packages[0] for packages in asked if packages), None)

    def _closure(self, names: Sequence[str]) -> list[Package]:
        """Ask apt which packages it would download, by its package lists; none if the lists lack one."""
        return self._uris("install", *names)

    def _uris(self, *words: str) -> list[Package]:
        """Ask for the packages as if none had been downloaded yet: apt does not name the others."""
        elsewhere = f"Dir::Cache::archives={self.directory}/nothing"
        done = self._run(*words, "--print-uris", "-o", elsewhere, cwd=self.directory)
        return [] if done.returncode else [self._package(match) for match in URI.finditer(done.stdout)]

    def _package(self, match: re.Match[str]) -> Package:
        name, version, _ = match["file"].split("_")
        path = self.directory / "archives" / match["file"]
        return Package(name, unquote(version), match["sha256"], int(match["size"]), path)

    def _download(self, words: Sequence[str], wanted: list[Package], tell: Tell) -> None:
        missing = [package for package in wanted if not package.is_here()]
        tell(f"fetching {len(missing)} packages, {sum(package.size for package in missing) / 1e6:.1f} MB")
        for package in missing:
            package.path.unlink(missing_ok=True)  # of apt's size, but with other bytes: apt would keep it
        self._apt(*words)
        for package in missing:
            if not package.is_here():
                raise Unavailable(f"{package.path} is not what the archive says: delete it, and try again")

    def _give_up(self, names: Sequence[str]) -> list[Package]:
        self._apt("install", "--print-uris", *names)
        raise Unavailable(f"the archive has nothing for {' '.join(names)}")

    # --- apt

    def _apt(self, *words: str) -> None:
        """Run apt-get. Raises Unavailable with its message."""
        done = self._run(*words)
        if done.returncode:
            said = re.findall(r"^E: (.+)", done.stderr, re.MULTILINE) or done.stderr.splitlines()[-1:] or ["no reason given"]
            raise Unavailable(f"apt-get {words[0]}: {'; '.join(said[:2])}\n  cure: {cure(done.stderr, self.directory)}")

    def _run(self, *words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"APT_CONFIG": str(self.directory / "conf"), "LC_ALL": "C"}
        command = ["apt-get", "-q", "-q", "-y", *words]
        return subprocess.run(
            command,
            cwd=cwd or self.directory / "archives",  # where `download` puts what it brings
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    @contextmanager
    def _prepared(self, without: Sequence[str]) -> Iterator[None]:
        """Write apt's configuration, and hold the directory's lock until the block ends."""
        for name in ("lists/partial", "archives/partial"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        with Lock(self.directory / "lock", os.O_CREAT | os.O_RDWR).acquire():
            (self.directory / "status").write_text("".join(INSTALLED.format(name) for name in without), encoding="utf-8")
            (self.directory / "conf").write_text(acquire_settings() + SETTINGS.format(self.directory), encoding="utf-8")
            sources = "\n".join(sources_here() if self._sources is None else self._sources)
            (self.directory / "sources").write_text(sources + "\n", encoding="utf-8")
            yield


def cure(said: str, directory: Path) -> str:
    """Return the cure for a failure of apt's, by its message."""
    if "Unable to locate package" in said or "no installation candidate" in said or "broken packages" in said:
        return "this distribution's release lacks the package: make the image on Debian 12, and bring it in a kit"
    if "No space left" in said or "enough free space" in said:
        return f"make room below {directory}, or choose another --root"
    if "not valid yet" in said or "is expired" in said:
        return "set this machine's clock (`date` shows what it says now); an old mirror is expired, too"
    if "Hash Sum mismatch" in said or "not signed" in said or "signatures" in said:
        return "try again; if it stays so, the mirror in /etc/apt/sources.list.d (or something on the way to it) is broken"
    return (
        "connect this machine to the network (a proxy is set in /etc/apt/apt.conf.d: Acquire::http::Proxy), "
        "or bring the images in a kit: `make kit` where there is one"
    )
