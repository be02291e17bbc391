"""Images through the daemon: docker-py, the stock docker command and raw requests, with registries of their own."""

import base64
import hashlib
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trustme

from labcore.cli import main
from labcore.http import Request, Response
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from labcore.spec.media import INDEX
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.engine_api import TAR, Api, UnixConnection
from tests.peers import Peers
from tests.serving import eventually, served


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def api(daemon: RunningDaemon) -> Iterator[Api]:
    """The daemon with busybox and nothing else."""
    made = Api(str(daemon.socket))
    yield made
    daemon.clear()
    for image in made("GET", "/images/json?all=1").json:
        if image["RepoTags"] != ["busybox:latest"]:
            for name in (set(image["RepoTags"]) - {"busybox:latest"}) | set(image["RepoDigests"]):
                made("DELETE", f"/images/{name}")
            if "busybox:latest" not in image["RepoTags"]:
                made("DELETE", f"/images/{image['Id']}?force=1")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with served(Registry(tmp_path / "registry").answer) as address:
        yield address


@pytest.fixture
def pushed(api: Api, registry: str) -> str:
    """The name of busybox in the registry; here it has its own only."""
    name = f"{registry}/team/box"
    api("POST", f"/images/busybox/tag?repo={name}&tag=v1")
    api("POST", f"/images/{name}/push?tag=v1")
    api("DELETE", f"/images/{name}:v1")
    return name


