"""Checks of `digest` and `dig`: the names of blobs, and the files that layers hold."""

import hashlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from labcore.images.blobs import Blobs
from labcore.lab.checks.drawn_images import an_image, content, manifest_of, store_of
from labcore.lab.checks.image_claims import store_is_whole
from labcore.lab.checks.lesson_03.layers import UNPACKING
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

DIGITS: Final = 24  # letters of a digest that are shown


# --- digest


def _samples(draw: Draw) -> list[bytes]:
    return [draw.token.encode(), b"", draw.hostname.encode() * draw.number, bytes(range(256))]


def _perform_digest(mine: ModuleType, draw: Draw) -> Any:
    return [mine.digest(sample) for sample in _samples(draw)]


def _conclude_digest(returned: Any, draw: Draw) -> Iterator[Claim]:
    found = returned if isinstance(returned, list) else []
    texts = [item for item in found if isinstance(item, str)]
    yield Claim(say("it returns a text"), len(texts) == len(found) > 0, repr(found[:1])[1:-1])
    wanted = [f"sha256:{hashlib.sha256(sample).hexdigest()}" for sample in _samples(draw)]
    starts = bool(texts) and all(text.startswith("sha256:") for text in texts)
    yield Claim(say("which begins with sha256:"), starts, "".join(texts[:1])[:20])
    wrong = next(((each, right) for each, right in zip(found, wanted, strict=False) if each != right), (wanted[0], wanted[0]))
    text = say("and is the digest of the bytes that were given")
    yield Claim(text, found == wanted, expected=wrong[1][:DIGITS], seen=str(wrong[0])[:DIGITS])


DIGEST = Scenario(_perform_digest, None, _conclude_digest, None, forbidden=(Blobs,))


# --- dig


def _perform_dig(mine: ModuleType, draw: Draw) -> Any:
    found = []
    for path in ("etc/top", "etc/gone", "etc/base", "etc/nowhere"):
        returned = mine.dig(manifest_of(draw), str(store_of(draw)), path)
        found.append([item.decode() if isinstance(item, bytes) else repr(item) for item in returned])
    return found


def _conclude_dig(returned: Any, draw: Draw) -> Iterator[Claim]:
    top, gone, base, nowhere = returned
    yield Claim(say("a file that each layer has is found in each, the lowest first"), top == _held(draw, "top", 0, 1, 2))
    yield Claim(say("one that a layer deletes is found below"), gone == _held(draw, "gone", 0))
    yield Claim(say("one that is in one layer only, once"), base == _held(draw, "base", 0))
    yield Claim(say("one that there is not, nowhere"), nowhere == [])
    yield from store_is_whole(draw, store_of(draw))


def _held(draw: Draw, name: str, *numbers: int) -> list[str]:
    return [content(draw, name, number) for number in numbers]


DIG = Scenario(_perform_dig, None, _conclude_dig, None, prepare=an_image, forbidden=UNPACKING)
