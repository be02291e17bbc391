"""What a client sends of a build's context: the archive, as Python's tarfile reads it, and what is refused."""

import io
import os
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.cli.builder.sources import is_archive
from labcore.client.build import BuildRequest, query_of, source_of
from labcore.client.build_context import PIECE_BYTES, Packer
from labcore.client.build_sources import BuildSource, of_directory, of_dockerfile
from labcore.client.tar_headers import SIZE_MAX, header, padding
from labcore.errors import InvalidInput
from labcore.options.dockerignore import Patterns


@pytest.fixture
def context(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    made.mkdir()
    (made / "Dockerfile").write_text("FROM busybox\n")
    return made


def opened(source: BuildSource) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(source)))


def names(source: BuildSource) -> list[str]:
    return sorted(opened(source).getnames())


def write(context: Path, *paths: str) -> None:
    for path in paths:
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_bytes(os.fsencode(path))


# --- the archive


def test_files_directories_and_links_arrive_as_they_are(context: Path) -> None:
    write(context, "src/main.c", "run.sh")
    (context / "run.sh").chmod(0o4755)
    (context / "src").chmod(0o750)
    (context / "link").symlink_to("../elsewhere")
    (context / "empty").mkdir()
    os.utime(context / "run.sh", (981158400, 981158400))
    with opened(of_directory(str(context))) as tar:
        found = {each.name: each for each in tar.getmembers()}
        assert sorted(found) == ["Dockerfile", "empty", "link", "run.sh", "src", "src/main.c"]
        assert {(each.uid, each.gid) for each in found.values()} == {(0, 0)}
        assert (found["run.sh"].mode, found["run.sh"].mtime, found["src"].mode) == (0o4755, 981158400, 0o750)
        assert (found["link"].issym(), found["link"].linkname) == (True, "../elsewhere")
        assert found["empty"].isdir()
        content = tar.extractfile("src/main.c")
        assert content
        assert content.read() == b"src/main.c"


def test_names_that_a_header_has_no_room_for(context: Path) -> None:
    deep = "/".join(["d" * 60] * 4)
    odd = os.fsdecode(b"caf\xe9")
    write(context, f"{deep}/file", "中文.txt", odd)
    (context / "link").symlink_to("t" * 150)
    source = of_directory(str(context))
    with tarfile.open(fileobj=io.BytesIO(b"".join(source)), errors="surrogateescape", encoding="utf-8") as tar:
        assert {f"{deep}/file", "中文.txt", odd} < set(tar.getnames())
        assert tar.getmember("link").linkname == "t" * 150


def test_a_file_of_more_than_eight_gibibytes_has_its_size_in_a_record() -> None:
    size = SIZE_MAX + 1
    with tarfile.open(fileobj=io.BytesIO(header(b"large", b"0", 0o644, size=size))) as tar:
        found = tar.next()
    assert found
    assert (found.name, found.size) == ("large", size)
    assert [len(padding(count)) for count in (0, 1, 512, 513)] == [0, 511, 0, 511]


def test_two_names_of_a_file_are_one_file(context: Path) -> None:
    write(context, "one")
    os.link(context / "one", context / "two")
    with opened(of_directory(str(context))) as tar:
        assert (tar.getmember("two").islnk(), tar.getmember("two").linkname) == (True, "one")


def test_a_capability_of_a_program_is_sent(context: Path) -> None:
    write(context, "ping")
    (context / "ping").chmod(0o755)
    value = bytes.fromhex("0100000202040000000000000000000000000000")[:20]
    try:
        os.setxattr(context / "ping", "security.capability", value)
    except OSError as error:
        pytest.skip(f"no capability can be set: {error}")
    with opened(of_directory(str(context))) as tar:
        found = tar.getmember("ping").pax_headers["SCHILY.xattr.security.capability"]
    assert found.encode("utf-8", "surrogateescape") == os.getxattr(context / "ping", "security.capability")


