"""Images by name, ID, head of an ID and digest; what there is to say about them; how the commands say it."""

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.cli.formatting import ago, printable, size
from labcore.errors import ImageNotFound, InvalidInput
from labcore.images import Config, History, Image, ImageStore
from labcore.images.inspect import history, inspect
from labcore.images.model import index_bytes
from labcore.images.resolve import entries, find
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEX, LAYER, LAYER_GZIP


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
    about = inspect(store, "multi")
    assert [image["Platform"] for image in about] == ["linux/amd64", "linux/arm64"]
    assert {tuple(image["Names"]) for image in about} == {("multi:latest",)}


HISTORY = (
    History(created="2020-01-01T00:00:00Z", created_by="ADD rootfs"),
    History(created="2020-01-02T00:00:00Z", created_by='CMD ["sh"]', empty_layer=True),
)


def test_steps(store: ImageStore) -> None:
    image = make(store, history=HISTORY)
    assert [(step.history.created_by, step.layer) for step in history(image)] == [
        ("ADD rootfs", image.layers[0]),
        ('CMD ["sh"]', None),
        ("", image.layers[1]),
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "seconds ago"), (70, "a minute ago"), (125, "2 minutes ago"), (7000, "116 minutes ago"), (7200, "2 hours ago"),
     (3 * 86400, "3 days ago"), (20 * 86400, "2 weeks ago"), (800 * 86400, "2 years ago"), (-60, "in the future")],
)  # fmt: skip
def test_times_in_words(seconds: int, said: str) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert ago(datetime.fromtimestamp(now.timestamp() - seconds, UTC).isoformat(), now) == said


def test_what_is_no_time_or_would_be_obeyed() -> None:
    assert [ago(text) for text in ("", "yesterday", "2024-13-01")] == ["", "", ""]
    assert ago("2015-10-31T22:22:56.015925234Z").endswith("years ago")  # nanoseconds, as Docker writes them
    assert printable("a\x1b[31mb\nc\u202e") == "a [31mb c "


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_036_065, "1.04 MB"), (170e6, "170 MB")]
)
def test_sizes(count: float, said: str) -> None:
    assert size(int(count)) == said


def run(store: ImageStore, capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> list[str]:
    assert main(["--root", str(store.directory.parent), *words]) == status
    captured = capsys.readouterr()
    return (captured.out or captured.err).splitlines()


def test_the_commands_say_it(store: ImageStore, capsys: pytest.CaptureFixture[str]) -> None:
    image = make(store, "localhost:5000/team/app:v1", history=HISTORY, created="2020-01-02T00:00:00Z")
    store.tag(Reference.parse("twin"), image.descriptor)
    store.keep(make(store, "nameless", b"a third").descriptor)
    store.untag_all(["nameless:latest"])
    store.keep(store.put_blob(b"{}", LAYER))

    table = run(store, capsys, "images")
    assert table[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert table[1].split()[:3] == ["localhost:5000/team/app", "v1", image.id[7:19]]
    assert table[1].split()[3:] == [*ago("2020-01-02T00:00:00Z").split(), *size(image.size).split()]
    assert table[2].split()[:3] == ["twin", "latest", image.id[7:19]]
    assert [line.split()[0] for line in table[3:]] == ["<none>", "<none>"], "one that has lost its name stays"
    assert ["damaged" in line for line in table[3:]].count(True) == 1
    assert run(store, capsys, "images", "-q", "--no-trunc", "twin") == [image.id]
    assert len(run(store, capsys, "images", "localhost:5000/team/app")) == 2
    assert len(run(store, capsys, "images", "twin:v2")) == 1
    assert image.descriptor.digest in run(store, capsys, "images", "--digests")[1]

    past = run(store, capsys, "history", "twin")
    assert [line.split()[0] for line in past] == ["IMAGE", image.id[7:19], "<missing>", "<missing>"]
    assert 'CMD ["sh"]' in past[2]
    last = json.loads(run(store, capsys, "history", "--format", "json", "twin")[-1])
    assert (last["CreatedBy"], last["Layer"]) == ("ADD rootfs", image.layers[0].digest)
    assert run(store, capsys, "history", "-q", "--no-trunc", "twin")[0] == image.id

    (about,) = json.loads("\n".join(run(store, capsys, "inspect", "twin")))
    assert (about["Id"], about["Digest"]) == (image.id, image.descriptor.digest)
    assert about["Names"] == ["localhost:5000/team/app:v1", "twin:latest"]
    assert about["Config"]["Cmd"] == ["/x"]
    assert [layer["DiffId"] for layer in about["Layers"]] == list(image.config.diff_ids)
    assert "no image nope:latest" in run(store, capsys, "image", "inspect", "nope", status=125)[0]
    run(store, capsys, "tag", image.id[7:19], "by-id")
    assert store.find("by-id").id == image.id
