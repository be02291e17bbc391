"""Digests of content: the same by Python's own code and by OpenSSL's."""

import hashlib
import subprocess
import sys

import pytest

from labcore.spec.digest import checked_digest, digest_of


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("content", [b"", b"abc", bytes(100_000)], ids=["empty", "short", "long"])
def test_a_digest_is_hashlibs(content: bytes, algorithm: str) -> None:
    digest = digest_of(content, algorithm)
    assert checked_digest(digest) == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def test_openssl_is_not_loaded_for_a_small_content() -> None:
    script = "import sys; from labcore.spec.digest import digest_of; digest_of(b'x'); print('_hashlib' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script]) == b"False\n"
