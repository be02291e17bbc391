"""Headers of archives, as tars write them and as no tar would: what is in them comes out, in little time, or BadArchive."""

import time
from collections.abc import Callable

import pytest

from labcore.tar import Archive, BadArchive, Entry


def header(name: bytes = b"f", kind: bytes = b"0", size: int = 0, **fields: bytes) -> bytes:
    """Return a header whose checksum is right, whatever the other fields say."""
    at = {"mode": 100, "uid": 108, "gid": 116, "size": 124, "length": 124, "mtime": 136, "link": 157,
          "magic": 257, "major": 329, "minor": 337, "rest": 345}  # fmt: skip
    block = bytearray(512)
    block[: len(name)], block[156:157] = name, kind
    for field, value in {"mode": b"0000644", "size": b"%011o" % size, "magic": b"ustar\x0000", **fields}.items():
        block[at[field] : at[field] + len(value)] = value
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * 32)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def pax(*records: tuple[bytes, bytes]) -> bytes:
    """Return a header that says more of the next entry."""
    lines = []
    for key, value in records:
        rest = len(key) + len(value) + 3
        length = next(length for length in range(rest, rest + 9) if length == rest + len(str(length)))
        lines.append(b"%d %s=%s\n" % (length, key, value))
    return header(b"PaxHeader", b"x", len(b"".join(lines))) + padded(b"".join(lines))


def read(raw: bytes) -> list[tuple[Entry, bytes]]:
    archive = Archive(iter([raw]))
    return [(entry, b"".join(archive.content())) for entry in archive]


# --- sparse files


def numbers(pieces: int) -> list[int]:
    return [number for place in range(pieces) for number in (place * 1024, 3)]


def by_leading_map(pieces: int) -> bytes:
    said = padded("".join(f"{number}\n" for number in [pieces, *numbers(pieces)]).encode())
    fields = (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"%d" % (pieces * 1024))
    return pax(*fields) + header(size=len(said) + 3 * pieces) + said + padded(b"abc" * pieces)


def by_one_record(pieces: int) -> bytes:
    said = ",".join(map(str, numbers(pieces))).encode()
    fields = (b"GNU.sparse.size", b"%d" % (pieces * 1024)), (b"GNU.sparse.map", said)
    return pax(*fields) + header(size=3 * pieces) + padded(b"abc" * pieces)


def by_many_records(pieces: int) -> bytes:
    keys = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
    said = [(keys[place % 2], b"%d" % number) for place, number in enumerate(numbers(pieces))]
    return pax((b"GNU.sparse.size", b"%d" % (pieces * 1024)), *said) + header(size=3 * pieces) + padded(b"abc" * pieces)


def by_blocks(pieces: int) -> bytes:
    """GNU's own format: four pieces in the header, and 21 in each block behind it."""
    said = numbers(pieces)
    fields = [b"%011o %011o " % (said[place], said[place + 1]) for place in range(0, len(said), 2)]
    groups = [b"".join(fields[start : start + 21]) for start in range(4, pieces, 21)]
    rest = bytes(41) + b"".join(fields[:4]) + b"\1" + b"%011o " % (pieces * 1024)
    blocks = [
        (group.ljust(504, b"\0") + bytes([place < len(groups)])).ljust(512, b"\0") for place, group in enumerate(groups, 1)
    ]
    return header(kind=b"S", size=3 * pieces, magic=b"ustar  \0", rest=rest) + b"".join(blocks) + padded(b"abc" * pieces)


@pytest.mark.parametrize(
    ("made", "pieces"),
    [(by_leading_map, 200_000), (by_blocks, 200_000), (by_one_record, 70_000), (by_many_records, 17_000)],
)
def test_a_sparse_file_of_many_pieces(made: Callable[[int], bytes], pieces: int) -> None:
    """A map of some megabytes takes about as long for each of them."""
    raw = made(pieces)
    began = time.process_time()
    ((entry, content),) = read(raw)
    took = time.process_time() - began
    said = numbers(pieces)
    assert (entry.sparse, entry.real_size) == (tuple(zip(said[::2], said[1::2], strict=True)), pieces * 1024)
    assert content == b"abc" * pieces
    assert took < 5


def test_a_map_that_is_none() -> None:
    """Too long, without an end, cut off, of another size than its content, beyond the file's end, or of no file at all."""
    good = by_leading_map(3)
    changed = (
        b"9\n0\n3\n1024\n3\n",
        b"3\n0\n2\n1024\n3\n",
        b"3\n-\n3\n1024\n3\n",
        b"3\n0\n3\n9024\n3\n",
        b"9" * 16,
        b"9999\n" * 3,
    )
    for bad in (
        *(good.replace(b"3\n0\n3\n1024\n3\n", said) for said in changed),
        good[:1100],
        by_blocks(3).replace(b"%011o " % 3072, b"%011o " % 9),
        pax((b"GNU.sparse.size", b"-1"), (b"GNU.sparse.map", b"")) + header(),
        by_blocks(0).replace(b"%011o " % 0 + bytes(17), b"\xff" * 12 + bytes(17)),
        pax((b"GNU.sparse.size", b"9" * 20), (b"GNU.sparse.map", b"0,0")) + header(),
    ):
        with pytest.raises(BadArchive):
            read(bad)


