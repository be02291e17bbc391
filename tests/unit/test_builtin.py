"""Layers in the making, and packages by apt from an archive that lies here: no network is needed."""

import gzip
import hashlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from labcore.errors import InvalidInput, Unavailable
from labcore.images import ImageStore
from labcore.images.builtin import Entry, LayerWriter, apt, catalogue, debian, make
from labcore.images.builtin.apt import Archive, Package, cure
from labcore.images.builtin.apt_sources import sources_here
from labcore.images.builtin.layer import gzipped
from labcore.images.builtin.packaged_file import read_packaged
from labcore.images.builtin.packages import add_packages
from labcore.lab.docker_client import fetch_client, find_client
from tests.conftest import needs
from tests.threads import Started

PATHS = ["a", "a/b", "a-b", "a/b/c", "z"]


# --- layers


@pytest.mark.parametrize("order", [PATHS, PATHS[::-1], PATHS[2:] + PATHS[:2]])
def test_a_layer_does_not_depend_on_the_order_of_its_making(order: list[str]) -> None:
    layer = LayerWriter()
    for path in order:
        layer.file(path, path.encode()) if path in ("a/b/c", "z", "a-b") else layer.directory(path)
    with tarfile.open(fileobj=io.BytesIO(layer.finish())) as tar:
        assert tar.getnames() == ["a", "a/b", "a/b/c", "a-b", "z"]
        assert {(member.uid, member.uname, member.mtime) for member in tar} == {(0, "", 0)}


def test_a_hard_link_comes_after_what_it_names() -> None:
    layer = LayerWriter()
    layer.link("a", "z")
    layer.file("z", b"content")
    with tarfile.open(fileobj=io.BytesIO(layer.finish())) as tar:
        assert tar.getnames() == ["z", "a"]


def test_what_is_added_later_wins_and_what_is_removed_is_gone() -> None:
    layer = LayerWriter()
    for path in ("d", "d/e", "de"):
        layer.file(path, b"old")
    layer.file("de", b"new")
    layer.remove("d")
    assert layer.paths() == ["de"]
    assert layer.read("de") == b"new"


@pytest.mark.parametrize("path", ["/a", "../a", "a/../b", "a/", "./a", "a//b", "", ".."])
def test_a_path_has_one_form(path: str) -> None:
    with pytest.raises(ValueError, match="is no path in a layer"):
        Entry(path)


def test_gzipped_tells_no_time_and_no_system() -> None:
    content = os.urandom(1000) * 100
    made = gzipped(content)
    assert gzip.decompress(made) == content
    assert made[:10] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])


def test_an_unknown_seed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no seed called fedora: there are busybox, "):
        make("fedora", ImageStore(tmp_path), hello=tmp_path, cache=tmp_path)


# --- packages


