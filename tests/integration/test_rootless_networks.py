"""Networks of ordinary users' containers."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcore import procfs
from labcore.network.rootless.namespaces import LOST
from tests.conftest import LEARNER, as_learner, needs, needs_root, seed_busybox
from tests.network import Namespace, ask, serving
from tests.network_rig import host_and_neighbor

pytestmark = pytest.mark.usefixtures("nothing_left", "nobody_left")
LABCORE = f"{sys.executable} -P -m labcore"
GET = f"{sys.executable} -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode().strip())'"
# Its input does not end: the pasta of Debian 12 at times loses the answer's end after that of the question.
NC = "busybox sh -c 'mkfifo p; nc $0 $1 <> p'"
PAUSE = ".local/share/labcore/rootless"
WEB = f"{LABCORE} run -d --name web --hostname web busybox httpd -f -p 80 -h /etc".replace("busybox", "{options} busybox")
LINGER_SECONDS = 8
PROGRAMS = ("pasta", "slirp4netns")


@pytest.fixture
def hosts() -> Iterator[tuple[Namespace, Namespace]]:
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    with host_and_neighbor() as both:
        yield both


@pytest.fixture
def nobody_left() -> Iterator[None]:
    """Fail a test after which a process of the user's still runs: what keeps the namespaces ends by itself, and soon."""
    needs_root()  # an ordinary user has others
    yield
    end = time.monotonic() + LINGER_SECONDS
    while (found := learners()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not found


def learners() -> list[str]:
    """Return the command lines of the user's processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == LEARNER and not procfs.has_ended(int(process.name)):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def where(*hidden: str, resolv_conf: str = "") -> list[str]:
    """Return the words that run a command where these programs are not installed, and with another resolv.conf(5)."""
    covers = {path: "/dev/null" for path in (f"/usr/bin/{program}" for program in hidden) if os.path.exists(path)}
    covers |= {"/etc/resolv.conf": resolv_conf} if resolv_conf else {}
    script = "".join(f"mount --bind {new} {path}\n" for path, new in covers.items()) + 'exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"]


def shell(
    host: Namespace, script: str, *, hidden: tuple[str, ...] = (), resolv_conf: str = "", status: int = 0
) -> list[str]:  # fmt: skip
    """Run a script there as an ordinary user, whose daemon ends with it."""
    started = f"{LABCORE} ps > listed 2> started; trap '{LABCORE} daemon stop > /dev/null' EXIT"
    prefix = [*host.words(), *where(*hidden, resolv_conf=resolv_conf)]
    done = as_learner("sh", "-ec", f"{seed_busybox()}\n{started}\n{script}", prefix=prefix)
    assert done.returncode == status, done.stdout + done.stderr
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_containers_reach_others_and_are_reached(program: str, hosts: tuple[Namespace, Namespace]) -> None:
    needs(program)
    host, neighbor = hosts
    script = f"""
    {LABCORE} run --rm {NC} 192.0.2.2 8000; echo
    {LABCORE} network create blue > /dev/null
    {WEB.format(options="--network blue -p 8080:80")} > /dev/null
    {LABCORE} run --rm --network blue busybox wget -qO- http://web/hostname
    for address in 127.0.0.1 [::1] 192.0.2.1; do {GET} http://$address:8080/hostname; done
    {LABCORE} run --rm busybox wget -qO- http://192.0.2.1:8080/hostname
    {LABCORE} exec web sh -c 'echo $$; hostname'
    pgrep -fxc '({"|".join(PROGRAMS)}) .*'
    {LABCORE} rm -f web"""
    with serving(neighbor, "neighbor", 8000):
        said = shell(host, script, hidden=tuple(each for each in PROGRAMS if each != program))
    assert said[:6] == ["neighbor 192.0.2.1", "web", "web", "web", "web", "web"]
    assert said[7:] == ["web", "1", "web"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_containers_reach_others_by_ipv6(program: str, hosts: tuple[Namespace, Namespace]) -> None:
    needs(program)
    host, neighbor = hosts
    script = f"""
    {LABCORE} network create --ipv6 blue > /dev/null
    {LABCORE} run --rm --network blue {NC} 2001:db8::2 8000; echo"""
    with serving(neighbor, "neighbor", 8000):
        said = shell(host, script, hidden=tuple(each for each in PROGRAMS if each != program))
    assert said == ["neighbor 2001:db8::1"]


def test_the_hosts_loopback_is_out_of_reach(hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    host, _ = hosts
    ways = ("127.0.0.1", "10.0.2.2", "10.0.2.3", "10.0.2.100", "172.17.0.1")
    script = f"""
    {LABCORE} run --rm --add-host outside:host-gateway {NC} outside 7001; echo
    {LABCORE} run --rm busybox sh -c 'mkfifo p; for way in {" ".join(ways)}; do timeout 2 nc $way 7000 <> p || echo no; done'"""
    with serving(host, "host", 7001), serving(host, "loopback", 7000, addresses=("127.0.0.1",)):
        said = shell(host, script)
    assert said[0] == "host 192.0.2.1"
    assert [line for line in said[1:] if line == "no"] == ["no"] * len(ways)
    assert "loopback" not in "".join(said)


def test_a_port_of_the_hosts_loopback_is_closed_to_neighbors(hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    host, neighbor = hosts
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        place = Path(name)
        place.chmod(0o777)
        serve = "'while :; do echo web | nc -l -p 80; done'"
        script = f"""
        {LABCORE} run -d --name web -p 127.0.0.1:8080:80 -p 192.0.2.1:8081:80 busybox sh -c {serve} > /dev/null
        touch {place}/ready; while [ ! -e {place}/done ]; do sleep 0.1; done
        {LABCORE} rm -f web"""
        running = pool.submit(shell, host, script)
        while not (place / "ready").exists() and not running.done():
            time.sleep(0.1)
        answers = ask(neighbor, "tcp:192.0.2.1:8080", "tcp:192.0.2.1:8081")
        (place / "done").touch()
        assert running.result() == ["web"]
    assert answers == {"tcp:192.0.2.1:8080": "refused", "tcp:192.0.2.1:8081": "web\n"}


def test_what_the_pause_process_has_is_closed_to_others(hosts: tuple[Namespace, Namespace]) -> None:
    said = shell(hosts[0], f"{LABCORE} run --rm --network none busybox true; stat -c %a {PAUSE} {PAUSE}/sock")
    assert said == ["700", "600"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_server_on_the_hosts_loopback_is_asked(program: str, hosts: tuple[Namespace, Namespace]) -> None:
    """Names of containers and others', on the default network and on one of one's own."""
    needs(program)
    host, _ = hosts
    script = f"""
    {LABCORE} network create blue > /dev/null
    for network in bridge blue; do {LABCORE} run --rm --network $network busybox nslookup -type=a there.example; done"""
    hidden = tuple(each for each in PROGRAMS if each != program)
    words = [sys.executable, "-c", NAME_SERVER]
    with tempfile.NamedTemporaryFile("w") as conf, subprocess.Popen(host.words(*words), stdout=subprocess.PIPE) as server:
        conf.write("nameserver 127.0.0.1\n")
        conf.flush()
        Path(conf.name).chmod(0o644)
        assert server.stdout
        server.stdout.readline()
        try:
            said = shell(host, script, hidden=hidden, resolv_conf=conf.name)
        finally:
            server.kill()
    assert said.count("Address: 192.0.2.77") == 2


NAME_SERVER = """
import socket
import dns.message, dns.rrset
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print(flush=True)
while True:
    wire, asker = server.recvfrom(4096)
    answer = dns.message.make_response(dns.message.from_wire(wire))
    answer.answer = [dns.rrset.from_text(answer.question[0].name, 9, "IN", "A", "192.0.2.77")]
    server.sendto(answer.to_wire(), asker)
"""
# The daemon is in the namespaces that are lost: the next one makes new ones, and says so in its log.
ANEW = f"""
    {LABCORE} daemon stop > /dev/null; {LABCORE} ps > /dev/null 2>&1
    grep -oF {shlex.quote(LOST)} .local/share/labcore/daemon.log"""
KILLS = {
    "the program": "kill -9 $(pgrep -f '^pasta ')",
    "the pause process": f"kill -9 $(grep -o '\"pid\": [0-9]*' {PAUSE}/pause.json | tr -dc 0-9)" + ANEW,
    "the container": "kill -9 $(pgrep -fx 'sleep 1000')",
}


@pytest.mark.parametrize("killed", KILLS)
def test_a_kill_leaves_nothing_and_the_next_start_works(killed: str, hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    host, neighbor = hosts
    script = f"""
    {LABCORE} run -d --name long -p 8080:80 busybox sleep 1000 > /dev/null
    {KILLS[killed]}
    sleep 0.3
    {LABCORE} run --rm {NC} 192.0.2.2 8000; echo
    {LABCORE} rm -f long
    {LABCORE} run --rm -p 8080:80 {NC} 192.0.2.2 8000; echo"""
    with serving(neighbor, "neighbor", 8000):
        said = shell(host, script)
    lost = [LOST] if killed == "the pause process" else []
    assert said == [*lost, "neighbor 192.0.2.1", "long", "neighbor 192.0.2.1"]


def test_containers_whose_pause_process_was_killed_have_a_network_after_a_restart(hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    host, _ = hosts
    script = f"""
    {WEB.format(options="-p 8080:80")} > /dev/null
    {KILLS["the pause process"]}
    {LABCORE} restart -t 0 web
    {GET} http://127.0.0.1:8080/hostname
    ls {PAUSE}/../network/endpoints | wc -l
    {LABCORE} rm -f web"""
    assert shell(host, script) == [LOST, "web", "web", "1", "web"]


def test_commands_share_one_user_namespace_so_that_each_enters_the_others_containers(
    hosts: tuple[Namespace, Namespace],
) -> None:
    script = f"""
    {LABCORE} run -d --name long --network none busybox sleep 1000 > /dev/null
    {LABCORE} exec long sh -c 'touch /new; chown 5:6 /new; stat -c %u:%g /new; readlink /proc/self/ns/user'
    {LABCORE} rootless readlink /proc/self/ns/user
    {LABCORE} rm -f long"""
    owner, inside, outside, _ = shell(hosts[0], script)
    assert owner == "5:6"
    assert inside == outside


def test_commands_that_are_first_at_once_make_one_namespace_and_all_goes_with_the_last(
    hosts: tuple[Namespace, Namespace],
) -> None:
    needs("pasta")
    script = f"""
    for number in 1 2 3; do {LABCORE} run --rm busybox readlink /proc/self/ns/user & done; wait
    {LABCORE} daemon stop > /dev/null
    while [ -e {PAUSE}/pause.json ]; do sleep 0.1; done
    ls {PAUSE}; ls {PAUSE}/../network/endpoints"""
    one, two, three, *left = shell(hosts[0], script)
    assert one == two == three
    assert left == ["lock", "log"]


def test_a_command_enters_the_containers_of_a_pause_process_that_was_killed(hosts: tuple[Namespace, Namespace]) -> None:
    script = f"""
    {LABCORE} run -d --name long --network none busybox sleep 1000 > /dev/null
    {KILLS["the pause process"]}
    {LABCORE} exec long hostname -s; {LABCORE} rm -f long"""
    assert len(shell(hosts[0], script)) == 3


def test_the_hosts_own_network(hosts: tuple[Namespace, Namespace]) -> None:
    said = shell(hosts[0], f"{LABCORE} run --rm --network host busybox sh -c 'ip address; ls /sys/class/net'")
    assert any("192.0.2.1/24" in line for line in said)
    assert {"eth0", "lo"} <= set(said)


def test_ports_that_are_roots_are_refused_with_the_kernel_parameter(hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    said = shell(hosts[0], f"{LABCORE} run --rm -p 80:80 busybox true", status=125)
    assert said == [
        "labcore: port *:80:80/tcp: ports below net.ipv4.ip_unprivileged_port_start are root's: publish a higher one"
    ]


def test_without_a_program_there_is_no_network_and_the_cure_is_said(hosts: tuple[Namespace, Namespace]) -> None:
    script = f"""
    {LABCORE} run --rm busybox ip -o link | wc -l
    for options in '--network bridge' '-p 8080:80'; do {LABCORE} run --rm $options busybox true 2>&1 || true; done
    {LABCORE} doctor | grep 'user-mode network'"""
    links, *refused, doctor = shell(hosts[0], script, hidden=PROGRAMS)
    assert links == "1"
    assert set(refused) == {
        "labcore: an ordinary user's networks need pasta or slirp4netns, and neither is installed: "
        "sudo apt-get install passt, or --network none"
    }
    assert re.search("neither pasta nor slirp4netns is installed .* cure: sudo apt-get install passt", doctor)


def test_a_host_without_a_way_out_has_networks_all_the_same(hosts: tuple[Namespace, Namespace]) -> None:
    needs("pasta")
    host, _ = hosts
    for version in ("-4", "-6"):
        host("ip", version, "route", "del", "default")
    script = f"""
    {WEB.format(options="-p 8080:80")} > /dev/null
    {GET} http://127.0.0.1:8080/hostname
    {LABCORE} rm -f web"""
    assert shell(host, script, hidden=("slirp4netns",)) == ["web", "web"]