# --- numbers, names, attributes


LARGEST = b"\x80" + b"\xff" * 7  # GNU's way for what is too large for octal digits

NONE = {
    "an owner below nobody": header(uid=b"\xff" * 8),
    "an owner that chown takes for none": header(uid=b"\x80\0\0\0\xff\xff\xff\xff"),
    "the same, of pax": pax((b"uid", b"4294967295")) + header(),
    "a group that chown takes for none": pax((b"gid", b"4294967295")) + header(),
    "a group beyond": header(gid=LARGEST),
    "an owner of a thousand digits": pax((b"uid", b"9" * 1000)) + header(),
    "an owner in other digits": pax((b"uid", "٣".encode())) + header(),
    "a device below 0": header(kind=b"3", major=b"\xff" * 8),
    "a device beyond": header(kind=b"4", minor=LARGEST),
    "a size below 0": header(length=b"\xff" * 12),
    "a size beyond": header(length=b"\x80" + b"\xff" * 11),
    "a mode in other digits": header(mode=b"0o777\0\0\0"),
    "a time that is none": pax((b"mtime", b"nan")) + header(),
    "a time of a thousand digits": pax((b"mtime", b"1" * 1000)) + header(),
    "a time in two pieces": pax((b"mtime", b"1.2.3")) + header(),
    "a NUL in a name": pax((b"path", b"a\0b")) + header(),
    "a NUL in a link": pax((b"linkpath", b"a\0b")) + header(kind=b"2"),
    "a NUL in a sparse file's name": pax((b"GNU.sparse.name", b"a\0b"), (b"GNU.sparse.size", b"0")) + header(),
    "a NUL in an attribute": pax((b"SCHILY.xattr.user.a\0b", b"x")) + header(),
    "an attribute without a name": pax((b"SCHILY.xattr.", b"x")) + header(),
    "an attribute with a long name": pax((b"SCHILY.xattr.user." + b"n" * 300, b"x")) + header(),
    "an attribute that is too large": pax((b"SCHILY.xattr.user.n", bytes(70_000))) + header(),
    "a record longer than its header": header(b"x", b"x", 9) + padded(b"99 path=a") + header(),
    "a record of no length": header(b"x", b"x", 9) + padded(b"0 path=a\n") + header(),
    "a record of less than none": header(b"x", b"x", 9) + padded(b"-9 path=a") + header(),
    "a header for nothing": pax((b"path", b"a")),
    "a header of gigabytes": header(b"x", b"x", 1 << 32),
    "headers for one entry without end": pax((b"path", b"a")) * 9 + header(),
}  # fmt: skip


@pytest.mark.parametrize("what", NONE)
def test_what_no_file_can_have(what: str) -> None:
    with pytest.raises(BadArchive):
        read(NONE[what])


TIMES = {
    "before 1970": (header(mtime=b"\xff" * 11 + b"\xf6"), -10 * 10**9),
    "before 1970, of pax": (pax((b"mtime", b"-1.25")) + header(), -1_250_000_000),
    "more digits than nanoseconds": (pax((b"mtime", b"1.0000000019")) + header(), 1_000_000_001),
    "no clock shows it": (header(mtime=b"\x80" + b"\xff" * 11), 0),
    "no clock shows it, of pax": (pax((b"mtime", b"99999999999999999999")) + header(), 0),
    "nor that": (pax((b"mtime", b"-99999999999")) + header(), 0),
    "none": (header(mtime=b"            "), 0),
}


@pytest.mark.parametrize("what", TIMES)
def test_times(what: str) -> None:
    raw, expected = TIMES[what]
    ((entry, _),) = read(raw)
    assert entry.mtime == expected


def test_a_long_name_ends_at_its_nul() -> None:
    long = header(b"././@LongLink", b"L", 9) + padded(b"name\0rest") + header(b"././@LongLink", b"K", 7) + padded(b"link\0\0x")
    ((entry, _),) = read(long + header(kind=b"2"))
    assert (entry.name, entry.link) == (b"name", b"link")


def test_a_label_is_no_file() -> None:
    """`tar -V`: to GNU tar and bsdtar it is the archive's name."""
    assert [entry.name for entry, _ in read(header(b"a label", b"V") + header(b"file"))] == [b"file"]