def archive(*names: str, content: bytes = b"") -> bytes:
    """Return a root file system with files of those names."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(content or name.encode())
            tar.addfile(info, io.BytesIO(content or name.encode()))
    return made.getvalue()


def imported(api: Api, name: str, content: bytes | None = None, query: str = "") -> str:
    """Import an image and return its ID."""
    repository, _, tag = name.partition(":")
    answer = api(
        "POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}{query}", content or archive(name.replace("/", "-")), TAR
    )
    assert answer.status == 200, answer.body
    return str(answer.lines[-1]["status"])


def listed(api: Api, query: str = "") -> dict[str, dict[str, Any]]:
    return {image["Id"]: image for image in api("GET", f"/images/json{query}").json}


# --- list, inspect, history


def test_an_image_is_listed_with_its_names_and_inspected(api: Api, daemon: RunningDaemon) -> None:
    (image,) = api("GET", "/images/json").json
    assert (image["RepoTags"], image["RepoDigests"], image["Labels"], image["ParentId"]) == (["busybox:latest"], [], None, "")
    assert (image["Containers"], image["SharedSize"]) == (0, -1)
    about = api("GET", "/images/busybox/json").json
    assert about["Id"] == image["Id"] == api("GET", f"/images/{image['Id'][7:19]}/json").json["Id"]
    assert about["Size"] == image["Size"] > 1_000_000
    assert (about["Config"]["Cmd"], about["Config"]["Entrypoint"], about["Os"]) == (["sh"], None, "linux")
    assert len(about["RootFS"]["Layers"]) == 1
    daemon.docker("create", "busybox")
    assert Path(about["GraphDriver"]["Data"]["UpperDir"], "bin/busybox").exists()
    assert api("GET", "/images/busybox/json").json["Size"] == about["Size"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/images/nonesuch/json", 404, "No such image: nonesuch:latest"),
        ("/images/a/b/c:v1/json", 404, "No such image: a/b/c:v1"),
        ("/images/UPPER/json", 400, "invalid reference format: repository name (library/UPPER) must be lowercase"),
        ("/images/nonesuch/history", 404, "No such image: nonesuch:latest"),
        ("/images/nonesuch/get", 404, "No such image: nonesuch:latest"),
        ("/images/json?filters=%7B%22dangling%22:%5B%22maybe%22%5D%7D", 400, "invalid filter 'dangling=[maybe]'"),
        ("/images/json?filters=%7B%22before%22:%5B%22nonesuch%22%5D%7D", 404, "No such image: nonesuch:latest"),
    ],
)
def test_what_is_not_there_is_said_in_dockers_words(api: Api, path: str, status: int, said: str) -> None:
    answer = api("GET", path)
    assert (answer.status, answer.message) == (status, said)


def test_filters(api: Api, daemon: RunningDaemon) -> None:
    old = imported(api, "old:v1")
    new = imported(api, "dir/new:v2", query="&changes=LABEL%20a=b%20c=d")
    images = daemon.client.images
    assert {image.id for image in images.list(filters={"reference": "old"})} == {old}
    assert {image.id for image in images.list(filters={"reference": "dir/*:v2"})} == {new}
    assert images.list(filters={"reference": "*:v2"}) == []
    assert {image.id for image in images.list(filters={"label": ["a", "c=d"]})} == {new}
    assert images.list(filters={"label": ["a", "c=x"]}) == []
    assert new not in {image.id for image in images.list(filters={"before": "dir/new:v2"})}
    assert {image.id for image in images.list(filters={"since": "old:v1"})} == {new}
    assert images.list(filters={"dangling": True}) == []
    api("POST", "/images/busybox/tag?repo=old&tag=v1")  # which takes the name away
    assert [image.id for image in images.list(filters={"dangling": True})] == [old]
    assert {image.id for image in images.list("busybox")} == {api("GET", "/images/busybox/json").json["Id"]}
    assert set(listed(api, "?filters=%7B%22until%22:%5B%22100000h%22%5D%7D")) == {api("GET", "/images/busybox/json").json["Id"]}


def test_the_command_lists_with_a_format(api: Api, daemon: RunningDaemon) -> None:
    api("POST", "/images/busybox/tag?repo=127.0.0.1:5000/a/b&tag=v1")
    lines = daemon.docker("images", "--format", "{{.Repository}} {{.Tag}}").stdout.split("\n")
    assert {"127.0.0.1:5000/a/b v1", "busybox latest"} <= set(lines)
    assert (
        daemon.docker("images", "-q", "--no-trunc", "busybox").stdout.strip() == api("GET", "/images/busybox/json").json["Id"]
    )
    assert "<none>" in daemon.docker("images", "--digests").stdout


def test_shared_layers_are_weighed_once_asked(api: Api) -> None:
    daemon_image = api("GET", "/images/busybox/json").json
    made = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]}).json["Id"]
    committed = api("POST", f"/commit?container={made}&repo=child").json["Id"]
    shared = listed(api, "?shared-size=1")
    assert shared[committed]["SharedSize"] == shared[daemon_image["Id"]]["SharedSize"] == daemon_image["Size"]
    assert shared[daemon_image["Id"]]["Containers"] == 1


# --- pull


def test_a_pull_says_what_docker_says(api: Api, pushed: str) -> None:
    imported_id = imported(api, "fresh:v1", archive("own", content=os.urandom(1 << 20)))
    registry = pushed.partition("/")[0]
    api("POST", f"/images/fresh:v1/tag?repo={registry}/fresh&tag=v1")
    assert api("POST", f"/images/{registry}/fresh/push?tag=v1").lines[-1]["aux"]["Tag"] == "v1"
    api("DELETE", f"/images/{imported_id}?force=1")
    lines = api("POST", f"/images/create?fromImage={registry}/fresh&tag=v1").lines
    assert lines[0] == {"status": "Pulling from fresh", "id": "v1"}
    (layer,) = {line["id"] for line in lines[1:] if "progressDetail" in line}
    said = [line["status"] for line in lines if line.get("id") == layer]
    assert list(dict.fromkeys(said)) == ["Pulling fs layer", "Downloading", "Download complete", "Extracting", "Pull complete"]
    download = next(line for line in lines if line["status"] == "Downloading")
    assert 0 < download["progressDetail"]["current"] <= download["progressDetail"]["total"]
    about = api("GET", f"/images/{registry}/fresh:v1/json").json
    assert about["Id"] == imported_id
    digest = about["RepoDigests"][0].partition("@")[2]
    assert [line["status"] for line in lines[-2:]] == [
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {registry}/fresh:v1",
    ]
    again = api("POST", f"/images/create?fromImage={registry}/fresh&tag=v1").lines
    assert [line["status"] for line in again] == [
        "Pulling from fresh",
        f"Digest: {digest}",
        f"Status: Image is up to date for {registry}/fresh:v1",
    ]
    by_digest = api("POST", f"/images/create?fromImage={registry}/fresh&tag={digest}").lines
    assert by_digest[-1]["status"] == f"Status: Image is up to date for {registry}/fresh@{digest}"
    assert api("GET", f"/images/{registry}/fresh@{digest}/json").json["Id"] == imported_id


def test_a_pull_of_all_tags(api: Api, daemon: RunningDaemon, pushed: str) -> None:
    api("POST", f"/images/busybox/tag?repo={pushed}&tag=v2")
    api("POST", f"/images/{pushed}/push?tag=v2")
    api("DELETE", f"/images/{pushed}:v2")
    said = daemon.docker("pull", "-a", pushed).stdout
    assert f"{pushed}:v2" in api("GET", "/images/busybox/json").json["RepoTags"]
    assert (said.count("Pulling from team/box"), f"{pushed}:v1" in said) == (2, True)


def test_pulls_that_fail_before_the_first_line(api: Api, registry: str, pushed: str) -> None:
    for name, tag, status, said in (
        (pushed, "none", 404, f"manifest for {pushed}:none not found: manifest unknown: manifest not known here: none"),
        (f"{registry}/none", "v1", 404, f"repository {registry}/none not found: name unknown: repository not known here: none"),
        ("UPPER", "v1", 400, "invalid reference format: repository name (library/UPPER) must be lowercase"),
        (pushed, "!!", 400, "invalid tag format"),
    ):
        answer = api("POST", f"/images/create?fromImage={name}&tag={tag}")
        assert (answer.status, answer.message) == (status, said)
    assert api("POST", f"/images/create?fromImage={pushed}&tag=v1&platform=a/b/c/d").status == 400


def test_a_pull_that_fails_in_the_middle(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    """The last line says it, docker's command ends with it, and the image is not there."""
    registry = Registry(tmp_path / "broken")

    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        big = request.method == "GET" and "/blobs/" in request.path and (answer.length or 0) > 1 << 16
        return Response(200, {}, b"x" * (answer.length or 0)) if big else answer

    with served(handler) as address:
        name = f"{address}/box"
        id = imported(api, "middle:v1", archive("own", content=os.urandom(1 << 18)))
        api("POST", f"/images/middle:v1/tag?repo={name}&tag=v1")
        api("POST", f"/images/{name}/push?tag=v1")
        api("DELETE", f"/images/{id}?force=1")
        lines = api("POST", f"/images/create?fromImage={name}&tag=v1").lines
        assert lines[0]["status"] == "Pulling from box"
        assert lines[-1]["error"] == lines[-1]["errorDetail"]["message"]
        assert "was asked for" in lines[-1]["error"]
        assert "was asked for" in daemon.docker("pull", f"{name}:v1", status=1).stderr
        assert api("GET", f"/images/{name}:v1/json").status == 404
        assert id not in listed(api)


