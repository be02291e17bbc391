"""Options of networks, for `docker` and `labcore`: the same is refused in the same words, and links and pools are the same."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conformance.conftest import LIMITS, running_dockerd
from tests.conftest import needs, needs_root
from tests.hosts import CommandedHost, Host
from tests.network import Namespace
from tests.peers import Peers

Command = list[str]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandedHost]:
    needs_root()
    needs("nft", "ip", "nsenter")
    with CommandedHost(tmp_path_factory.mktemp("labcore")) as made:
        made.labcore("run", "-d", "--name=web", "busybox", "sleep", "1000")
        yield made
        made.clear()


@pytest.fixture(scope="module")
def docker(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Give the words of a docker on a host of its own, with the same container."""
    with ExitStack() as stack:
        place = stack.enter_context(Host())
        place.sh("ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up")
        options = ["--iptables=true", "--ip6tables=true", "--bridge", "docker0", "--exec-opt", "native.cgroupdriver=cgroupfs"]
        peers = Peers(Namespace(place.pid).words(*peer.prefix))
        words = stack.enter_context(running_dockerd(peers, tmp_path_factory.mktemp("docker"), *options))
        subprocess.run([*words, "import", str(archive), "busybox"], check=True, capture_output=True)
        web = ["run", "-d", "--name=web", *LIMITS, "busybox", "sleep", "1000"]
        subprocess.run([*words, *web], check=True, capture_output=True)
        yield words


def said(docker: Command, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*docker, *words], capture_output=True, text=True, timeout=60, check=False)


JOINED = "run --rm --network=container:web"
REFUSED = {
    f"{JOINED} -p 80:80": "conflicting options: port publishing and the container type network mode",
    f"{JOINED} -P": "conflicting options: port publishing and the container type network mode",
    f"{JOINED} --expose=80": "conflicting options: port exposing and the container type network mode",
    f"{JOINED} --hostname=x": "conflicting options: hostname and the network mode",
    f"{JOINED} --dns=9.9.9.9": "conflicting options: dns and the network mode",
    f"{JOINED} --add-host=a:10.1.1.1": "conflicting options: custom host-to-IP mapping and the network mode",
    f"{JOINED} --link=web": "conflicting options: container type network can't be used with links",
    f"{JOINED} --network-alias=x": "network-scoped aliases are only supported for user-defined networks",
    f"{JOINED} --ip=172.17.0.9": "user specified IP address is supported on user defined networks only",
    "run --rm --network=container:nope": "No such container: nope",
    "run --rm --ip=172.17.0.9": "user specified IP address is supported on user defined networks only",
    "run --rm --network=bridge --network-alias=x": "network-scoped aliases are only supported for user-defined networks",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_docker_refuses_is_refused_in_its_words(docker: Command, host: CommandedHost, words: str) -> None:
    theirs = said(docker, *words.split(), "busybox", "true")
    ours = host.try_labcore(*words.split(), "busybox", "true")
    assert (theirs.returncode, ours.returncode) == (125, 125)
    assert REFUSED[words].lower() in theirs.stderr.lower()
    assert REFUSED[words].lower() in ours.stderr.lower()


NETWORKS = (
    "network create drawn",
    "network create half --ipv6 --subnet=10.77.0.0/24",
    "network create given --ipv6 --subnet=10.78.0.0/24 --ip-range=10.78.0.128/25 --subnet=fd78::/64",
)
DRAWN = "user specified IP address is supported only when connecting to networks with user configured subnets"
OUTSIDE = "no configured subnet or ip-range contain the IP address"
FIXED = {
    "create --network=drawn --ip=172.20.0.9": DRAWN,
    "create --network=drawn --ip6=fd77::9": DRAWN,
    "create --network=half --ip=10.77.0.9": "",
    "create --network=half --ip=10.79.0.9": OUTSIDE,
    "create --network=half --ip6=fd77::9": DRAWN,
    "create --network=given --ip=10.78.0.9 --ip6=fd78::9": "",
    "create --network=given --ip6=fd79::9": OUTSIDE,
    "create --network=later --ip=10.79.0.9": "",
    "network connect --ip=172.20.0.9 drawn web": DRAWN,
    "network connect --ip=10.79.0.9 half web": OUTSIDE,
}


def test_an_address_is_fixed_where_the_subnet_was_given_as_with_docker(docker: Command, host: CommandedHost) -> None:
    for network in NETWORKS:
        made = said(docker, *network.split())
        assert made.returncode == 0, made.stderr
        host.labcore(*network.split())
    told = {}
    for words in FIXED:
        command = [*words.split(), *([] if "connect" in words else ["busybox", "true"])]
        told[words] = [said(docker, *command), host.try_labcore(*command)]
    for name in ("drawn", "half", "given"):
        said(docker, "network", "rm", name)
        host.labcore("network", "rm", name)
    for words, refusal in FIXED.items():
        for done in told[words]:
            assert (done.returncode != 0, refusal.lower() in done.stderr.lower()) == (bool(refusal), True), (words, done.stderr)


def test_a_container_is_told_of_its_links_as_with_docker(docker: Command, host: CommandedHost) -> None:
    first = "run -d --name=my-db -e A=b -e HOME=/x --expose=5432 --expose=53/udp --expose=80-82 busybox sleep 1000"
    then = "run --rm --name=asks --hostname=asks -e BASE_2_ENV_A=own --link=my-db:base-2 --link=web busybox env"
    told = []
    for words in (first.split(), then.split()):
        theirs = said(docker, words[0], *LIMITS, *words[1:])
        told = [theirs.stdout, host.labcore(*words)]
        assert theirs.returncode == 0, theirs.stderr
    theirs_of, ours_of = (sorted(line for line in text.splitlines() if not line.startswith("SHLVL")) for text in told)
    assert any(line.startswith("BASE_2_PORT_80_TCP_PORT_END=82") for line in theirs_of)
    assert ours_of == theirs_of
    host.labcore("rm", "-f", "my-db")


def test_the_default_pools_and_their_end_are_those_of_docker(docker: Command, host: CommandedHost) -> None:
    script = """
from labcore.errors import Unavailable
from labcore.spec.network import NetworkOptions
try:
    for number in range(40):
        print(engine.networks.create(NetworkOptions(f"n{number}")).wanted.pools[0].subnet)
except Unavailable as error:
    print(str(error).partition(":")[0])
for network in engine.networks.networks():
    if network.wanted.name.startswith("n") and network.bridge:
        engine.networks.remove(network.id)
"""
    theirs = []
    for number in range(40):
        made = said(docker, "network", "create", f"n{number}")
        if made.returncode:
            theirs.append(made.stderr.strip().removeprefix("Error response from daemon: "))
            break
        theirs.append(
            said(docker, "network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", f"n{number}").stdout.strip()
        )
    assert host.engine(script).splitlines() == theirs
    assert len(theirs) == 31, "with what is said at the end"
