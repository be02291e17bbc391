"""Images through the API, beside dockerd: statuses, the shape of each reply, docker's words, and events in their order."""

import io
import json
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import pytest

from labcore.engine import Engine
from labcore.images.archive.writing import save
from labcore.registry.server import Registry
from tests.conformance.conftest import running_dockerd
from tests.conformance.shapes import differences, without_ids
from tests.conftest import needs_root
from tests.daemon import running_daemon
from tests.engine_api import TAR, Answer, Api, UnixConnection
from tests.peers import Peers
from tests.serving import eventually, served

SETTLED_SECONDS = 0.05  # until dockerd's events have come
# Where layers lie is each driver's own; and dockerd pushes manifests of Docker's kind, whose config it looks into.
BUT = (".GraphDriver", ".Platforms")


def root_archive(*files: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in files:
            info = tarfile.TarInfo(name)
            info.size = 5000
            tar.addfile(info, io.BytesIO(b"x" * 5000))
    return made.getvalue()


class Step(NamedTuple):
    """A call, made of both; `{R}` is the registry. `exact`: the words are the same, too; `lines`: those of progress."""

    method: str
    path: str
    body: Any = None
    exact: bool = False
    lines: bool = False


R = "{R}"
STEPS = (
    Step("GET", "/images/json"),
    Step("GET", "/images/json?shared-size=1&digests=1&all=1"),
    Step("GET", "/images/busybox/json"),
    Step("GET", "/images/busybox/history"),
    Step("GET", "/images/nonesuch/json", exact=True),
    Step("GET", "/images/a/b:c/json", exact=True),
    Step("GET", "/images/UPPER/json", exact=True),
    Step("POST", f"/images/busybox/tag?repo={R}/team/box&tag=v1"),
    Step("POST", f"/images/busybox/tag?repo={R}/team/box&tag=v2"),
    Step("POST", "/images/busybox/tag?repo=UPPER&tag=v2", exact=True),
    Step("POST", "/images/busybox/tag?repo=foo&tag=!!", exact=True),
    Step("POST", f"/images/busybox/tag?repo={'a' * 64}", exact=True),
    Step("POST", f"/images/busybox/tag?repo=foo@sha256:{'0' * 64}", exact=True),
    Step("POST", "/images/nonesuch/tag?repo=foo", exact=True),
    Step("POST", f"/images/{R}/team/box/push?tag=v1", lines=True),
    Step("POST", f"/images/{R}/team/box/push", lines=True),
    Step("POST", f"/images/{R}/team/box/push?tag=none", exact=True),
    Step("POST", f"/images/{R}/none/push?tag=none", exact=True),
    Step("GET", "/images/busybox/json"),
    Step("DELETE", "/images/busybox", exact=True),
    Step("DELETE", f"/images/{R}/team/box:v1", exact=True),
    Step("DELETE", f"/images/{R}/team/box:v2"),
    Step("POST", f"/images/create?fromImage={R}/team/box&tag=v1", lines=True),
    Step("POST", f"/images/create?fromImage={R}/team/box&tag=v1", exact=True),
    Step("POST", f"/images/create?fromImage={R}/team/box&tag=v1&platform=linux/arm64", exact=True),
    Step("POST", f"/images/create?fromImage={R}/team/box&tag=none", exact=True),
    Step("POST", f"/images/create?fromImage={R}/none&tag=none", exact=True),
    Step("POST", "/images/create?fromImage=UPPER&tag=v1", exact=True),
    Step("POST", "/images/create?fromImage=nonesuch&tag=!!", exact=True),
    Step("GET", f"/images/{R}/team/box:v1/json"),
    Step("GET", f"/distribution/{R}/team/box:v1/json"),
    Step("GET", "/distribution/UPPER/json", exact=True),
    Step("GET", f"/images/search?term={R}/box"),
    Step("POST", "/auth", {"username": "a", "password": "b", "serveraddress": R}, exact=True),
    Step("POST", f"/images/{R}/team/box:v1/tag?repo=busybox"),
    Step("POST", "/containers/create?name=c1", {"Image": "busybox", "Cmd": ["sh", "-c", "true"], "Labels": {"x": "y"}}),
    Step("POST", "/commit?container=c1&repo=made&tag=one&comment=why&author=me", {}),
    Step("GET", "/images/made:one/json"),
    Step("GET", "/images/made:one/history"),
    Step("POST", "/commit?container=c1&repo=made&tag=one&changes=CMD+foo%0AENV+X=y", {"Env": ["Z=1"], "Labels": {"q": "r"}}),
    Step("GET", "/images/made:one/json"),
    Step("GET", "/images/json?filters=%7B%22dangling%22:%5B%22true%22%5D%7D"),
    Step("POST", "/commit?container=c1&repo=UPPER", {}, exact=True),
    Step("DELETE", "/images/made:one"),
    Step("POST", "/images/prune"),
    Step("DELETE", f"/images/{R}/team/box:v1", exact=True),
    Step("DELETE", "/images/busybox", exact=True),
    Step("DELETE", "/containers/c1"),
    Step("POST", "/images/create?fromSrc=-&repo=own&tag=v1&message=text&changes=CMD+sh", root_archive("a")),
    Step("GET", "/images/own:v1/json"),
    Step("GET", "/images/own:v1/history"),
    Step("GET", "/images/own:v1/get"),
    Step("GET", "/images/get?names=own:v1&names=busybox"),
    Step("DELETE", "/images/own:v1"),
    Step("POST", "/images/prune?filters=%7B%22dangling%22:%5B%22false%22%5D%7D"),
    Step("GET", "/images/json?filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D", exact=True),
    Step("GET", "/images/json?filters=%7B%22before%22:%5B%22nonesuch%22%5D%7D", exact=True),
    Step("POST", "/images/load?platform=%7B%7D", b"", exact=True),
    Step("POST", "/build/prune", exact=True),
)


class Side:
    """A daemon, and what it has said of events since the last look."""

    def __init__(self, api: Api, registry: str) -> None:
        self.api = api
        self.registry = registry
        self._events: list[dict[str, Any]] = []
        self._connection = UnixConnection(api.path)
        self._connection.timeout = None
        self._connection.request("GET", "/v1.51/events")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError, ValueError, AttributeError):
            for line in self._connection.getresponse():  # dockerd answers with the first event
                self._events.append(json.loads(line))

    def __call__(self, step: Step) -> Answer:
        path = step.path.replace(R, self.registry)
        body = json.loads(json.dumps(step.body).replace(R, self.registry)) if isinstance(step.body, dict) else step.body
        return self.api(step.method, path, body, TAR if isinstance(step.body, bytes) else {})

    def events(self, number: int) -> list[Any]:
        """Return so many events, of images alone: which, of what, with which attributes."""
        eventually(lambda: len(self._of_images()) >= number)
        found = self._of_images()
        self._events.clear()
        return [json.loads(self.shown(json.dumps(each, sort_keys=True))) for each in found]

    def _of_images(self) -> list[Any]:
        return [(each["Action"], each["Actor"]) for each in self._events if each["Type"] == "image"]

    def shown(self, text: str) -> str:
        """Return a text without what differs from run to run."""
        return without_ids(text.replace(self.registry, "REGISTRY"))

    def close(self) -> None:
        self._connection.sock.shutdown(socket.SHUT_RDWR)  # it is being read