def test_a_client_that_vanishes_ends_its_pull(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    registry, reached, gone = Registry(tmp_path / "slow"), threading.Event(), threading.Event()

    def handler(request: Request) -> Response:
        if request.method == "GET" and "/blobs/" in request.path:
            reached.set()
            request.on_disconnect(gone.set)
            gone.wait(30)
        return registry.answer(request)

    name = "slow"
    with served(registry.answer) as address:
        imported(api, "slow:v1", archive("own", content=os.urandom(1 << 20)))
        api("POST", f"/images/slow:v1/tag?repo={address}/{name}&tag=v1")
        api("POST", f"/images/{address}/{name}/push?tag=v1")
        api("DELETE", f"/images/{address}/{name}:v1")
        api("DELETE", "/images/slow:v1")
    with served(handler) as address:
        connection = UnixConnection(str(daemon.socket))
        connection.request("POST", f"/v1.51/images/create?fromImage={address}/{name}&tag=v1")
        assert reached.wait(10)
        connection.close()
        assert gone.wait(10)
        assert eventually(lambda: not list((daemon.root / "images/leases").iterdir()))
        assert api("GET", f"/images/{address}/{name}:v1/json").status == 404


def test_a_client_that_vanishes_ends_its_push(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    """The registry has neither the image nor an upload that is under way."""
    registry, reached, goes_on = Registry(tmp_path / "slow"), threading.Event(), threading.Event()

    def handler(request: Request) -> Response:
        if request.method in ("PUT", "PATCH") and "/uploads/" in request.path:
            reached.set()
            goes_on.wait(30)
        return registry.answer(request)

    with served(handler) as address:
        imported(api, "slow:v1", archive("own", content=os.urandom(1 << 20)))
        api("POST", f"/images/slow:v1/tag?repo={address}/slow&tag=v1")
        connection = UnixConnection(str(daemon.socket))
        connection.request("POST", f"/v1.51/images/{address}/slow/push?tag=v1")
        assert reached.wait(10)
        connection.close()
        assert eventually(lambda: not list((daemon.root / "images/leases").iterdir()))
        goes_on.set()
        assert api("GET", f"/distribution/{address}/slow:v1/json").status == 404
        assert eventually(lambda: not list(registry.files.uploads.iterdir()))


# --- passwords


@pytest.fixture
def closed(api: Api, tmp_path: Path) -> Iterator[str]:
    """A registry that lets only anna in, whose password is hush; her image is there."""
    path = tmp_path / "htpasswd"
    path.write_text("anna:" + bcrypt.hashpw(b"hush", bcrypt.gensalt(4)).decode() + "\n")
    with served(Registry(tmp_path / "closed", Settings(Htpasswd(path))).answer) as address:
        api("POST", f"/images/busybox/tag?repo={address}/box&tag=v1")
        pushed = api("POST", f"/images/{address}/box/push?tag=v1", headers=auth("anna", "hush"))
        assert "aux" in pushed.lines[-1], pushed.body
        yield address


def auth(user: str, password: str) -> dict[str, str]:
    said = json.dumps({"username": user, "password": password})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(said.encode()).decode()}


def test_passwords_come_with_the_request(api: Api, closed: str) -> None:
    path = f"/images/create?fromImage={closed}/box&tag=v1"
    assert api("POST", path, headers=auth("anna", "hush")).lines[0]["status"] == "Pulling from box"
    assert api("POST", path).message == "no basic auth credentials"
    assert api("POST", path, headers=auth("anna", "wrong")).message == "unauthorized: authentication required"
    assert api("POST", path, headers={"X-Registry-Auth": "!"}).message == "no basic auth credentials"
    refused = api("POST", f"/images/{closed}/box/push?tag=v1", headers=auth("anna", "wrong")).lines
    assert refused[-1]["error"] == "unauthorized: authentication required"
    assert api("GET", f"/distribution/{closed}/box:v1/json").message == "no basic auth credentials"


def test_log_in(api: Api, daemon: RunningDaemon, closed: str) -> None:
    body = {"username": "anna", "password": "hush", "serveraddress": closed}
    answer = api("POST", "/auth", body)
    assert (answer.status, answer.json) == (200, {"IdentityToken": "", "Status": "Login Succeeded"})
    assert api("POST", "/auth", {**body, "password": "wrong"}).status == 401
    assert "Login Succeeded" in daemon.docker("login", "-u", "anna", "--password-stdin", closed, stdin="hush").stdout
    assert "Image is up to date" in daemon.docker("pull", f"{closed}/box:v1").stdout
    daemon.docker("logout", closed)


def test_a_registry_with_a_certificate_of_an_authority_of_ones_own(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(file))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with served(Registry(tmp_path / "registry").answer, tls=tls) as address:
        (daemon.root / "registries.toml").write_text(f'["{address}"]\nca = "{file}"\n')
        api("POST", f"/images/busybox/tag?repo={address}/box&tag=v1")
        assert "aux" in api("POST", f"/images/{address}/box/push?tag=v1").lines[-1]
        assert "up to date" in api("POST", f"/images/create?fromImage={address}/box&tag=v1").lines[-1]["status"]
    (daemon.root / "registries.toml").unlink()


# --- push, tag, remove


def test_a_push_says_what_docker_says(api: Api, registry: str) -> None:
    name = f"{registry}/team/box"
    for tag in ("v1", "v2"):
        assert api("POST", f"/images/busybox/tag?repo={name}&tag={tag}").status == 201
    lines = api("POST", f"/images/{name}/push?tag=v1").lines
    layer = api("GET", "/images/busybox/json").json["RootFS"]["Layers"][0][7:19]
    assert lines[0] == {"status": f"The push refers to repository [{name}]"}
    said = [line["status"] for line in lines if line.get("id") == layer]
    assert list(dict.fromkeys(said)) == ["Preparing", "Pushing", "Pushed"]
    about = lines[-1]["aux"]
    assert lines[-2]["status"] == f"v1: digest: {about['Digest']} size: {about['Size']}"
    assert f"{name}@{about['Digest']}" in api("GET", "/images/busybox/json").json["RepoDigests"]
    again = api("POST", f"/images/{name}/push").lines
    assert [line["aux"]["Tag"] for line in again if "aux" in line] == ["v1", "v2"]
    assert "Layer already exists" in {line.get("status") for line in again}
    api("POST", f"/images/busybox/tag?repo={registry}/other&tag=v1")
    mounted = api("POST", f"/images/{registry}/other/push?tag=v1").lines
    assert "Mounted from team/box" in {line.get("status") for line in mounted}
    for tag, message in (
        (f"{name}/push?tag=none", f"tag does not exist: {name}:none"),
        (f"{registry}/x/push?tag=v1", f"An image does not exist locally with the tag: {registry}/x"),
    ):
        assert api("POST", f"/images/{tag}").lines[-1]["error"] == message


def test_the_command_pushes_and_pulls(daemon: RunningDaemon, api: Api, registry: str) -> None:
    name = f"{registry}/box:v1"
    daemon.docker("tag", "busybox", name)
    said = daemon.docker("push", name).stdout
    digest = api("GET", f"/images/{name}/json").json["RepoDigests"][0].partition("@")[2]
    assert f"v1: digest: {digest}" in said
    removed = daemon.docker("rmi", name).stdout
    assert removed == f"Untagged: {name}\nUntagged: {registry}/box@{digest}\n"
    assert f"Digest: {digest}" in daemon.docker("pull", name).stdout
    assert daemon.docker("run", "--rm", "--network", "none", name, "echo", "hello").stdout == "hello\n"
    assert "manifest unknown" in daemon.docker("pull", f"{registry}/box:none", status=1).stderr


def test_run_pulls_what_is_not_there(daemon: RunningDaemon, api: Api, pushed: str) -> None:
    done = daemon.docker("run", "--rm", "--network", "none", f"{pushed}:v1", "echo", "hello")
    assert (done.stdout, "Unable to find image" in done.stderr) == ("hello\n", True)
    assert "repository" in daemon.docker("run", "--rm", f"{pushed}-none:v1", status=125).stderr


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("repo=UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"),
        ("repo=foo&tag=!!", "invalid tag format"),
        (f"repo={'a' * 64}", f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
        (f"repo=foo@sha256:{'0' * 64}", "cannot import digest reference"),
    ],
)
def test_names_that_are_none(api: Api, query: str, said: str) -> None:
    answer = api("POST", f"/images/busybox/tag?{query}")
    assert (answer.status, answer.message) == (400, said)


