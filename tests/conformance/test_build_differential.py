"""Dockerfiles built by our daemon, by docker's classic builder and by buildx: the images are the same.

What differs on purpose stands in build_differences.toml, with its reason. All is built once, all at the same time.
"""

import json
import os
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from labcore.engine import Engine
from labcore.images.archive.writing import save
from labcore.images.config import History
from labcore.spec import Reference
from labcore.spec.media import LAYER
from tests.conformance.build_cases import BOTH, CASES, Case, packed, users
from tests.conformance.built_images import Seen, differences, read_saved
from tests.conformance.conftest import running_dockerd
from tests.conformance.docker_sides import PLUGINS
from tests.conftest import needs_root
from tests.daemon import DOCKER, running_daemon
from tests.peers import Peers

LISTED = Path(__file__).with_name("build_differences.toml")
RUNS = ["run", "--rm", "--network", "none", "--pull", "never"]
SECONDS = 400
NOP = "/bin/sh -c #(nop) "
CREATED = "2024-01-02T03:04:05Z"


class Built(NamedTuple):
    """What has come of the Dockerfiles: the images by `BUILDER/NUMBER:latest`, and the builds that have failed."""

    images: dict[str, Seen]
    failed: dict[str, str]


class Docker:
    """Docker's command, for one daemon."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home
        plugins = home / "cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-buildx").symlink_to(PLUGINS / "docker-buildx")

    def __call__(self, *words: str, check: bool = True, **env: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "DOCKER_CONFIG": str(self.home), **env}
        done = subprocess.run(
            [str(DOCKER), "-H", self.url, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, (words[:6], done.stdout[-3000:], done.stderr[-3000:])
        return done

    def images(self, prints: dict[str, tuple[str, ...] | None], archive: Path) -> dict[str, Seen]:
        """Return images as they are seen, and what containers of them print."""
        names = list(prints)
        self("save", "-o", str(archive), *names)
        inspected = json.loads(self("image", "inspect", *names).stdout)
        said = {}
        for name, words in prints.items():
            if words is not None:
                done = self(*RUNS, name, *words, check=False)
                said[name] = f"{done.returncode}: {done.stdout}{done.stderr}"
        return read_saved(archive, inspected, said)


def name_of(builder: str, case: str) -> str:
    """Return the name of a case's image."""
    return f"{builder}/{list(CASES).index(case)}:latest"


def built_one_by_one(docker: Docker, builder: str, contexts: Path, failed: dict[str, str]) -> None:
    """Build the Dockerfiles that a builder knows by `docker build` without BuildKit."""

    def build(name: str) -> None:
        case = CASES[name]
        image = name_of(builder, name)
        words = ["build", "-q", "--network", "none", "-t", image, "--target", case.target]
        words += [word for key, value in case.arguments.items() for word in ("--build-arg", f"{key}={value}")]
        words += [word for key, value in case.labels.items() for word in ("--label", f"{key}={value}")]
        done = docker(*words, str(contexts / Path(image).name[:-7]), check=False, DOCKER_BUILDKIT="0")
        if done.returncode:
            failed[image] = done.stderr

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, [name for name, case in CASES.items() if builder == "ours" or builder in case.peers]))


def baked(docker: Docker, contexts: Path) -> None:
    """Build the Dockerfiles that BuildKit knows, by one command."""
    known = {name: case for name, case in CASES.items() if "buildx" in case.peers}
    targets = {f"t{list(CASES).index(name)}": target(name, case, contexts) for name, case in known.items()}
    file = contexts / "bake.json"
    file.write_text(json.dumps({"group": {"default": {"targets": list(targets)}}, "target": targets}))
    docker("buildx", "bake", "--progress", "plain", "--allow", f"fs.read={contexts}", "-f", str(file))


def target(name: str, case: Case, contexts: Path) -> dict[str, object]:
    """Return a Dockerfile as `buildx bake` takes it."""
    context = str(contexts / str(list(CASES).index(name)))
    made: dict[str, object] = {"context": context, "args": case.arguments, "labels": case.labels}
    made |= {"target": case.target} if case.target else {}
    return {**made, "network": "none", "tags": [name_of("buildx", name)], "attest": ["type=provenance,disabled=true"]}


