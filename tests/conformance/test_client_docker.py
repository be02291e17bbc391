"""labcore's client: one script of calls, on labcore's daemon and on dockerd, which have to answer alike."""

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

import labcore
from labcore import errors
from labcore.client import Client
from labcore.spec import EndpointOptions, Healthcheck, Mount, Resources, RestartPolicy
from labcore.spec.network import AddressPool, NetworkOptions
from tests.conformance.conftest import running_dockerd
from tests.daemon import running_daemon
from tests.peers import Peers


@pytest.fixture(scope="module", params=["labcore", "docker"])
def client(
    request: pytest.FixtureRequest, peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "labcore":
        with running_daemon(home / "root") as daemon, labcore.connect(daemon.url) as client:
            imported(client, archive)
            yield client
        return
    peer.needs("dockerd", "docker")
    with (
        running_dockerd(peer, home, "--exec-opt", "native.cgroupdriver=cgroupfs"),
        labcore.connect(f"unix://{home}/s") as client,
    ):
        imported(client, archive)
        yield client


def imported(client: Client, archive: Path) -> None:
    with archive.open("rb") as file:
        pieces = iter(lambda: file.read(1 << 16), b"")
        *_, last = client.images.import_archive(pieces, repository="bb", tag="1", changes=["ENV FROM=import"])
    assert last.status.startswith("sha256:")


@pytest.fixture
def made(client: Client) -> Iterator[list[str]]:
    """Give a list; containers that are named in it are removed in the end."""
    names: list[str] = []
    yield names
    for name in names:
        with suppress(errors.NotFound):
            client.containers.remove(name, force=True, volumes=True)


def box(client: Client, made: list[str], *command: str, **fields: object) -> str:
    """Create a container without a network; return its ID."""
    made.append(client.containers.create(image="bb:1", command=command, network_mode="none", **fields))
    return made[-1]


def test_the_version_is_negotiated(client: Client) -> None:
    assert client.system.ping() == "1.51"
    assert client.system.version().api_version == "1.51"
    assert client.system.info().processors > 0


def test_an_older_version_is_spoken(client: Client, made: list[str]) -> None:
    with labcore.connect(client.host, version="1.41") as older:
        name = box(older, made, "sh", "-c", "echo out; echo err >&2")
        older.containers.start(name)
        older.containers.wait(name)
        assert {(each.stream, each.content) for each in older.containers.logs(name)} == {
            ("stdout", b"out\n"),
            ("stderr", b"err\n"),
        }


def test_a_life(client: Client, made: list[str]) -> None:
    containers = client.containers
    name = box(client, made, "sleep", "1000", name="life", labels={"a": "b"})
    assert containers.inspect("life").state.status == "created"
    assert containers.start(name) is True
    assert containers.start(name) is False
    assert containers.inspect(name).state.pid > 0
    assert [each.name for each in containers.list(filters={"label": "a=b"})] == ["life"]
    containers.pause(name)
    assert containers.inspect(name).state.is_paused
    containers.unpause(name)
    containers.rename(name, "lived")
    assert "sleep 1000" in [row[-1] for row in containers.top("lived").processes]
    containers.update(name, restart=RestartPolicy("on-failure", 3), resources=Resources(cpu_shares=512))
    assert containers.inspect(name).host_config["CpuShares"] == 512
    assert containers.stats_once(name, one_shot=True).processes["current"] == 1
    assert next(iter(containers.stats(name))).memory["usage"] > 0
    with containers.waiting(name) as waiting:
        containers.kill(name, "KILL")
        assert waiting.result().exit_code == 137
    assert containers.stop(name) is False
    containers.restart(name, timeout=0)
    assert containers.stop(name, timeout=0) is True
    containers.remove(name)
    with pytest.raises(errors.NotFound, match="No such container: life"):
        containers.inspect("life")


def test_errors_are_labcores_own(client: Client, made: list[str]) -> None:
    with pytest.raises(errors.ImageNotFound, match=r"no-such:1 \(POST /containers/create: 404\)") as missing:
        client.containers.create(image="no-such:1")
    assert missing.value.missing.startswith("no-such:1")
    name = box(client, made, "true", name="taken")
    with pytest.raises(errors.InUse, match=r"taken.*\(POST /containers/create: 409\)"):
        box(client, made, "true", name="taken")
    with pytest.raises(errors.NotRunning):
        client.containers.kill(name)
    with pytest.raises(errors.InvalidInput, match="nonsense"):
        client.containers.list(filters={"nonsense": "1"})
    with pytest.raises(errors.LabcoreError, match=r"(?s)no-such-program.*\(POST /containers/"):
        client.containers.start(box(client, made, "no-such-program"))
    with pytest.raises(errors.Forbidden):
        client.networks.remove("none")


def test_attached_before_the_start_nothing_is_missed(client: Client, made: list[str]) -> None:
    name = box(
        client, made, "sh", "-c", "cat; echo err >&2; exit 3",
        open_stdin=True, stdin_once=True, attached=("stdin", "stdout", "stderr"),
    )  # fmt: skip
    sent = b"line\n" * 100_000
    with client.containers.attach(name, stdin=True) as streams, client.containers.waiting(name, condition="next-exit") as ended:
        client.containers.start(name)
        assert streams.communicate(sent) == (sent, b"err\n")
        assert ended.result().exit_code == 3


def test_a_terminal_is_raw(client: Client, made: list[str]) -> None:
    name = box(client, made, "sh", "-c", "read x; stty size; echo got $x", tty=True, open_stdin=True)
    with client.containers.attach(name, stdin=True) as streams:
        assert not streams.is_multiplexed
        client.containers.start(name)
        client.containers.resize(name, 31, 97)
        streams.write(b"word\n")
        said = b"".join(each.content for each in streams)
    assert b"31 97" in said
    assert b"got word\r\n" in said
    assert b"".join(each.content for each in client.containers.logs(name)) == said


def test_logs(client: Client, made: list[str]) -> None:
    name = box(client, made, "sh", "-c", "echo one; echo two >&2; sleep 0.3; echo three")
    client.containers.start(name)
    assert [(each.stream, each.content) for each in client.containers.logs(name, follow=True)][-1] == ("stdout", b"three\n")
    (last,) = client.containers.logs(name, tail=1, timestamps=True)
    assert last.content == b"three\n"
    assert last.time.startswith("20")
    assert [each.content for each in client.containers.logs(name, stdout=False)] == [b"two\n"]


def test_exec(client: Client, made: list[str]) -> None:
    name = box(client, made, "sleep", "1000")
    client.containers.start(name)
    id = client.exec.create(name, ["sh", "-c", "cat; echo $A >&2; exit 5"], stdin=True, env={"A": "b"}, workdir="/tmp")
    assert client.exec.start(id).communicate(b"in") == (b"in", b"b\n")
    assert client.exec.inspect(id).exit_code == 5
    detached = client.exec.create(name, ["touch", "/touched"])
    client.exec.start_detached(detached)
    with client.containers.exec(name, ["tty"], tty=True) as streams:
        assert b"/dev/pts/" in b"".join(each.content for each in streams)
    deadline = time.monotonic() + 60
    while "/touched" not in (found := [each.path for each in client.containers.changes(name)]):
        assert time.monotonic() < deadline, found
    with pytest.raises(errors.NotFound):
        client.containers.exec("nobody", ["true"])


def test_files(client: Client, made: list[str]) -> None:
    name = box(client, made, "true")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("given/file")
        entry.size = 7
        archive.addfile(entry, io.BytesIO(b"content"))
    client.containers.put_archive(name, "/tmp", packed.getvalue())
    stat = client.containers.stat_path(name, "/tmp/given")
    assert stat.name == "given"
    assert stat.is_directory
    found = client.containers.get_archive(name, "/tmp/given/file")
    assert found.stat.size == 7
    with tarfile.open(fileobj=io.BytesIO(found.content.content())) as archive:
        member = archive.extractfile("file")
        assert member is not None
        assert member.read() == b"content"
    with pytest.raises(errors.NotFound):
        client.containers.get_archive(name, "/no/such")
    with tarfile.open(fileobj=io.BytesIO(client.containers.export(name).content())) as archive:
        assert "tmp/given/file" in archive.getnames()


def test_an_upload_that_is_refused_is_answered(client: Client, made: list[str]) -> None:
    name = box(client, made, "true")
    endless = (b"\0" * 65536 for _ in range(1 << 20))
    with pytest.raises(errors.NotFound):
        client.containers.put_archive(name, "/no/such/directory", endless)


def test_images(client: Client, made: list[str]) -> None:
    images = client.images
    images.tag("bb:1", repository="registry.example/x/bb", tag="2")
    image = images.inspect("registry.example/x/bb:2")
    assert {"bb:1", "registry.example/x/bb:2"} <= set(image.tags)
    assert "FROM=import" in image.config["Env"]
    assert image.id in [each.id for each in images.list(filters={"reference": "bb"})]
    assert len(images.history("bb:1")) == 1
    saved = images.save("registry.example/x/bb:2")
    content = saved.content()
    assert images.remove("registry.example/x/bb:2")[0].untagged.endswith("registry.example/x/bb:2")
    assert any("registry.example/x/bb:2" in each.stream for each in images.load(iter([content])))
    images.remove("registry.example/x/bb:2")
    name = box(client, made, "touch", "/new")
    client.containers.start(name)
    client.containers.wait(name)
    committed = client.containers.commit(name, repository="committed", comment="by a test", changes=("USER 7",))
    assert images.inspect("committed").id == committed
    assert images.inspect("committed").config["User"] == "7"
    images.remove("committed")


def test_a_pull_that_fails_says_so(client: Client) -> None:
    with pytest.raises(errors.LabcoreError, match=r"POST /images/create"):
        list(client.images.pull("localhost:1/nobody/there"))


def test_volumes(client: Client, made: list[str]) -> None:
    volume = client.volumes.create("kept", labels={"a": "b"})
    assert volume.labels == {"a": "b"}
    name = box(client, made, "true", mounts=[Mount("volume", "/data", "kept", make=True)])
    assert client.containers.inspect(name).mounts[0].name == "kept"
    assert [each.name for each in client.volumes.list(filters={"label": "a=b"})] == ["kept"]
    with pytest.raises(errors.InUse):
        client.volumes.remove("kept")
    client.containers.remove(name)
    client.volumes.remove("kept")
    with pytest.raises(errors.NotFound):
        client.volumes.inspect("kept")
    client.volumes.remove("kept", force=True)


def test_prune(client: Client, made: list[str]) -> None:
    name = box(client, made, "true", labels={"prune": "me"})
    assert client.containers.prune(filters={"label": "prune=me"}).containers == (name,)


def test_networks_are_shown(client: Client) -> None:
    assert {"none", "host"} <= {each.name for each in client.networks.list()}
    assert client.networks.inspect("host").driver == "host"


def test_events(client: Client, made: list[str]) -> None:
    events = client.system.events(filters={"type": "container", "label": "watched=1"})
    name = box(client, made, "true", labels={"watched": "1"})
    Thread(target=client.containers.start, args=[name]).start()
    found = []
    for event in events:
        found.append(event.action)
        if event.action == "die":
            assert event.actor.id == name
            break
    assert found == ["create", "start", "die"]


def test_disk_usage(client: Client) -> None:
    assert [each.tags for each in client.system.disk_usage(["image"]).images if "bb:1" in each.tags]


def test_options_arrive(client: Client, made: list[str]) -> None:
    name = box(
        client, made, "true",
        environment={"A": "b"}, hostname="h", workdir="/tmp", user="1", read_only=True, init=True, stop_timeout=3,
        healthcheck=Healthcheck(("CMD", "true"), interval=10**9), resources=Resources(memory=64 << 20, swap=-1),
        cap_drop=("MKNOD",), sysctls={"net.ipv4.ip_forward": "1"}, dns=("1.1.1.1",), annotations={"x": "y"},
        mounts=[Mount("tmpfs", "/t", options=("size=1m",), make=True), Mount("bind", "/b", "/tmp", read_only=True)],
    )  # fmt: skip
    found = client.containers.inspect(name)
    assert "A=b" in found.config.environment
    assert (found.config.hostname, found.config.workdir, found.config.user) == ("h", "/tmp", "1")
    expected = {"Memory": 64 << 20, "MemorySwap": -1, "Init": True, "Dns": ["1.1.1.1"], "Annotations": {"x": "y"}}
    assert {key: found.host_config[key] for key in expected} == expected
    assert found.host_config["Tmpfs"] == {"/t": "size=1m"}
    assert found.json["Config"]["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 10**9}
    assert found.json["Config"]["StopTimeout"] == 3


def test_a_network_is_made_and_used(client: Client, made: list[str]) -> None:
    """dockerd runs without its firewall here, and bridges are the kernel's own."""
    wanted = NetworkOptions(
        "made", pools=(AddressPool("10.231.7.0/24", gateway="10.231.7.9"),), labels=(("a", "b"),), internal=True
    )
    client.networks.create(wanted)
    try:
        endpoint = EndpointOptions("made", ipv4="10.231.7.77", aliases=("other",))
        made.append(
            client.containers.create(image="bb:1", command=("sleep", "1000"), network_mode="made", networks=(endpoint,))
        )
        client.containers.start(made[-1])
        assert client.containers.inspect(made[-1]).networks["made"].ipv4 == "10.231.7.77"
        network = client.networks.inspect("made")
        assert network.labels == {"a": "b"}
        assert network.containers[made[-1]].ipv4 == "10.231.7.77/24"
        client.networks.disconnect("made", made[-1])
        client.networks.connect("made", made[-1], EndpointOptions("made", ipv4="10.231.7.78"))
        assert client.containers.inspect(made[-1]).networks["made"].ipv4 == "10.231.7.78"
        client.containers.remove(made[-1], force=True)
    finally:
        client.networks.remove("made")
