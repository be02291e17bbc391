"""Images by name, ID, head of an ID and digest; what there is to say about them; how the commands say it."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.cli.formatting import ago, printable
from labcore.errors import ImageNotFound, InvalidInput
from labcore.images import Config, History, Image, ImageStore
from labcore.images.model import index_bytes
from labcore.images.resolve import entries, find
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEX, LAYER, LAYER_GZIP
from tests.conftest import needs_root
from tests.daemon import own_daemon


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def make(store: ImageStore, name: str = "tiny", content: bytes = b"a layer", **config: object) -> Image:
    with store.using():
        plain = store.put_blob(content, LAYER)
        packed = store.put_blob(gzip.compress(b"above", mtime=0), LAYER_GZIP)
        about: dict[str, object] = {"architecture": Platform.here().architecture, "command": ("/x",)} | config
        diff_ids = (plain.digest, "sha256:" + hashlib.sha256(b"above").hexdigest())
        return store.put_image(Reference.parse(name), [plain, packed], Config(diff_ids=diff_ids, **about))


def test_all_ways_to_say_it(store: ImageStore) -> None:
    image = make(store)
    make(store, "another", b"another")
    digits = image.id.partition(":")[2]
    manifest = image.descriptor.digest
    for text in ("tiny", "tiny:latest", "docker.io/library/tiny", image.id, digits, digits[:12], digits[:4],
                 f"sha256:{digits[:8]}", manifest, manifest[7:19], f"tiny@{manifest}"):  # fmt: skip
        assert store.find(text).id == image.id, text
        assert find(store, text).descriptor == image.descriptor, text


def test_a_name_comes_before_an_id(store: ImageStore) -> None:
    image = make(store)
    other = make(store, image.id.partition(":")[2][:12], b"called like an ID")
    assert store.find(image.id.partition(":")[2][:12]).id == other.id
    assert store.find(image.id.partition(":")[2][:13]).id == image.id


def config_of(number: int) -> Config:
    return Config(architecture="amd64", diff_ids=("sha256:" + hashlib.sha256(str(number).encode()).hexdigest(),))


def test_what_is_not_clear_or_not_here(store: ImageStore) -> None:
    seen: dict[str, int] = {}
    for number in range(1 << 16):  # until the IDs of two begin alike
        head = hashlib.sha256(config_of(number).to_bytes()).hexdigest()[:4]
        if head in seen:
            break
        seen[head] = number
    for several in (number, seen[head]):
        layer = store.put_blob(str(several).encode(), LAYER)
        store.put_image(Reference.parse(f"image{several}"), [layer], config_of(several))
    with pytest.raises(InvalidInput, match=f"{head} is not clear: there are .*{head}.*{head}.*; give more digits"):
        store.find(head)
    for text, error in (("abc", ImageNotFound), ("0123456789ab", ImageNotFound), ("nope", ImageNotFound), ("UP", InvalidInput)):
        with pytest.raises(error):
            store.find(text)


def test_the_same_image_compressed_otherwise_is_not_unclear(store: ImageStore) -> None:
    image = make(store)
    layers = [store.put_blob(gzip.compress(b"a layer", mtime=0), LAYER_GZIP), image.layers[1]]
    again = store.put_image(Reference.parse("smaller"), layers, image.config)
    assert (again.id, len(entries(store))) == (image.id, 2)
    assert store.find(image.id[7:19]).id == image.id


def test_one_of_several_machines(store: ImageStore) -> None:
    images = [make(store, machine, machine.encode(), architecture=machine) for machine in ("amd64", "arm64")]
    listed = [image.descriptor.replace(platform=image.config.platform) for image in images]
    store.tag(Reference.parse("multi"), store.put_blob(index_bytes(listed), INDEX))
    for image in images:
        store.untag(Reference.parse(image.name))
        assert store.find(image.id[7:19]).config.architecture == image.config.architecture


HISTORY = (
    History(created="2020-01-01T00:00:00Z", created_by="ADD rootfs"),
    History(created="2020-01-02T00:00:00Z", created_by='CMD ["sh"]', empty_layer=True),
)


def test_what_would_be_obeyed() -> None:
    assert printable("a\x1b[31mb\nc\u202e") == "a [31mb c "


def run(store: ImageStore, capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> list[str]:
    assert main(["--root", str(store.directory.parent), *words]) == status
    captured = capsys.readouterr()
    return (captured.out or captured.err).splitlines()


def test_the_commands_say_it(store: ImageStore, capsys: pytest.CaptureFixture[str]) -> None:
    needs_root()
    image = make(store, "localhost:5000/team/app:v1", history=HISTORY, created="2020-01-02T00:00:00Z")
    store.tag(Reference.parse("twin"), image.descriptor)
    with own_daemon(store.directory.parent):
        table = run(store, capsys, "images")
        assert table[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
        first, second = sorted(table[1:])
        assert first.split()[:6] == ["localhost:5000/team/app", "v1", image.id[7:19], *ago(1577923200).split()]
        assert second.split()[:3] == ["twin", "latest", image.id[7:19]]
        assert run(store, capsys, "images", "-q", "--no-trunc", "twin") == [image.id]
        assert len(run(store, capsys, "images", "twin:v2")) == 1

        past = run(store, capsys, "history", "twin")
        assert [line.split()[0] for line in past] == ["IMAGE", image.id[7:19], "<missing>"]
        assert 'CMD ["sh"]' in past[1]
        last = json.loads(run(store, capsys, "history", "--format", "json", "twin")[-1])
        assert (last["CreatedBy"], last["CreatedAt"]) == ("ADD rootfs", "2020-01-01T00:00:00Z")

        (about,) = json.loads("\n".join(run(store, capsys, "inspect", "twin")))
        assert (about["Id"], sorted(about["RepoTags"])) == (image.id, ["localhost:5000/team/app:v1", "twin:latest"])
        assert about["Config"]["Cmd"] == ["/x"]
        assert about["RootFS"]["Layers"] == list(image.config.diff_ids)
        run(store, capsys, "image", "inspect", "nope", status=1)
        run(store, capsys, "tag", image.id[7:19], "by-id")
    assert store.find("by-id").id == image.id
