"""The descent from an index to the manifest for a platform: variants, nested indexes, artifacts, entries without a platform."""

import hashlib
import json
from typing import Any

import pytest

from labcore.errors import ImageNotFound, LabcoreError, StoreDamaged
from labcore.images.index import READS_MAX, manifest_for
from labcore.images.model import Descriptor
from labcore.spec import Platform
from labcore.spec.media import CONFIG, DOCKER_INDEX, INDEX, LAYER, MANIFEST
from labcore.spec.platform import ranked


@pytest.mark.parametrize(
    ("wanted", "offered", "best"),
    [
        ("linux/arm/v7", "linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm64", "linux/arm/v7 linux/arm/v6 linux/arm/v5"),
        ("linux/arm/v6", "linux/arm/v7 linux/arm/v6 linux/arm/v5", "linux/arm/v6 linux/arm/v5"),
        ("linux/arm/v6", "linux/arm linux/arm/v7", ""),
        ("linux/arm", "linux/arm/v6 linux/arm/v7", "linux/arm/v7 linux/arm/v6"),
        ("linux/arm64", "linux/arm64/v8 linux/arm64/v9", "linux/arm64/v8"),
        ("linux/arm64/v8", "linux/arm64", "linux/arm64"),
        ("linux/arm64/v9", "linux/arm64 linux/arm64/v8.2 linux/arm64/v9", "linux/arm64/v9 linux/arm64/v8.2 linux/arm64"),
        ("linux/amd64", "linux/amd64/v3 linux/amd64", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64 linux/amd64/v2 linux/amd64/v4", "linux/amd64/v2 linux/amd64"),
        ("linux/ppc64le", "linux/ppc64le/power9 linux/ppc64le", "linux/ppc64le"),
        ("linux/ppc64le/power9", "linux/ppc64le/power9 linux/ppc64le", "linux/ppc64le/power9"),
        ("linux/amd64", "windows/amd64 linux/386 unknown/unknown", ""),
    ],
)
def test_a_machine_runs_what_is_made_for_it_or_an_older_one(wanted: str, offered: str, best: str) -> None:
    platforms = [Platform.parse(text) for text in offered.split()]
    assert [str(platforms[place]) for place in ranked(platforms, Platform.parse(wanted))] == best.split()


class Blobs:
    """What an index leads to, and how often it was read."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.reads = 0

    def put(self, value: Any, media_type: str, platform: str = "") -> Descriptor:
        content = json.dumps(value).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.contents[digest] = content
        return Descriptor(media_type, digest, len(content), Platform.parse(platform) if platform else None)

    def image(self, made_for: str, platform: str = "", *, config: str = CONFIG, layer: str = LAYER) -> Descriptor:
        """Put an image whose config says for which platform it is; its index says `platform` or nothing."""
        system, _, architecture = made_for.partition("/")
        about = {"os": system, "architecture": architecture.partition("/")[0]}
        parts = self.put(about | {"rootfs": {"diff_ids": []}, "author": f"{made_for} {platform}"}, config)
        layers = [self.put("layer", layer).to_json()]
        return self.put({"schemaVersion": 2, "config": parts.to_json(), "layers": layers}, MANIFEST, platform)

    def index(self, *entries: Descriptor, platform: str = "", kind: str = INDEX) -> Descriptor:
        return self.put({"schemaVersion": 2, "manifests": [entry.to_json() for entry in entries]}, kind, platform)

    def read(self, descriptor: Descriptor) -> bytes:
        self.reads += 1
        if descriptor.digest not in self.contents:
            raise StoreDamaged(f"{descriptor.digest} is missing")
        return self.contents[descriptor.digest]

    def resolve(self, descriptor: Descriptor, platform: str = "linux/arm64") -> Descriptor:
        found = manifest_for(Platform.parse(platform), descriptor, self.read, "box")
        assert found.content == self.contents[found.descriptor.digest]
        return found.descriptor


@pytest.fixture
def blobs() -> Blobs:
    return Blobs()


def test_a_manifest_is_taken_whatever_its_platform(blobs: Blobs) -> None:
    image = blobs.image("linux/s390x")
    assert blobs.resolve(image) == image


@pytest.mark.parametrize("kind", [INDEX, DOCKER_INDEX])
def test_the_entry_of_the_platform_is_taken_without_a_look_at_the_others(blobs: Blobs, kind: str) -> None:
    image = blobs.image("linux/arm64", "linux/arm64")
    index = blobs.index(blobs.image("linux/amd64", "linux/amd64"), blobs.image(""), image, kind=kind)
    assert blobs.resolve(index) == image
    assert blobs.reads == 2


def test_the_highest_variant_that_suits_is_taken(blobs: Blobs) -> None:
    entries = [blobs.image(f"linux/arm/{variant}", f"linux/arm/{variant}") for variant in ("v5", "v7", "v6")]
    assert blobs.resolve(blobs.index(*entries), "linux/arm/v6") == entries[2]


def test_an_entry_without_a_platform_is_what_its_config_says(blobs: Blobs) -> None:
    image = blobs.image("linux/arm64")
    assert blobs.resolve(blobs.index(blobs.image("linux/amd64"), image)) == image
    with pytest.raises(ImageNotFound, match="box is not made for linux/arm64: there is linux/amd64"):
        blobs.resolve(blobs.index(blobs.image("linux/amd64")))


def test_a_config_that_does_not_say_it_either_is_for_all(blobs: Blobs) -> None:
    image = blobs.image("")
    assert blobs.resolve(blobs.index(image)) == image


def test_what_is_not_here_is_passed_over_unless_it_was_meant(blobs: Blobs) -> None:
    image, gone = blobs.image("linux/arm64"), blobs.image("linux/amd64")
    del blobs.contents[gone.digest]
    assert blobs.resolve(blobs.index(gone, image)) == image
    with pytest.raises(StoreDamaged, match="is missing"):
        blobs.resolve(blobs.index(image, gone.replace(platform=Platform("linux", "arm64"))))


def test_indexes_in_indexes_are_searched(blobs: Blobs) -> None:
    image = blobs.image("linux/arm64", "linux/arm64")
    others = blobs.index(blobs.image("linux/amd64", "linux/amd64"))
    assert blobs.resolve(blobs.index(others, blobs.index(blobs.index(image)))) == image
    assert blobs.resolve(blobs.index(blobs.index(image, platform="linux/arm64"))) == image


def test_an_artifact_beside_an_image_is_passed_over(blobs: Blobs) -> None:
    image = blobs.image("linux/arm64")
    signature = blobs.image("linux/arm64", "linux/arm64", layer="application/vnd.dev.cosign.simplesigning.v1+json")
    attestation = blobs.image("unknown/unknown", "unknown/unknown", layer="application/vnd.in-toto+json")
    assert blobs.resolve(blobs.index(attestation, signature, image)) == image
    with pytest.raises(ImageNotFound, match=r"artifact of kind 'application/vnd\.dev\.cosign"):
        blobs.resolve(blobs.index(attestation, signature))
    with pytest.raises(ImageNotFound, match="there is nothing"):
        blobs.resolve(blobs.index(attestation))


def test_an_index_of_other_kinds_says_so(blobs: Blobs) -> None:
    with pytest.raises(ImageNotFound, match=r"index without an image: it lists 'application/vnd\.example'"):
        blobs.resolve(blobs.index(blobs.put({}, "application/vnd.example")))


def test_an_index_that_goes_on_and_on_is_given_up(blobs: Blobs) -> None:
    index = blobs.image("linux/arm64")
    for _ in range(6):
        index = blobs.index(index)
    with pytest.raises(StoreDamaged, match="an index leads to an index"):
        blobs.resolve(index)


def test_an_index_that_fans_out_is_given_up(blobs: Blobs) -> None:
    entries = [blobs.image("linux/amd64").replace(size=size) for size in range(40)]
    for _ in range(2):
        entries = [blobs.index(*entries[: 40 - number]) for number in range(40)]
    with pytest.raises(LabcoreError):
        blobs.resolve(blobs.index(*entries))
    assert blobs.reads <= READS_MAX
