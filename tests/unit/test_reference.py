"""Names of images, read as Docker reads them: the cases are those that the published grammar's own tests are about."""

import pytest

from labcore.errors import InvalidInput
from labcore.spec import Reference
from labcore.spec.reference import check_registry

F64, F128 = "f" * 64, "f" * 128
HEX = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a"
SONG = "thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev"

# name -> registry, repository, tag, digest
PARTS = {
    "test_com": ("docker.io", "library/test_com", "latest", None),
    "test.com:tag": ("docker.io", "library/test.com", "tag", None),
    "test.com:5000": ("docker.io", "library/test.com", "5000", None),
    "test.com/repo:tag": ("test.com", "repo", "tag", None),
    "test:5000/repo": ("test:5000", "repo", "latest", None),
    "test:5000/repo:tag": ("test:5000", "repo", "tag", None),
    f"test:5000/repo@sha256:{F64}": ("test:5000", "repo", None, f"sha256:{F64}"),
    f"test:5000/repo:tag@sha256:{F64}": ("test:5000", "repo", "tag", f"sha256:{F64}"),
    "lowercase:Uppercase": ("docker.io", "library/lowercase", "Uppercase", None),
    "a/" * 127 + "a:tag-puts-this-over-max": ("docker.io", "a/" * 127 + "a", "tag-puts-this-over-max", None),
    "sub-dom1.foo.com/bar/baz/quux:some-long-tag": ("sub-dom1.foo.com", "bar/baz/quux", "some-long-tag", None),
    "b.gcr.io/test.example.com/my-app:test.example.com": ("b.gcr.io", "test.example.com/my-app", "test.example.com", None),
    "xn--n3h.com/myimage:xn--n3h.com": ("xn--n3h.com", "myimage", "xn--n3h.com", None),
    f"xn--7o8h.com/myimage:xn--7o8h.com@sha512:{F128}": ("xn--7o8h.com", "myimage", "xn--7o8h.com", f"sha512:{F128}"),
    "foo_bar.com:8080": ("docker.io", "library/foo_bar.com", "8080", None),
    "foo/foo_bar.com:8080": ("docker.io", "foo/foo_bar.com", "8080", None),
    "192.168.1.1": ("docker.io", "library/192.168.1.1", "latest", None),
    "192.168.1.1:5000": ("docker.io", "library/192.168.1.1", "5000", None),
    "192.168.1.1/repo": ("192.168.1.1", "repo", "latest", None),
    "192.168.1.1:5000/repo:5050": ("192.168.1.1:5000", "repo", "5050", None),
    "[2001:db8::1]/repo": ("[2001:db8::1]", "repo", "latest", None),
    "[2001:db8:1:2:3:4:5:6]/repo:tag": ("[2001:db8:1:2:3:4:5:6]", "repo", "tag", None),
    f"[2001:db8::1]:5000/repo:tag@sha256:{F64}": ("[2001:db8::1]:5000", "repo", "tag", f"sha256:{F64}"),
    "[2001:db8::]:5000/repo": ("[2001:db8::]:5000", "repo", "latest", None),
    "[::1]:5000/repo": ("[::1]:5000", "repo", "latest", None),
    "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:5050/a": ("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:5050", "a", "latest", None),
    "localhost:8080": ("docker.io", "library/localhost", "8080", None),
    f"localhost:8080@sha256:{F64}": ("docker.io", "library/localhost", "8080", f"sha256:{F64}"),
    "localhost/testimage": ("localhost", "testimage", "latest", None),
    f"sha256:{HEX}": ("docker.io", "library/sha256", HEX, None),
    HEX[:-1]: ("docker.io", f"library/{HEX[:-1]}", "latest", None),
    SONG: ("docker.io", f"library/{SONG}", "latest", None),
    "registry.io/foo/project--id.module--name.ver---sion--name": (
        "registry.io", "foo/project--id.module--name.ver---sion--name", "latest", None,
    ),
    "docker---rules/docker": ("docker.io", "docker---rules/docker", "latest", None),
    "dock__er/docker": ("docker.io", "dock__er/docker", "latest", None),
    "0": ("docker.io", "library/0", "latest", None),
    "example.com/a/b": ("example.com", "a/b", "latest", None),
    "gcr.io/google.com/project-id/hello-world": ("gcr.io", "google.com/project-id/hello-world", "latest", None),
    "test-com:8080/foo": ("test-com:8080", "foo", "latest", None),
    "Asdf.com/foo/bar": ("Asdf.com", "foo/bar", "latest", None),
    "DOCKER/docker": ("DOCKER", "docker", "latest", None),
}  # fmt: skip