@pytest.fixture(scope="module")
def sides(peer: Peers, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """dockerd and ours, each with a registry of its own and busybox."""
    needs_root()
    home = tmp_path_factory.mktemp("images")
    archive = io.BytesIO()
    save(engine.images, ["busybox"], archive)
    with ExitStack() as undo:
        undo.enter_context(running_dockerd(peer, home / "docker"))
        ours = undo.enter_context(running_daemon(home / "root", seeds=()))
        made = []
        for name, path in (("theirs", f"{home}/docker/s"), ("mine", str(ours.socket))):
            registry = undo.enter_context(served(Registry(home / name).answer))
            api = Api(path)
            assert api("POST", "/images/load?quiet=1", archive.getvalue(), TAR).status == 200
            side = Side(api, registry)
            undo.callback(side.close)
            made.append(side)
        yield made[0], made[1]


def test_each_reply_is_dockers(sides: tuple[Side, Side], subtests: pytest.Subtests) -> None:
    """One after the other, for each leaves what the next finds."""
    theirs, ours = sides
    for number, step in enumerate(STEPS):
        there, here = theirs(step), ours(step)
        with subtests.test(f"{number} {step.method} {step.path}"):
            assert here.status == there.status, (there.body[:500], here.body[:500])
            if step.exact:
                assert ours.shown(here.body.decode()) == theirs.shown(there.body.decode())
            elif step.lines:
                assert said(ours, here) == said(theirs, there)
            elif here.body.startswith((b"[", b"{")):
                assert differences(there.json, here.json, but=BUT) == []
            time.sleep(SETTLED_SECONDS)
            happened = theirs.events(0)
            assert ours.events(len(happened)) == happened


def said(side: Side, answer: Answer) -> list[str]:
    """Return the statuses of each part in their order, without how often progress is told, and the shape of the rest."""
    found = []
    for line in answer.lines:
        if line.get("status") == "Verifying Checksum":  # which dockerd says only if there is time
            continue
        status = line.get("status", "").split(" size: ")[0] or sorted(line)
        known = sorted(key for key in line if key != "progress")
        found.append(side.shown(f"{'part' if 'id' in line else ''} {status} {known}"))
    return list(dict.fromkeys(found))