def save_base(engine: Engine, home: Path) -> None:
    """Write an archive of busybox with what images have: a history, a command, users, and the files that are mounted over."""
    engine_here, base = Engine(home / "base"), engine.images.find("busybox")
    store = engine_here.images
    with store.using():
        below = store.put_blob(engine.images.blob_path(base.layers[0]).read_bytes(), base.layers[0].media_type)
        above = store.put_blob(packed(users), LAYER)
        entries = [
            History(created=CREATED, created_by=text) for text in (f"{NOP}ADD file:busybox in / ", f"{NOP}ADD file:users in / ")
        ]
        entries.append(History(created=CREATED, created_by=f'{NOP} CMD ["sh"]', empty_layer=True))
        config = base.config.replace(
            diff_ids=(*base.config.diff_ids, above.digest), history=tuple(entries), created=CREATED, command=("sh",)
        )
        store.put_image(Reference.parse("busybox"), [below, above], config)
        with (home / "busybox.tar").open("wb") as out:
            save(store, ["busybox"], out)


@pytest.fixture(scope="module")
def built(peer: Peers, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs today's docker (PEERS=1 make setup)")
    home = tmp_path_factory.mktemp("b")
    before = os.umask(0o022)
    (home / "c").mkdir()
    for number, case in enumerate(CASES.values()):
        case.write(home / "c" / str(number))
    os.umask(before)
    save_base(engine, home)
    with (
        running_dockerd(peer, home / "d", "--exec-opt", "native.cgroupdriver=cgroupfs"),
        running_daemon(home / "ours", seeds=()) as daemon,
    ):
        theirs, ours = Docker(f"unix://{home}/d/s", home / "theirs-home"), Docker(daemon.url, home / "ours-home")
        yield compared(theirs, ours, home)


def compared(theirs: Docker, ours: Docker, home: Path) -> Built:
    """Build all by all, and look at what has come of it."""
    failed: dict[str, str] = {}

    def side(docker: Docker, name: str, *builds: Callable[[], None], builders: tuple[str, ...]) -> dict[str, Seen]:
        docker("load", "-i", str(home / "busybox.tar"))
        for build in builds:
            build()
        prints = {
            name_of(builder, case): about.prints if builder in ("ours", *about.peers[:1]) else None
            for builder in builders
            for case, about in CASES.items()
            if builder in ("ours", *about.peers)
        }
        return docker.images({image: words for image, words in prints.items() if image not in failed}, home / f"{name}.tar")

    with ThreadPoolExecutor(2) as pool:
        contexts = home / "c"
        first = pool.submit(
            side,
            theirs,
            "theirs",
            lambda: baked(theirs, contexts),
            lambda: built_one_by_one(theirs, "classic", contexts, failed),
            builders=("classic", "buildx"),
        )
        second = pool.submit(side, ours, "ours", lambda: built_one_by_one(ours, "ours", contexts, failed), builders=("ours",))
        return Built({**first.result(), **second.result()}, failed)


def listed(case: str, peer: str) -> set[str]:
    """Return what is known to differ; of `*`, what may."""
    table = tomllib.loads(LISTED.read_text())["difference"]
    return {aspect for each in table if peer in each["peers"] and case in each["cases"] for aspect in each["aspects"]}


ROWS = [(case, peer) for case, about in CASES.items() for peer in about.peers]


@pytest.mark.parametrize(("case", "peer_name"), ROWS)
def test_the_image_is_the_same(built: Built, case: str, peer_name: str) -> None:
    ours, theirs = name_of("ours", case), name_of(peer_name, case)
    for image in (ours, theirs):
        assert image not in built.failed, built.failed[image]
    found = differences(built.images[ours], built.images[theirs])
    assert set(found) - listed("*", peer_name) == listed(case, peer_name), found


def test_each_known_difference_is_of_a_case() -> None:
    for each in tomllib.loads(LISTED.read_text())["difference"]:
        assert each["reason"]
        assert set(each["cases"]) <= {"*", *CASES}
        assert set(each["peers"]) <= set(BOTH)