def test_nothing_is_held_of_a_large_file(context: Path) -> None:
    with (context / "large").open("wb") as file:
        file.write(bytes(40 * PIECE_BYTES))
    source = of_directory(str(context))
    assert max(len(piece) for piece in source) < 2 * PIECE_BYTES + 4096
    assert source.sent > 40 * PIECE_BYTES
    assert source.is_sent


def test_it_can_be_compressed(context: Path) -> None:
    source = of_directory(str(context))
    source.compresses = True
    with tarfile.open(fileobj=io.BytesIO(b"".join(source)), mode="r:gz") as tar:
        assert tar.getnames() == ["Dockerfile"]


# --- what is ignored


def test_what_dockerignore_names_is_not_sent_but_the_dockerfile_and_itself_are(context: Path) -> None:
    write(context, "a.log", "keep.log", "docs/one.md", "docs/two.md", "src/x")
    (context / ".dockerignore").write_text("*.log\n!keep.log\ndocs\n!docs/two.md\nDockerfile\n.dockerignore\n")
    assert names(of_directory(str(context))) == [".dockerignore", "Dockerfile", "docs/two.md", "keep.log", "src", "src/x"]


def test_a_directory_that_is_ignored_is_not_looked_into(context: Path) -> None:
    write(context, "node_modules/x/y", "a")
    (context / ".dockerignore").write_text("node_modules\n")
    os.mkfifo(context / "node_modules/x/pipe")  # which would be refused
    assert names(of_directory(str(context))) == [".dockerignore", "Dockerfile", "a"]


def test_the_dockerfiles_own_ignore_file_goes_first(context: Path) -> None:
    write(context, "a", "b", "build/Other")
    (context / ".dockerignore").write_text("a\n")
    (context / "build/Other.dockerignore").write_text("b\nbuild\n")
    source = of_directory(str(context), dockerfile=f"{context}/build/Other")
    assert source.dockerfile == "build/Other"
    assert names(source) == [".dockerignore", "Dockerfile", "a", "build/Other", "build/Other.dockerignore"]


def test_a_pattern_that_is_none_is_refused_with_its_file(context: Path) -> None:
    (context / ".dockerignore").write_text("[a\n")
    with pytest.raises(InvalidInput, match=r"^\.dockerignore: syntax error in pattern"):
        b"".join(of_directory(str(context)))


# --- Dockerfiles


def test_a_dockerfile_elsewhere_is_sent_under_a_name_that_is_ignored(context: Path, tmp_path: Path) -> None:
    write(context, "a", "b")
    (tmp_path / "Other").write_text("FROM alpine\n")
    (tmp_path / "Other.dockerignore").write_text("b\n")
    source = of_directory(str(context), dockerfile=str(tmp_path / "Other"))
    assert (source.text, source.shown) == (b"FROM alpine\n", str(tmp_path / "Other"))
    assert source.dockerfile.startswith(".dockerfile.")
    with opened(source) as tar:
        assert set(tar.getnames()) == {"Dockerfile", "a", source.dockerfile, f"{source.dockerfile}.dockerignore"}
        ignored = tar.extractfile(f"{source.dockerfile}.dockerignore")
        assert ignored
        assert ignored.read().split() == [b"b", source.dockerfile.encode(), f"{source.dockerfile}.dockerignore".encode()]