class LocalArchive:
    """An archive of packages in a directory: real ones, made by dpkg-deb, and read by the real apt."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.sources = [f"deb [trusted=yes] copy:{directory} ./"]
        self._index = ""

    def add(self, name: str, files: dict[str, str], depends: str = "", version: str = "1:2.0-1", sha256: str = "") -> Path:
        tree = self.directory / f"tree-{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: us\nDescription: test\n"
        control += f"Depends: {depends}\n" if depends else ""
        (tree / "DEBIAN/control").write_text(control)
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("->"):
                (tree / path).symlink_to(content[2:])
            else:
                (tree / path).write_text(content)
                (tree / path).chmod(0o755)
        made = self.directory / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(made)], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        digest = sha256 or hashlib.sha256(made.read_bytes()).hexdigest()
        self._index += f"{control}Filename: ./{name}.deb\nSize: {made.stat().st_size}\nSHA256: {digest}\n\n"
        (self.directory / "Packages").write_text(self._index)
        return made


@pytest.fixture
def local(tmp_path: Path) -> LocalArchive:
    needs("apt-get", "dpkg-deb")
    made = LocalArchive(tmp_path / "archive")
    made.add("web", {"usr/sbin/web": "serves", "etc/web.conf": "x", "usr/share/man/man8/web.8": "read me"}, "libweb, tool")
    made.add(
        "libweb", {"lib/libweb.so.1": "code", "usr/share/doc/libweb/copyright": "ours", "usr/share/doc/libweb/NEWS": "old"}
    )
    made.add("tool", {"bin/tool": "runs"}, "libweb")
    return made


def test_a_package_comes_with_what_it_needs(local: LocalArchive, tmp_path: Path) -> None:
    told: list[str] = []
    archive = Archive(tmp_path / "cache", local.sources)
    found = archive.packages(["web"], tell=told.append)
    assert [(package.name, package.version) for package in found] == [
        ("libweb", "1:2.0-1"), ("tool", "1:2.0-1"), ("web", "1:2.0-1"),
    ]  # fmt: skip
    assert all(package.is_here() for package in found)
    assert told[0] == "asking the archive what it has"
    assert told[1].startswith("fetching 3 packages, 0.0 MB")
    assert [p.name for p in archive.packages(["web"], without=["tool"])] == ["libweb", "web"]


def test_a_second_time_needs_no_archive(local: LocalArchive, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "cache", local.sources)
    first = archive.packages(["web"])
    shutil.rmtree(local.directory)
    told: list[str] = []
    assert archive.packages(["web"], tell=told.append) == first
    assert archive.packages(["tool"], tell=told.append) == first[:2]
    assert told == []
    with pytest.raises(Unavailable, match=r"apt-get update: (?s:.*)cure: connect this machine to the network"):
        archive.packages(["web"], update=True)
    assert archive.packages(["web"]) == first  # an update that failed has taken nothing away


def test_an_update_brings_what_is_new(local: LocalArchive, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "cache", local.sources)
    archive.packages(["tool"])
    local.add("tool", {"bin/tool": "runs faster"}, "libweb", version="1:3.0-1")
    assert archive.packages(["tool"])[1].version == "1:2.0-1"
    assert archive.packages(["tool"], update=True)[1].version == "1:3.0-1"


def test_a_kept_package_that_was_changed_is_fetched_again(local: LocalArchive, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "cache", local.sources)
    (_, tool, _) = archive.packages(["web"])
    content = tool.path.read_bytes()
    tool.path.write_bytes(content[:-1] + b"!")
    assert archive.packages(["web"])[1].path.read_bytes() == content


def test_a_package_with_other_bytes_than_the_archive_says_is_not_taken(local: LocalArchive, tmp_path: Path) -> None:
    local.add("bad", {"x": "y"}, sha256="0" * 64)
    archive = Archive(tmp_path / "cache", local.sources)
    with pytest.raises(Unavailable, match=r"Hash Sum mismatch(?s:.*)cure: try again; if it stays so, the mirror"):
        archive.packages(["bad"])
    assert list((tmp_path / "cache/archives").glob("*.deb")) == []


def test_an_archive_without_a_signature_is_not_taken(local: LocalArchive, tmp_path: Path) -> None:
    (local.directory / "Release").write_text("Suite: test\n")
    archive = Archive(tmp_path / "cache", [line.replace("[trusted=yes] ", "") for line in local.sources])
    with pytest.raises(Unavailable, match=r"is not signed(?s:.*)cure: try again; if it stays so, the mirror"):
        archive.packages(["web"])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("E: Release file for … is not valid yet (invalid for another 3h 1min 5s).", "set this machine's clock"),
        ("E: Release file for … is expired (invalid since 9d 1h 2min 3s).", "set this machine's clock"),
        ("E: You don't have enough free space in /x/archives/.", "make room below /x"),
        ("E: Temporary failure resolving 'deb.debian.org'", "connect this machine to the network"),
    ],
)
def test_what_apt_says_and_what_helps(said: str, wanted: str) -> None:
    assert wanted in cure(said, Path("/x"))


def test_a_package_that_is_not_there(local: LocalArchive, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "cache", local.sources)
    with pytest.raises(
        Unavailable, match=r"Unable to locate package nonesuch\n  cure: this distribution's release lacks the package"
    ):
        archive.packages(["nonesuch"])
    local.add("needy", {"x": "y"}, depends="nonesuch")
    with pytest.raises(Unavailable, match="cure: this distribution's release lacks"):
        archive.packages(["needy"])


def test_without_apt_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no apt-get here: .* bring it in a kit"):
        Archive(tmp_path / "cache").packages(["web"])


def test_the_machine_s_own_sources_are_its_distribution_s() -> None:
    needs("apt-get")
    lines = sources_here()
    assert lines
    assert all(line.startswith("deb ") and line.split()[-1] in ("main", "universe") for line in lines)


def test_two_at_once_share_the_work(local: LocalArchive, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from labcore.images.builtin.apt import Archive; "
        f"print(len(Archive(Path({str(tmp_path / 'cache')!r}), {local.sources!r}).packages(['web'])))"
    )
    running = [subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in running] == ["3\n"] * 3


def test_ctrl_c_while_apt_waits_leaves_nothing_half_made(local: LocalArchive, tmp_path: Path) -> None:
    """The archive is a pipe that nobody writes to: apt waits for it until the keyboard's signal comes to both."""
    (local.directory / "Packages").unlink()
    os.mkfifo(local.directory / "Packages")
    script = (
        "from pathlib import Path; from labcore.images.builtin.apt import Archive; "
        f"archive = Archive(Path({str(tmp_path / 'cache')!r}), {local.sources!r}); "
        "archive.packages(['web'], tell=lambda line: print(line, flush=True))"
    )
    command = ["python3", "-c", script]
    with Started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking the archive what it has\n"
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert list((tmp_path / "cache/archives").glob("*.deb")) == []