def test_an_image_that_is_needed_is_not_removed(api: Api, daemon: RunningDaemon) -> None:
    id = imported(api, "own:v1", query="&changes=CMD%20sh")
    stopped = api("POST", "/containers/create", {"Image": "own:v1", "Cmd": ["true"]}).json["Id"]
    answer = api("DELETE", "/images/own:v1")
    assert (answer.status, answer.message) == (
        409,
        f'conflict: unable to remove repository reference "own:v1" (must force) - '
        f"container {stopped[:12]} is using its referenced image {id[7:19]}",
    )
    assert api("DELETE", f"/images/{id}").message == (
        f"conflict: unable to delete {id[7:19]} (must be forced) - image is being used by stopped container {stopped[:12]}"
    )
    api("POST", "/images/own:v1/tag?repo=twin&tag=v1")
    assert api("DELETE", f"/images/{id}").message == (
        f"conflict: unable to delete {id[7:19]} (must be forced) - image is referenced in multiple repositories"
    )
    assert api("DELETE", f"/images/{id}?force=1").json == [{"Untagged": "own:v1"}, {"Untagged": "twin:v1"}, {"Deleted": id}]
    held = daemon.docker("run", "-d", "--network", "none", "busybox", "sleep", "60").stdout.strip()
    busybox = api("GET", "/images/busybox/json").json["Id"]
    assert api("DELETE", f"/images/{busybox}?force=1").message == (
        f"conflict: unable to delete {busybox[7:19]} (cannot be forced) - image is being used by running container {held[:12]}"
    )