# all ways to write one name -> its short form
SAME = {
    ("fooo/bar", "docker.io/fooo/bar", "index.docker.io/fooo/bar"): "fooo/bar",
    ("ubuntu", "library/ubuntu", "docker.io/ubuntu", "docker.io/library/ubuntu", "index.docker.io/ubuntu"): "ubuntu",
    ("library/foo/bar", "docker.io/library/foo/bar"): "library/foo/bar",
    ("other/library", "docker.io/other/library"): "other/library",
    ("ubuntu-12.04-base", "index.docker.io/library/ubuntu-12.04-base"): "ubuntu-12.04-base",
    ("127.0.0.1:8000/privatebase",): "127.0.0.1:8000/privatebase",
    ("Foo/bar",): "Foo/bar",
    ("ghcr.io/a/b_c/d__e-f.g",): "ghcr.io/a/b_c/d__e-f.g",
    (f"docker.io/{HEX}", f"docker.io/library/{HEX}", f"library/{HEX}"): f"library/{HEX}",
    ("docker.io/a.b/c",): "docker.io/a.b/c",
    ("docker.io/localhost/c",): "docker.io/localhost/c",
}

BAD = [
    "", ":justtag", f"@sha256:{F64}", "repo@sha256:" + "f" * 34, f"name@invaliddigest:{F64}", f"a@sha512:{F64}",
    "Uppercase:tag", "test:5000/Uppercase/lowercase:tag", "a/" * 128 + "a:tag", "aa/asdf$$^/aa", "[2001:db8::1]",
    "[2001:db8::1]:5000",
    "[2001:db8::1]:tag", "[fe80::1%eth0]:5000/repo", "[fe80::1%@invalidzone]:5000/repo", "https://github.com/docker/docker",
    "docker/Docker", "-docker", "-docker/docker", "-docker.io/docker/docker", "docker///docker", "docker.io/docker/Docker",
    "fc00::1:5000/debian", "[2001:db8:3:4::192.0.2.33]:5000/debian", HEX, "docker-/docker", "-docker-/docker", "____/____",
    "_docker/_docker", "dock..er/docker", "dock_.er/docker", "dock-.er/docker", "docker/", "x" * 256 + "/docker",
    "foo.com:http/bar", "a/a/a/", "foo.com/", "foo.com/a-/a/a", "foo/bar-", "foo/-bar", "foo_bar.com:8080/app",
    "example.com/__underscore/myimage", "example.com/..dots/myimage", "example.com/.dots/myimage", "docker./docker",
    ".docker/docker", "do__cker:8080/docker", "Foo/FarB", "registry.com:8080/myapp@sha256:badbadbadbad",
    "registry.com:8080/myapp:invalid~tag", "registry.com:8080/myapp@bad", "white space", "b@char/image", "ab-.com/a",
    "ab.-com/a", "[fd00:1:2::3]5000/a", "[fd00:1:2::3]::5000/a", "[fd00123123123]:5000/a", "192.168.1.1:75050/a",
    "host:0/a", "a:-tag",
    "a//b", "/a", "a:b:c", "a:", "ä", "a\n", "a:b\n", f"a@sha256:{F64}\n", "ａ", "a:" + "x" * 129, "a/../b",
    "a@sha256:" + "F" * 64,
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), PARTS.items())
def test_the_parts_of_a_name(text: str, parts: tuple[str, str, str | None, str | None]) -> None:
    parsed = Reference.parse(text)
    assert (parsed.registry, parsed.repository, parsed.tag, parsed.digest) == parts
    assert Reference.parse(str(parsed)) == parsed


@pytest.mark.parametrize(("names", "short"), SAME.items())
def test_ways_to_write_one_name(names: tuple[str, ...], short: str) -> None:
    assert {str(Reference.parse(name)) for name in names} == {f"{short}:latest"}
    assert Reference.parse(short) == Reference.parse(names[-1])


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no image name"):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEX, "an image's identity"),
        ("a/" * 128 + "a", "257 characters, and 255"),
        ("host:99999/a", "99999 is no port"),
        ("[1:2]:5000/a", "1:2 is no address"),
        ("docker/Docker", "must be lower case"),
    ],
)
def test_a_refusal_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Reference.parse(text)


def test_registries() -> None:
    for good in ("localhost", "localhost:5000", "a.b-c.d", "[::1]:5000", "10.0.0.1"):
        assert check_registry(good) == good
    for bad in ("", "http://a.b", "a.b/c", "a b", "u:p@host", "a:b"):
        with pytest.raises(InvalidInput, match="is no registry"):
            check_registry(bad)