def test_a_distribution_whose_packages_are_other_ones(
    local: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "BASE", ("web",))
    monkeypatch.setattr(catalogue, "Archive", lambda cache: Archive(cache, local.sources))
    with pytest.raises(Unavailable, match=r"debian cannot be made from .*: none has 'usr/share/base-passwd/passwd.master'"):
        make("debian", ImageStore(tmp_path / "images"), hello=tmp_path, cache=tmp_path / "cache")
    assert ImageStore(tmp_path / "images").names() == []


# --- unpacking


def unpacked(*paths: Path) -> LayerWriter:
    layer = LayerWriter()
    add_packages(layer, [Package("p", "1", "0" * 64, 0, path) for path in paths])
    return layer


def test_a_layer_has_what_is_in_the_packages_without_what_nobody_reads(local: LocalArchive) -> None:
    layer = unpacked(local.directory / "web.deb", local.directory / "libweb.deb")
    files = [path for path in layer.paths() if layer.read(path)]
    assert files == ["etc/web.conf", "usr/lib/libweb.so.1", "usr/sbin/web", "usr/share/doc/libweb/copyright"]
    assert "usr/share/man" not in layer.paths()
    assert layer.newest() > 1e9


def test_usr_is_merged(local: LocalArchive) -> None:
    made = local.add("links", {"bin/a": "a", "bin/b": "->a", "lib64": "->usr/lib64"})
    assert unpacked(made).paths() == ["usr/bin", "usr/bin/a", "usr/bin/b"]


def test_a_package_that_is_damaged(local: LocalArchive) -> None:
    made = local.directory / "web.deb"
    content = made.read_bytes()
    for damaged in (content[:-100], content[:200], b"no package", b""):
        made.write_bytes(damaged)
        with pytest.raises(Unavailable, match=r"web\.deb cannot be unpacked.*: delete it, and try again"):
            unpacked(made)


# --- one package alone, and one file of it


def test_a_package_comes_alone_by_the_first_name_that_the_archive_has(local: LocalArchive, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "cache", local.sources)
    package = archive.package("nonesuch", "web", "tool")
    assert (package.name, package.version, package.is_here()) == ("web", "1:2.0-1", True)
    assert [path.name for path in (tmp_path / "cache/archives").glob("*.deb")] == [package.path.name]
    with pytest.raises(Unavailable, match="the archive has none of nonesuch, other"):
        archive.package("nonesuch", "other")
    shutil.rmtree(local.directory)
    assert archive.package("nonesuch", "web") == package
    with pytest.raises(Unavailable, match=r"apt-get update: (?s:.*)cure: connect this machine to the network"):
        archive.package("nonesuch", "web", update=True)


def test_the_docker_client_is_unpacked_alone(local: LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its package's scripts are run, nor is anything but the client unpacked; two releases have it in two packages."""
    monkeypatch.setattr(apt, "sources_here", lambda: local.sources)
    ran = tmp_path / "ran"
    says = "#!/bin/sh\necho Docker version 20.1, build 1\n"
    daemon = {"usr/sbin/dockerd": "a daemon", "lib/systemd/system/docker.service": "a service"}
    local.add("docker.io", {"usr/bin/docker": says, "DEBIAN/postinst": f"#!/bin/sh\ntouch {ran}\n", **daemon})
    root = tmp_path / "root"
    kept = fetch_client(root)
    assert (kept.package, kept.path.read_text(), kept.path.stat().st_mode & 0o777) == ("docker.io", says, 0o755)
    assert sorted(path.name for path in (root / "lab/client").iterdir()) == ["docker", "docker.json"]
    assert not ran.exists()
    local.add("docker-cli", {"usr/bin/docker": says.replace("20", "26")})
    assert fetch_client(root) == kept
    assert fetch_client(root, update=True).package == "docker-cli"
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_client(root)
    assert (found.version, found.path) == ("26.1", kept.path) if found else False
    kept.path.write_text("cut off")
    assert find_client(root) is None


def test_a_package_without_the_file(local: LocalArchive, tmp_path: Path) -> None:
    package = Archive(tmp_path / "cache", local.sources).package("tool")
    assert read_packaged(package, "bin/t.*") == b"runs"
    with pytest.raises(Unavailable, match=r"the package tool 1:2\.0-1 has no file like usr/bin/docker"):
        read_packaged(package, "usr/bin/docker")
