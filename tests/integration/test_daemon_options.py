"""Creating containers at the daemon: what is refused, in docker's words; links; what inspect shows of mounts."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labcore.daemon.wire.codec import decode_bytes
from labcore.errors import InvalidInput
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.raw_api import wait_for

REFUSED = [
    ({"Env": ["=x"]}, {}, "invalid environment variable: =x"),
    ({}, {"Tmpfs": {"here": ""}}, "invalid mount path: 'here' mount path must be absolute"),
    ({}, {"Tmpfs": {"//": ""}}, "invalid specification: destination can't be '/'"),
    ({}, {"VolumesFrom": ["nobody"]}, "No such container: nobody"),
    ({}, {"Links": ["nobody:db"]}, "could not get container for nobody: No such container: nobody"),
    ({}, {"NetworkMode": "host", "Links": ["x:db"]}, "conflicting options: host type networking can't be used with links"),
    (
        {},
        {"NetworkMode": "container:x", "Links": ["x:db"]},
        "conflicting options: container type network can't be used with links",
    ),
    ({}, {"IpcMode": "odd"}, "invalid IPC mode: odd"),
    ({}, {"NanoCpus": -1}, "range of CPUs is from 0.01 to"),
    ({}, {"Binds": ["a:b:c:d"]}, "invalid volume specification: 'a:b:c:d'"),
    ({}, {"LogConfig": {"Type": "json-file", "Config": {"mode": "odd"}}}, "logger: logging mode not supported: odd"),
    ({}, {"PidMode": "container"}, "invalid PID mode: container"),
    ({}, {"PidMode": "container:nobody"}, "No such container: nobody"),
    ({}, {"IpcMode": "container:nobody"}, "No such container: nobody"),
    ({}, {"UTSMode": "container:x"}, "invalid UTS mode: container:x"),
    ({}, {"CgroupnsMode": "odd"}, "invalid cgroup namespace mode: odd"),
    ({}, {"Annotations": {"": "x"}}, "invalid Annotations: the empty string is not permitted as an annotation key"),
    ({}, {"CpusetCpus": "0,900-901"}, "Requested CPUs are not available - requested 0,900-901, available: 0"),
    ({}, {"CpusetMems": "900"}, "Requested memory nodes are not available - requested 900, available: 0"),
    ({}, {"CpuShares": -1}, "invalid CPU shares (-1): value must be a positive integer"),
    (
        {},
        {"Mounts": [{"Type": "bind", "Source": "/is/not/there", "Target": "/x"}]},
        'invalid mount config for type "bind": bind source path does not exist: /is/not/there',
    ),
    (
        {},
        {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/x", "BindOptions": {}}]},
        'BindOptions must not be specified on mount type "volume"',
    ),
    (
        {},
        {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/x", "VolumeOptions": {"Subpath": "a/../../b"}}]},
        'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ),
    (
        {},
        {"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": {"Subpath": "a"}}]},
        'invalid mount config for type "volume": must not set Subpath when using anonymous volumes',
    ),
    (
        {},
        {"Mounts": [{"Type": "volume", "Source": "data", "Target": "x"}]},
        "invalid mount config for type \"volume\": invalid mount path: 'x' mount path must be absolute",
    ),
    (
        {},
        {"Mounts": [{"Type": "tmpfs", "Target": "/x"}], "Tmpfs": {"/x": ""}},
        "Duplicate mount point: /x",
    ),
    ({}, {"Mounts": [{"Type": "npipe", "Target": "/x"}]}, 'invalid mount config for type "npipe": mount type unknown'),
]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("create"), "root")) as made:
        yield made


def created(daemon: RunningDaemon, name: str, **host: Any) -> str:
    body = {"Image": "busybox", "Cmd": ["sleep", "100"], "HostConfig": host}
    answer = daemon.request("POST", f"/containers/create?name={name}", body)
    assert answer.status == 201, answer
    return str(answer.json["Id"])


def names(daemon: RunningDaemon, id: str) -> list[str]:
    (found,) = (each for each in daemon.request("GET", "/containers/json?all=1").json if each["Id"] == id)
    return list(found["Names"])


def test_a_device_may_come_after_its_container(daemon: RunningDaemon) -> None:
    for path, said in (
        ("/dev/nosuch", "no such file or directory"),
        ("/etc/passwd", "not a device node"),
        ("/etc", "not a device"),
    ):
        id = created(daemon, "early", Devices=[{"PathOnHost": path, "PathInContainer": "/dev/x", "CgroupPermissions": "r"}])
        answer = daemon.request("POST", f"/containers/{id}/start")
        words = f'error gathering device information while adding custom device "{path}": {said}'
        assert (answer.status, answer.json["message"].startswith(words)) == (500, True)
        daemon.docker("rm", "early")
    daemon.docker("run", "--rm", "--device=/dev/nosuch", "busybox", "true", status=127)


def test_a_host_name_is_what_the_kernel_takes(daemon: RunningDaemon) -> None:
    shown = daemon.docker("run", "--rm", "--hostname=my name/x", "busybox", "sh", "-c", "hostname; cat /etc/hostname").stdout
    assert shown == "my name/x\nmy name/x\n"
    for words, names in ((["--hostname=a.b.c"], "a.b.c a"), (["--hostname=a.b", "--domainname=c.d"], "a.b.c.d a")):
        line = daemon.docker("run", "--rm", *words, "busybox", "tail", "-n1", "/etc/hosts").stdout
        assert line.split("\t")[1] == f"{names}\n"


@pytest.mark.parametrize(("config", "host", "words"), REFUSED)
def test_refusals_have_docker_s_status_and_words(
    daemon: RunningDaemon, config: dict[str, Any], host: dict[str, Any], words: str
) -> None:
    answer = daemon.request("POST", "/containers/create", {"Image": "busybox", **config, "HostConfig": host})
    assert answer.status == 400
    assert answer.json["message"].startswith(words)


def test_older_versions_take_one_endpoint(daemon: RunningDaemon) -> None:
    body = {"Image": "busybox", "NetworkingConfig": {"EndpointsConfig": {"one": {}, "two": {}}}}
    answer = daemon.request("POST", "/v1.43/containers/create", body)
    assert answer.json["message"] == "Container cannot be created with multiple network endpoints: one, two"
    answer = daemon.request("POST", "/v1.44/containers/create", body)
    assert answer.status == 201
    daemon.request("DELETE", f"/containers/{answer.json['Id']}")


def test_a_link_is_a_further_name_and_follows_renames(daemon: RunningDaemon) -> None:
    database = created(daemon, "database")
    holder = created(daemon, "shop", Links=["database:/db"])
    assert names(daemon, database) == ["/database", "/shop/db"]
    daemon.request("POST", "/containers/shop/rename?name=store")
    daemon.request("POST", "/containers/database/rename?name=base")
    assert names(daemon, database) == ["/base", "/store/db"]
    assert daemon.request("GET", "/containers/store/db/json").json["Id"] == database
    assert daemon.client.containers.get("/base").id == database
    assert daemon.request("GET", "/containers/store/json").json["HostConfig"]["Links"] == ["/base:/store/db"]
    assert daemon.request("DELETE", "/containers/store/db?link=1").status == 204
    assert names(daemon, database) == ["/base"]
    assert daemon.request("GET", "/containers/store/db/json").status == 404
    for id in (holder, database):
        assert daemon.request("DELETE", f"/containers/{id}").status == 204


def test_a_tmpfs_is_shown_where_it_was_asked_for(daemon: RunningDaemon) -> None:
    id = created(daemon, "tmp", Tmpfs={"/a": "size=1m"}, Mounts=[{"Type": "tmpfs", "Target": "/b"}])
    found = daemon.request("GET", f"/containers/{id}/json").json
    assert [mount["Destination"] for mount in found["Mounts"]] == ["/b"]
    assert found["HostConfig"]["Tmpfs"] == {"/a": "size=1m"}
    assert [mount["Target"] for mount in found["HostConfig"]["Mounts"]] == ["/b"]
    assert daemon.request("DELETE", f"/containers/{id}").status == 204


def test_older_versions_mean_what_they_meant(daemon: RunningDaemon) -> None:
    body = {"Image": "busybox", "HostConfig": {"PidsLimit": 5}}
    id = daemon.request("POST", "/v1.39/containers/create", body).json["Id"]
    daemon.request("POST", f"/v1.39/containers/{id}/update", {"PidsLimit": 7})
    host = daemon.request("GET", f"/containers/{id}/json").json["HostConfig"]
    assert (host["IpcMode"], host["PidsLimit"]) == ("shareable", None)
    for asked, shown in ((7, 7), (-2, 0)):
        assert daemon.request("POST", f"/containers/{id}/update", {"PidsLimit": asked}).status == 200
        assert daemon.request("GET", f"/containers/{id}/json").json["HostConfig"]["PidsLimit"] == shown
    assert daemon.request("DELETE", f"/containers/{id}").status == 204


def test_a_list_has_annotations_and_a_working_directory_is_plain(daemon: RunningDaemon) -> None:
    body = {"Image": "busybox", "WorkingDir": "/tmp//", "HostConfig": {"Annotations": {"a": "b"}}}
    id = daemon.request("POST", "/containers/create", body).json["Id"]
    (found,) = daemon.request("GET", "/containers/json?all=1").json
    assert found["HostConfig"]["Annotations"] == {"a": "b"}
    assert daemon.request("GET", f"/containers/{id}/json").json["Config"]["WorkingDir"] == "/tmp"
    assert daemon.request("DELETE", f"/containers/{id}").status == 204


def run_on(daemon: RunningDaemon, source: Path, *command: str, **options: object) -> str:
    """Run a command that has a directory at /there, bound with those options, to its end; return what it writes."""
    mount = {"Type": "bind", "Source": str(source), "Target": "/there", "ReadOnly": "ReadOnlyNonRecursive" in options}
    host = {"Privileged": True, "Mounts": [mount | {"BindOptions": options}]}
    body = {"Image": "busybox", "Cmd": list(command), "HostConfig": host}
    id = daemon.request("POST", "/containers/create", body).json["Id"]
    assert daemon.request("POST", f"/containers/{id}/start").status == 204
    assert daemon.request("POST", f"/containers/{id}/wait").json["StatusCode"] == 0
    out = daemon.client.containers.get(id).logs().decode()
    assert daemon.request("DELETE", f"/containers/{id}").status == 204
    return out


@pytest.fixture
def shared_mount(tmp_path: Path) -> Iterator[Path]:
    """A directory that is a shared mount, with a directory in it."""
    (tmp_path / "inner").mkdir()
    subprocess.run(["mount", "--bind", tmp_path, tmp_path], check=True)
    subprocess.run(["mount", "--make-private", tmp_path], check=True)
    subprocess.run(["mount", "--make-shared", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "--recursive", tmp_path], check=True)


def test_a_shared_bind_s_mounts_come_to_the_host(daemon: RunningDaemon, shared_mount: Path) -> None:
    run_on(daemon, shared_mount, "mount", "-t", "tmpfs", "tmpfs", "/there/inner", Propagation="shared")
    assert os.path.ismount(shared_mount / "inner")


def test_a_slave_bind_s_mounts_stay_and_the_host_s_come(daemon: RunningDaemon, shared_mount: Path) -> None:
    run_on(daemon, shared_mount, "mount", "-t", "tmpfs", "tmpfs", "/there/inner", Propagation="slave")
    assert not os.path.ismount(shared_mount / "inner")
    wait = "until grep -q ' /there/inner ' /proc/self/mountinfo; do sleep 0.1; done"
    with ThreadPoolExecutor() as threads:
        seen = threads.submit(
            run_on, daemon, shared_mount, "timeout", "20", "sh", "-c", f"touch /there/ready; {wait}", Propagation="slave"
        )
        wait_for(lambda: (shared_mount / "ready").exists())
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", shared_mount / "inner"], check=True)
        seen.result()


def test_a_read_only_bind_protects_what_is_below_unless_it_is_told_not_to(daemon: RunningDaemon, shared_mount: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", shared_mount / "inner"], check=True)
    shown = run_on(daemon, shared_mount, "grep", " /there", "/proc/self/mountinfo", ReadOnlyNonRecursive=True)
    outer, inner = shown.splitlines()
    assert outer.split()[5].startswith("ro")
    assert inner.split()[5].startswith("rw")


LIMIT = "cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes 2>/dev/null; true"
MAKE = "for d in /sys/fs/cgroup /sys/fs/cgroup/pids; do mkdir $d/below && rmdir $d/below && echo made; done 2>/dev/null; true"


def run(daemon: RunningDaemon, *words: str) -> str:
    return daemon.docker("run", "--rm", "--network", "none", *words).stdout


def test_a_container_sees_its_own_cgroup(daemon: RunningDaemon) -> None:
    for mode in ("private", "host"):
        words = ("--cgroupns", mode, "-m", "64m", "busybox", "sh", "-c", LIMIT)
        assert run(daemon, *words) == f"{64 << 20}\n", mode
    assert run(daemon, "--tmpfs", "/sys/fs/cgroup", "busybox", "ls", "/sys/fs/cgroup") == ""


@pytest.mark.parametrize(
    ("options", "writable"),
    [
        ("", False),
        ("--privileged", True),
        ("--security-opt writable-cgroups=true", True),
        ("--privileged --security-opt writable-cgroups=false", False),
    ],
)
def test_cgroups_may_be_made_inside_by_those_who_are_let(daemon: RunningDaemon, options: str, *, writable: bool) -> None:
    assert ("made" in run(daemon, *options.split(), "busybox", "sh", "-c", MAKE)) == writable


def test_what_was_said_of_cgroups_is_shown(daemon: RunningDaemon) -> None:
    id = created(daemon, "grouped", SecurityOpt=["writable-cgroups=true"], CgroupParent="/above")
    host = daemon.request("GET", f"/containers/{id}/json").json["HostConfig"]
    assert (host["SecurityOpt"], host["CgroupParent"]) == (["writable-cgroups=true"], "/above")
    daemon.docker("rm", id)
    refused = daemon.docker("create", "--security-opt", "writable-cgroups=x", "busybox", status=1).stderr
    assert "writable-cgroups 'x': it is true or false" in refused


def test_a_platform_is_read_in_small_letters(daemon: RunningDaemon) -> None:
    answer = daemon.request("POST", "/containers/create?platform=linux/AMD64", {"Image": "busybox"})
    assert answer.status == 201
    assert daemon.request("DELETE", f"/containers/{answer.json['Id']}").status == 204


def test_no_tag_looks_like_an_id(daemon: RunningDaemon) -> None:
    answer = daemon.request("POST", "/images/busybox/tag?repo=sha256&tag=x")
    assert answer.status == 400
    assert answer.json["message"] == "refusing to create an ambiguous tag using digest algorithm as name"


def test_networks_are_found_by_id_before_name_and_list_with_a_slash(daemon: RunningDaemon) -> None:
    first = daemon.request("POST", "/networks/create", {"Name": "first"}).json["Id"]
    second = daemon.request("POST", "/networks/create", {"Name": first}).json["Id"]
    assert daemon.request("GET", f"/networks/{first}").json["Name"] == "first"
    assert daemon.request("DELETE", f"/networks/{first}").status == 204
    assert second in [network["Id"] for network in daemon.request("GET", "/networks/").json]
    assert daemon.request("DELETE", f"/networks/{second}").status == 204


def test_malformed_json_is_told_in_docker_s_words() -> None:
    for content, words in (
        (b"{x}", "invalid character 'x' looking for beginning of object key string"),
        (b"{} x", "unexpected"),
    ):
        with pytest.raises(InvalidInput, match=words):
            decode_bytes(content, dict)


def test_a_host_name_is_known_on_a_network_of_a_user_s(daemon: RunningDaemon) -> None:
    id = daemon.request("POST", "/networks/create", {"Name": "known"}).json["Id"]
    body = {"Image": "busybox", "Cmd": ["sleep", "100"], "Hostname": "base", "HostConfig": {"NetworkMode": "known"}}
    container = daemon.request("POST", "/containers/create?name=one1", body).json["Id"]
    assert daemon.request("POST", f"/containers/{container}/start").status == 204
    found = daemon.request("GET", f"/containers/{container}/json").json["NetworkSettings"]["Networks"]["known"]
    assert found["DNSNames"] == ["one1", container[:12], "base"]
    assert daemon.request("DELETE", f"/containers/{container}?force=1").status == 204
    assert daemon.request("DELETE", f"/networks/{id}").status == 204


def start(daemon: RunningDaemon, id: str) -> Any:
    return daemon.request("POST", f"/containers/{id}/start")


def remove(daemon: RunningDaemon, *ids: str) -> None:
    for id in ids:
        assert daemon.request("DELETE", f"/containers/{id}?force=1").status == 204


def inside(daemon: RunningDaemon, id: str, command: str) -> str:
    """Run a command in a container, to its end; return what it writes."""
    code, out = daemon.client.containers.get(id).exec_run(["sh", "-c", command])
    assert code == 0, out
    return str(out.decode())


def test_containers_share_an_ipc_namespace_and_its_shared_memory(daemon: RunningDaemon) -> None:
    donor = created(daemon, "donor", IpcMode="shareable", ShmSize=1 << 20)
    first, second = (created(daemon, name, IpcMode=f"container:{of}") for name, of in (("first", "donor"), ("second", "first")))
    try:
        for id in (donor, first, second):
            assert start(daemon, id).status == 204
        inside(daemon, donor, "echo here > /dev/shm/note")
        link = "readlink /proc/self/ns/ipc"
        for id in (first, second):
            assert inside(daemon, id, "cat /dev/shm/note") == "here\n"
            assert inside(daemon, id, "stat -fc %b /dev/shm") == inside(daemon, donor, "stat -fc %b /dev/shm")
            assert inside(daemon, id, link) == inside(daemon, donor, link)
        assert daemon.request("GET", f"/containers/{first}/json").json["HostConfig"]["IpcMode"] == "container:donor"
    finally:
        remove(daemon, second, first, donor)


@pytest.mark.parametrize(("field", "kind"), [("IpcMode", "IPC"), ("PidMode", "PID")])
def test_a_namespace_of_a_stopped_container_is_not_joined(daemon: RunningDaemon, field: str, kind: str) -> None:
    donor = created(daemon, "stopped", IpcMode="shareable")
    id = created(daemon, "joining", **{field: "container:stopped"})
    try:
        answer = start(daemon, id)
        assert answer.status == 500
        assert answer.json["message"].startswith(f"failed to join {kind} namespace: container {donor} is not running")
    finally:
        remove(daemon, id, donor)


def test_a_private_ipc_namespace_is_not_joined(daemon: RunningDaemon) -> None:
    donor = created(daemon, "private")
    id = created(daemon, "joining", IpcMode="container:private")
    try:
        assert start(daemon, donor).status == 204
        answer = start(daemon, id)
        assert answer.status == 500
        hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
        assert answer.json["message"] == f"failed to join IPC namespace: container {donor}: {hint}"
    finally:
        remove(daemon, id, donor)


@pytest.fixture
def filled_volume(daemon: RunningDaemon) -> Iterator[str]:
    """A volume with a file, directories, and links that lead to one of them and out."""
    volume = daemon.client.volumes.create("parts")
    links = "ln -s ../dir in; ln -s / out; ln -s out further; ln -s /etc etc"
    command = f"cd /v; mkdir dir bin links; echo content > dir/file; echo alone > one; cd links; {links}"
    daemon.client.containers.run("busybox", ["sh", "-c", command], volumes={"parts": {"bind": "/v"}}, remove=True)
    yield "parts"
    volume.remove()


def part(daemon: RunningDaemon, volume: str, subpath: str, target: str, *command: str) -> str:
    """Create a container with a part of a volume; return its ID."""
    mount = {"Type": "volume", "Source": volume, "Target": target, "VolumeOptions": {"Subpath": subpath}}
    body = {"Image": "busybox", "Cmd": list(command), "HostConfig": {"Mounts": [mount]}}
    answer = daemon.request("POST", "/containers/create", body)
    assert answer.status == 201, answer
    return str(answer.json["Id"])


@pytest.mark.parametrize(
    ("subpath", "command", "written"),
    [
        ("dir", ["ls", "/part"], "file\n"),
        ("./bin/../dir", ["ls", "/part"], "file\n"),
        ("links/in", ["ls", "/part"], "file\n"),
        ("one", ["cat", "/part"], "alone\n"),
    ],
)
def test_a_part_of_a_volume(
    daemon: RunningDaemon, filled_volume: str, subpath: str, command: list[str], written: str
) -> None:  # fmt: skip
    id = part(daemon, filled_volume, subpath, "/part", *command)
    try:
        shown = daemon.request("GET", f"/containers/{id}/json").json["HostConfig"]["Mounts"]
        assert shown[0]["VolumeOptions"]["Subpath"] == subpath
        if subpath == "dir":  # as the stopped container would see it
            assert b"content" in daemon.request("GET", f"/containers/{id}/archive?path=/part/file").content
        assert start(daemon, id).status == 204
        assert daemon.request("POST", f"/containers/{id}/wait").json["StatusCode"] == 0
        assert daemon.client.containers.get(id).logs().decode() == written
    finally:
        remove(daemon, id)


def test_an_empty_directory_of_a_volume_is_filled_from_the_image(daemon: RunningDaemon, filled_volume: str) -> None:
    id = part(daemon, filled_volume, "bin", "/bin", "busybox", "true")
    try:
        assert start(daemon, id).status == 204
        assert daemon.request("POST", f"/containers/{id}/wait").json["StatusCode"] == 0
    finally:
        remove(daemon, id)


@pytest.mark.parametrize(
    ("subpath", "status", "words"),
    [
        ("nothing/here", 404, "cannot access path"),
        ("one/more", 404, "cannot access path"),
        ("links/out", 400, "path concatenation escapes the base directory"),
        ("links/further", 400, "path concatenation escapes the base directory"),
        ("links/etc/passwd", 400, "path concatenation escapes the base directory"),
    ],
)
def test_no_part_of_a_volume(daemon: RunningDaemon, filled_volume: str, subpath: str, status: int, words: str) -> None:
    id = part(daemon, filled_volume, subpath, "/part", "true")
    try:
        answer = start(daemon, id)
        assert (answer.status, answer.json["message"].startswith(words)) == (status, True), answer
    finally:
        remove(daemon, id)


def test_a_subnet_of_a_version_that_the_network_has_not_is_kept_and_unused(daemon: RunningDaemon) -> None:
    pools = [{"Subnet": "10.213.0.0/24"}, {"Subnet": "fd00:213::/64", "Gateway": "fd00:213::9"}]
    body = {"Name": "one-version", "EnableIPv6": False, "IPAM": {"Config": pools}}
    assert daemon.request("POST", "/networks/create", body).status == 201
    try:
        found = daemon.request("GET", "/networks/one-version").json
        assert found["EnableIPv6"] is False
        assert found["IPAM"]["Config"] == pools
        id = created(daemon, "on-it", NetworkMode="one-version")
        try:
            assert start(daemon, id).status == 204
            endpoint = daemon.request("GET", f"/containers/{id}/json").json["NetworkSettings"]["Networks"]["one-version"]
            assert (endpoint["IPAddress"], endpoint["GlobalIPv6Address"]) == ("10.213.0.2", "")
        finally:
            remove(daemon, id)
    finally:
        assert daemon.request("DELETE", "/networks/one-version").status == 204


def test_options_of_a_volume_are_null_only_where_none_were_given(daemon: RunningDaemon) -> None:
    for given, shown in (({"DriverOpts": {}}, {}), ({}, None), ({"DriverOpts": None}, None)):
        assert daemon.request("POST", "/volumes/create", {"Name": "plain", **given}).json["Options"] == shown
        assert daemon.request("GET", "/volumes/plain").json["Options"] == shown
        assert daemon.request("DELETE", "/volumes/plain").status == 204


def test_containers_with_other_users_share_ipc_and_parts_of_volumes(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root", "--userns-remap=200000:65536") as daemon:
        donor = created(daemon, "donor", IpcMode="shareable")
        sharing = created(daemon, "sharing", IpcMode="container:donor")
        for id in (donor, sharing):
            assert start(daemon, id).status == 204
        inside(daemon, donor, "echo here > /dev/shm/note")
        assert inside(daemon, sharing, "cat /dev/shm/note; stat -c %u /dev/shm/note") == "here\n0\n"
        daemon.client.containers.run("busybox", ["mkdir", "/v/dir"], volumes={"parts": {"bind": "/v"}}, remove=True)
        id = part(daemon, "parts", "dir", "/part", "sh", "-c", "echo new > /part/new; stat -c %u /part /part/new")
        assert start(daemon, id).status == 204
        assert daemon.request("POST", f"/containers/{id}/wait").json["StatusCode"] == 0
        assert daemon.client.containers.get(id).logs() == b"0\n0\n"