def test_a_link_to_a_dockerfile_is_followed(context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").rename(context / "Dockerfile.dev")
    (context / "Dockerfile").symlink_to("Dockerfile.dev")
    assert of_directory(str(context)).dockerfile == "Dockerfile.dev"
    (context / "Dockerfile").unlink()
    (tmp_path / "far").write_text("FROM far\n")
    (context / "Dockerfile").symlink_to("../far")
    assert of_directory(str(context)).dockerfile.startswith(".dockerfile.")


def test_one_in_small_letters_is_taken_where_there_is_no_other(context: Path) -> None:
    (context / "Dockerfile").rename(context / "dockerfile")
    assert of_directory(str(context)).dockerfile == "dockerfile"


def test_a_text_is_a_dockerfile_beside_the_context(context: Path) -> None:
    source = of_directory(str(context), text=b"FROM scratch\n")
    with opened(source) as tar:
        content = tar.extractfile(source.dockerfile)
        assert content
        assert content.read() == b"FROM scratch\n"
    with opened(of_dockerfile(b"FROM scratch\n")) as tar:
        assert tar.getnames() == ["Dockerfile", "Dockerfile.dockerignore"]


def test_one_that_is_not_there_is_said_to_be_so(context: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no such Dockerfile\n  cure: .*-f FILE"):
        of_directory(str(context), dockerfile=f"{context}/nosuch")
    with pytest.raises(InvalidInput, match="Is a directory"):
        of_directory(str(context), dockerfile=str(context))
    with pytest.raises(InvalidInput, match="there is no such directory"):
        of_directory(f"{context}/nosuch")
    with pytest.raises(InvalidInput, match="cannot be empty"):
        of_dockerfile(b"")
    with pytest.raises(InvalidInput, match="it is no directory"):
        of_directory(f"{context}/Dockerfile")


# --- named contexts


def test_named_contexts_lie_beside_the_main_one(context: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other, "x", "skipped")
    (other / ".dockerignore").write_text("skipped\n")
    source = of_directory(str(context), contexts={"lib": str(other), "base": "docker-image://alpine"})
    place = source.contexts["lib"].removeprefix("context:")
    assert source.contexts["base"] == "docker-image://alpine"
    assert names(source) == sorted([f"{place}.dockerignore", f"{place}x", "Dockerfile"])
    for wrong in ("oci-layout://x", "https://example.com/x.git", str(tmp_path / "nosuch")):
        with pytest.raises(InvalidInput, match="--build-context lib="):
            of_directory(str(context), contexts={"lib": wrong})


# --- what cannot be sent


def test_what_is_no_file_is_refused_by_name(context: Path) -> None:
    os.mkfifo(context / "pipe")
    source = of_directory(str(context))
    with pytest.raises(InvalidInput, match=r"context/pipe is a FIFO, .*\n  cure: name it in .dockerignore"):
        b"".join(source)
    assert isinstance(source.error, InvalidInput)
    (context / ".dockerignore").write_text("pipe\n")
    assert names(of_directory(str(context))) == [".dockerignore", "Dockerfile"]


def test_a_socket_is_left_out_as_docker_does(context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(context)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("listening")
        assert names(of_directory(str(context))) == ["Dockerfile"]


def test_what_cannot_be_read_is_named() -> None:
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as directory:
        context = Path(directory)
        context.chmod(0o755)
        write(context, "Dockerfile", "secret", "closed/file")
        (context / "secret").chmod(0)
        (context / "closed").chmod(0)
        if not before:
            os.seteuid(65534)
        try:
            for skipped, named in (("", "secret"), ("secret", "closed/")):
                pieces = Packer().directory(directory, ignored=Patterns([skipped]))
                with pytest.raises(InvalidInput, match=f"/{named}: Permission denied: it belongs to the build context"):
                    b"".join(pieces)
        finally:
            os.seteuid(before)
            (context / "closed").chmod(0o700)


def growing(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def test_a_file_that_becomes_shorter_meanwhile_ends_it_with_its_name(context: Path) -> None:
    (context / "log").write_bytes(bytes(10 * PIECE_BYTES))
    pieces = iter(of_directory(str(context)))
    next(pieces)
    os.truncate(context / "log", 3 * PIECE_BYTES)
    with pytest.raises(InvalidInput, match=r"context/log has become shorter .* of 1310720 bytes are missing"):
        growing(pieces)


def test_a_file_that_grows_meanwhile_has_the_size_that_it_had(context: Path) -> None:
    (context / "log").write_bytes(bytes(4 * PIECE_BYTES))
    pieces = iter(of_directory(str(context)))
    found = [next(pieces)]
    with (context / "log").open("ab") as file:
        file.write(bytes(PIECE_BYTES))
    found += pieces
    with tarfile.open(fileobj=io.BytesIO(b"".join(found))) as tar:
        assert tar.getmember("log").size == 4 * PIECE_BYTES


def test_what_vanishes_or_becomes_a_link_meanwhile_is_left_out(context: Path, tmp_path: Path) -> None:
    (context / "a").write_bytes(bytes(2 * PIECE_BYTES))
    write(context, "gone", "later/secret", "vanishing/file")
    write(tmp_path / "elsewhere", "secret")
    pieces = iter(of_directory(str(context)))
    found = [next(pieces)]
    (context / "gone").unlink()
    (context / "later/secret").unlink()
    (context / "later").rmdir()
    (context / "later").symlink_to("../elsewhere")
    (context / "vanishing/file").unlink()
    (context / "vanishing").rmdir()
    found += pieces
    with tarfile.open(fileobj=io.BytesIO(b"".join(found))) as tar:
        assert not {"gone", "later/secret", "vanishing/file"} & set(tar.getnames())


@pytest.mark.parametrize(("depth", "name"), [(300, "deep"), (30, "d" * 200)])
def test_a_deep_tree(context: Path, depth: int, name: str) -> None:
    """More directories than are kept open; and a path that is longer than one may be."""
    fd = os.open(context, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    before = len(os.listdir("/proc/self/fd"))
    try:
        if depth * len(name) > 4096:
            with pytest.raises(InvalidInput, match="a path of more than 4096 letters"):
                b"".join(of_directory(str(context)))
        else:
            assert f"{f'{name}/' * depth}end" in names(of_directory(str(context)))
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        subprocess.run(["rm", "-rf", str(context)], check=True)


# --- what the words mean


def test_archives_are_told_from_dockerfiles() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert is_archive(made.getvalue()[:512])
    old = bytearray(made.getvalue()[:512])
    old[257:265] = bytes(8)
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    assert is_archive(bytes(old))
    assert is_archive(b"\x1f\x8b\x08 and so on")
    assert not is_archive(b"FROM busybox\n")
    assert not is_archive(b"# " + b"x" * 600)
    assert not is_archive(b"")


def test_a_packer_writes_what_is_made_up() -> None:
    packer = Packer()
    packer.file("Dockerfile", b"FROM a\n")
    with tarfile.open(fileobj=io.BytesIO(packer.finish())) as tar:
        assert [(each.name, each.size, each.mode) for each in tar] == [("Dockerfile", 7, 0o644)]


def test_the_query_has_dockers_words(context: Path) -> None:
    request = BuildRequest().changed({"tags": ["a:1", "b"], "arguments": {"A": "1", "B": None}, "no_cache": True, "epoch": 0})
    query = query_of(request, source_of(str(context)))
    assert {name: value for name, value in query.items() if value not in ("", (), False, None)} == {
        "labcore": True, "dockerfile": "Dockerfile", "t": ("a:1", "b"), "buildargs": '{"A": "1", "B": null}', "nocache": True,
        "rm": "1", "epoch": "0",
    }  # fmt: skip
    with pytest.raises(InvalidInput, match="there is no option tag:"):
        BuildRequest().changed({"tag": "a"})
    assert source_of("https://example.com/a.tar").remote == "https://example.com/a.tar"


def test_a_sparse_file_is_sent_by_its_holes(tmp_path: Path) -> None:
    """As GNU tar does it, whose format Python's reader knows, too."""
    with (tmp_path / "sparse").open("wb") as file:
        for place in (0, 5 << 20, 9 << 20):
            file.seek(place)
            file.write(b"data" * 100)
        file.truncate(20 << 20)
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 8 << 20)
    packer = Packer()
    sent = b"".join(packer.directory(str(tmp_path))) + packer.finish()
    assert len(sent) < 1 << 20
    with tarfile.open(fileobj=io.BytesIO(sent)) as archive:
        for name in ("sparse", "hole"):
            content = archive.extractfile(name)
            assert content
            assert content.read() == (tmp_path / name).read_bytes()