def test_an_image_of_the_layers_of_a_running_container(daemon: RunningDaemon) -> None:
    """It is another image: the container does not keep it."""
    daemon.docker("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
    daemon.docker("create", "--name", "unchanged", "busybox")
    daemon.docker("commit", "-m", "the same", "unchanged", "same")
    daemon.docker("rm", "unchanged")
    assert "Untagged: same:latest" in daemon.docker("rmi", "same").stdout
    daemon.docker("rm", "-f", "runs")


def test_pruning(api: Api, daemon: RunningDaemon) -> None:
    old, new = imported(api, "own:v1", archive("a", content=b"x" * 5000)), imported(api, "own:v1", archive("b"))
    assert {old, new} <= set(listed(api))
    layer = api("GET", f"/images/{old}/json").json["RootFS"]["Layers"][0]
    pruned = api("POST", "/images/prune").json
    assert pruned == {"ImagesDeleted": [{"Deleted": old}, {"Deleted": layer}], "SpaceReclaimed": 5000}
    assert api("POST", "/images/prune").json == {"ImagesDeleted": None, "SpaceReclaimed": 0}
    kept = "%7B%22dangling%22:%5B%22false%22%5D,%22label%22:%5B%22none%22%5D%7D"
    assert api("POST", f"/images/prune?filters={kept}").json["ImagesDeleted"] is None
    daemon.docker("create", "--name", "holds", "busybox")
    said = daemon.docker("image", "prune", "-af").stdout
    assert (f"untagged: own:v1\ndeleted: {new}" in said, "busybox" in said) == (True, False)


# --- save, load, import, commit


def test_save_and_load(api: Api, daemon: RunningDaemon, peer: Peers, tmp_path: Path) -> None:
    id = imported(api, "own:v1", query="&changes=CMD%20sh")
    api("POST", "/images/own:v1/tag?repo=own&tag=v2")
    saved = api("GET", "/images/own/get").body
    api("DELETE", f"/images/{id}?force=1")
    lines = api("POST", "/images/load?quiet=1", saved, TAR).lines
    assert [line["stream"] for line in lines] == ["Loaded image: own:v1\n", "Loaded image: own:v2\n"]
    assert api("GET", "/images/own:v2/json").json["Id"] == id
    api("DELETE", f"/images/{id}?force=1")
    loud = api("POST", "/images/load", saved, TAR).lines
    assert (loud[0]["status"], loud[0]["progressDetail"]["total"] > 0) == ("Loading layer", True)
    both = tmp_path / "both.tar"
    daemon.docker("save", "-o", str(both), "own:v1", "busybox")
    subprocess.run(peer("skopeo", "copy", f"docker-archive:{both}:own:v1", f"docker-archive:{tmp_path}/other.tar:other:v1"),
                   check=True, capture_output=True)  # fmt: skip
    assert daemon.docker("load", "-i", str(tmp_path / "other.tar")).stdout == "Loaded image: other:v1\n"
    assert api("GET", "/images/other:v1/json").json["RootFS"] == api("GET", "/images/own:v1/json").json["RootFS"]
    bad = api("POST", "/images/load", b"garbage" * 200, TAR)
    assert (bad.status, "no tar archive" in bad.lines[-1]["error"]) == (200, True)
    assert api("POST", "/images/load?platform=%7B%7D", saved, TAR).message == "both OS and Architecture must be provided"


ARM64 = "%7B%22os%22:%22linux%22,%22architecture%22:%22arm64%22%7D"
AMD64 = ARM64.replace("arm64", "amd64")


@pytest.mark.parametrize(
    ("method", "path", "since"),
    [
        ("GET", "/images/busybox/json?platform=", "1.49"),
        ("GET", "/images/busybox/history?platform=", "1.48"),
        ("GET", "/images/busybox/get?platform=", "1.48"),
        ("POST", "/images/busybox/push?platform=", "1.46"),
        ("DELETE", "/images/busybox?platforms=", "1.50"),
    ],
)
def test_an_image_of_another_platform_is_not_there(api: Api, daemon: RunningDaemon, method: str, path: str, since: str) -> None:
    speaking = Api(str(daemon.socket), since)
    other, incomplete, malformed = (speaking(method, path + text) for text in (ARM64, "%7B%7D", "arm64"))
    said = "its platform (linux/amd64) does not match the specified platform (linux/arm64)"
    assert (other.status, said in other.message) == (404, True)
    assert (incomplete.status, incomplete.message) == (400, "both OS and Architecture must be provided")
    assert (malformed.status, malformed.message.startswith("failed to parse platform: ")) == (400, True)
    if method == "GET":  # to older versions it means nothing
        older = f"1.{int(since.partition('.')[2]) - 1}"
        assert Api(str(daemon.socket), older)("GET", path + ARM64).status == 200


def indexed(api: Api, *names: str) -> bytes:
    """Return an archive of an index, named `both:v1`, of those images."""
    blobs, manifests = {}, []
    for name in names:
        with tarfile.open(fileobj=io.BytesIO(api("GET", f"/images/{name}/get").body)) as saved:
            blobs |= {member.name: saved.extractfile(member).read() for member in saved if member.isfile()}  # type: ignore[union-attr]
        about = api("GET", f"/images/{name}/json").json
        platform = {"os": about["Os"], "architecture": about["Architecture"]}
        manifests.append(json.loads(blobs["index.json"])["manifests"][0] | {"platform": platform})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    digest = hashlib.sha256(index).hexdigest()
    named = {"mediaType": INDEX, "digest": f"sha256:{digest}", "size": len(index)}
    named |= {"annotations": {"org.opencontainers.image.ref.name": "both:v1"}}
    blobs |= {f"blobs/sha256/{digest}": index, "index.json": json.dumps({"schemaVersion": 2, "manifests": [named]}).encode()}
    del blobs["manifest.json"], blobs["repositories"]
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in blobs.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def test_one_platform_of_several(api: Api) -> None:
    ids = {name: imported(api, f"{name}:v1", archive(name), f"&platform={name}") for name in ("amd64", "arm64")}
    both = indexed(api, "amd64:v1", "arm64:v1")
    for id in ids.values():
        api("DELETE", f"/images/{id}?force=1")
    loaded = api("POST", "/images/load?quiet=1", both, TAR).lines
    assert loaded == [{"stream": "Loaded image: both:v1\n"}]
    found = {name: api("GET", f"/images/both:v1/json?platform={text}").json["Id"] for name, text in
             (("amd64", AMD64), ("arm64", ARM64))}  # fmt: skip
    assert found == ids
    assert api("GET", f"/images/both:v1/history?platform={ARM64}").json[0]["Id"] == ids["arm64"]
    only = api("GET", f"/images/both:v1/get?platform={ARM64}").body
    api("DELETE", "/images/both:v1")
    assert api("POST", f"/images/load?platform={ARM64}", both, TAR).status == 200
    assert api("GET", "/images/both:v1/json").json["Id"] == ids["arm64"]
    (refused,) = api("POST", f"/images/load?platform={AMD64}", only, TAR).lines
    assert refused["error"] == "requested platform (linux/amd64) not found: the archive has images for linux/arm64"


def test_the_command_names_one_platform_of_several(
    api: Api, daemon: RunningDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = {name: imported(api, f"{name}:v1", archive(name), f"&platform={name}") for name in ("amd64", "arm64")}
    (tmp_path / "both.tar").write_bytes(indexed(api, "amd64:v1", "arm64:v1"))

    def said(*words: str) -> str:
        assert main(["-H", daemon.url, *words]) == 0
        return capsys.readouterr().out

    assert said("load", "-i", str(tmp_path / "both.tar")) == "Loaded image: both:v1\n"
    for name, id in ids.items():
        assert (
            said("image", "inspect", "--platform", f"linux/{name}", "-f", "{{.Id}} {{.Architecture}}", "both:v1")
            == f"{id} {name}\n"
        )
        assert said("history", "--platform", f"linux/{name}", "-q", "--no-trunc", "both:v1").split()[0] == id
    assert main(["-H", daemon.url, "rmi", "--platform", "linux/s390x", "both:v1"]) == 1
    assert "linux/s390x" in capsys.readouterr().err
    assert "Untagged: both:v1" in said("rmi", "--platform", "linux/arm64", "both:v1")
    assert said("load", "--platform", "linux/arm64", "-i", str(tmp_path / "both.tar")) == "Loaded image: both:v1\n"
    assert said("image", "inspect", "-f", "{{.Architecture}}", "both:v1") == "arm64\n"


def test_a_platform_of_one_word(api: Api, daemon: RunningDaemon, pushed: str) -> None:
    assert (
        daemon.docker("run", "--rm", "--network", "none", "--platform", "linux", pushed + ":v1", "echo", "runs").stdout
        == "runs\n"
    )
    refused = daemon.docker("create", "--platform", "arm64", "--pull", "never", "busybox", status=1)
    assert "its platform (linux/amd64) does not match the specified platform (linux/arm64)" in refused.stderr
    unknown = daemon.docker("pull", "--platform", "nonesuch", pushed + ":v1", status=1)
    assert '"nonesuch": unknown operating system or architecture: invalid argument' in unknown.stderr


def test_import(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "root.tar").write_bytes(archive("file"))
    words = ("--change", 'CMD ["sh"]', "--change", "ENV A=b", "-m", "made here", str(tmp_path / "root.tar"), "own:v1")
    id = daemon.docker("import", *words).stdout.strip()
    about = api("GET", "/images/own:v1/json").json
    assert (about["Id"], about["Config"]["Cmd"], about["Config"]["Env"], about["Comment"]) == (id, ["sh"], ["A=b"], "made here")
    assert about["Metadata"]["LastTagTime"] > about["Created"][:19]
    (step,) = api("GET", "/images/own:v1/history").json
    assert (step["Id"], step["Tags"], step["Comment"], step["Size"]) == (id, ["own:v1"], "made here", 4)
    refused = api("POST", "/images/create?fromSrc=-&changes=RUN+ls", archive("file"), TAR)
    assert (refused.status, refused.message.startswith("RUN is not a valid change command")) == (400, True)
    with served(lambda _: Response(200, {}, archive("from-the-web"))) as address:
        answer = api("POST", f"/images/create?fromSrc=http://{address}/root.tar&repo=web")
    assert api("GET", "/images/web/json").json["Id"] == answer.lines[-1]["status"]


def test_commit(api: Api, daemon: RunningDaemon) -> None:
    words = ("--name", "changed", "--network", "none", "-e", "A=b", "-l", "x=y", "busybox", "sh", "-c", "echo new > /new")
    daemon.docker("run", *words)
    below = api("GET", "/images/busybox/json").json
    id = daemon.docker("commit", "-a", "me", "-m", "why", "-c", "ENV X=y", "changed", "made:v1").stdout.strip()
    about = api("GET", "/images/made:v1/json").json
    assert (about["Id"], about["Parent"], about["Author"], about["Comment"]) == (id, below["Id"], "me", "why")
    assert {"A=b", "X=y"} <= set(about["Config"]["Env"])
    assert (about["Config"]["Labels"], len(about["RootFS"]["Layers"])) == ({"x": "y"}, 2)
    assert daemon.docker("run", "--rm", "--network", "none", "made:v1", "cat", "/new").stdout == "new\n"
    first, second, third = api("GET", "/images/made:v1/history").json
    assert (first["Id"], first["Tags"], first["CreatedBy"]) == (id, ["made:v1"], "sh -c echo new > /new")
    assert (second["Id"], second["Tags"], second["CreatedBy"]) == (below["Id"], ["busybox:latest"], 'CMD ["sh"]')
    assert (third["CreatedBy"], third["Size"] > 1_000_000) == ("labcore seed busybox: this machine's busybox", True)
    body = {"Cmd": ["own"], "Env": ["A=c"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"q": "r"}}
    other = api("POST", "/commit?container=changed&changes=WORKDIR+/tmp%0AUSER+me", body).json["Id"]
    config = api("GET", f"/images/{other}/json").json["Config"]
    assert (config["Cmd"], config["WorkingDir"], config["User"]) == (["own"], "/tmp", "me")
    assert ("A=c" in config["Env"], config["ExposedPorts"], config["Labels"]) == (True, {"80/tcp": {}}, {"q": "r", "x": "y"})
    refused = api("DELETE", f"/images/{below['Id']}?force=1")
    assert (
        refused.message
        == f"conflict: unable to delete {below['Id'][7:19]} (cannot be forced) - image has dependent child images"
    )
    api("DELETE", f"/images/{other}")
    assert api("POST", "/commit?container=nonesuch", {}).status == 404


def test_a_commit_has_the_container_stand_still(api: Api, daemon: RunningDaemon) -> None:
    held = daemon.docker("run", "-d", "--network", "none", "busybox", "sleep", "60").stdout.strip()
    begun = time.time()
    daemon.docker("commit", held, "still")
    daemon.docker("commit", "--pause=false", held, "moving")
    happened = api("GET", f"/events?since={begun:.9f}&until={time.time():.9f}").lines
    assert [each["Action"] for each in happened if each["Type"] == "container"] == ["pause", "commit", "unpause", "commit"]
    assert [each["Action"] for each in happened if each["Type"] == "image"] == ["create", "tag", "create", "tag"]
    assert daemon.docker("inspect", "-f", "{{.State.Status}}", held).stdout == "running\n"


def test_a_container_may_end_while_it_is_committed(daemon: RunningDaemon) -> None:
    for _ in range(12):
        held = daemon.docker("run", "-d", "--network", "none", "busybox", "touch", "/made").stdout.strip()
        id = daemon.docker("commit", held).stdout.strip()
        daemon.docker("rm", "-f", held)
        daemon.docker("rmi", id)


# --- search, distribution, and what is not there


def test_search(api: Api, daemon: RunningDaemon, pushed: str) -> None:
    registry = pushed.partition("/")[0]
    found = api("GET", f"/images/search?term={registry}/bo").json
    assert found == [{"star_count": 0, "is_official": False, "name": "team/box", "is_automated": False, "description": ""}]
    assert "team/box" in daemon.docker("search", f"{registry}/box").stdout
    assert api("GET", f"/images/search?term={registry}/bo&limit=1000").status == 400
    assert api("GET", f"/images/search?term={registry}/bo&filters=%7B%22stars%22:%5B%223%22%5D%7D").json == []


def test_distribution(api: Api, pushed: str) -> None:
    about = api("GET", f"/distribution/{pushed}:v1/json").json
    assert (about["Descriptor"]["mediaType"], about["Platforms"]) == ("application/vnd.oci.image.manifest.v1+json", None)
    assert api("GET", f"/distribution/{pushed}:none/json").status == 404


# --- how the daemon was started


def test_a_mirror_and_an_insecure_registry(tmp_path: Path) -> None:
    """Docker's own images come from the mirror; a registry that is named so is spoken to without TLS."""
    with served(Registry(tmp_path / "mirror").answer) as address:
        options = ("--registry-mirror", f"http://{address}", "--insecure-registry", "10.0.0.0/8")
        with running_daemon(tmp_path / "root", *options) as daemon:
            api = Api(str(daemon.socket))
            api("POST", f"/images/busybox/tag?repo={address}/library/mirrored&tag=v1")
            assert "aux" in api("POST", f"/images/{address}/library/mirrored/push?tag=v1").lines[-1]
            lines = api("POST", "/images/create?fromImage=mirrored&tag=v1").lines
            assert lines[-1]["status"] == "Status: Downloaded newer image for mirrored:v1"
            api("DELETE", "/images/mirrored:v1")
            assert "mirrored" in api("POST", "/images/create?fromImage=mirrored").lines[-1]["status"]  # all tags
            assert api("GET", "/distribution/mirrored:v1/json").json["Descriptor"]["digest"].startswith("sha256:")


def test_options_that_are_none(tmp_path: Path) -> None:
    for option, value in (("--registry-mirror", "ftp://a"), ("--insecure-registry", "10.0.0.0/99")):
        command = [sys.executable, "-m", "labcore", "--root", str(tmp_path), "daemon", option, value]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert (done.returncode, value in done.stderr) == (125, True), done.stderr
