"""Lists, inspect and --format: the stock docker command and labcore print the same bytes of one daemon."""

import json
from collections.abc import Iterator

import pytest

from labcore.cli import main
from labcore.engine import Engine
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, own_daemon

pytestmark = pytest.mark.skipif(not DOCKER.exists(), reason="today's docker is not there: tools/peers make")
FORMAT = {
    "ps": "table {{.ID}}\t{{.Names}}\t{{.Ports}}\t{{.Mounts}}\t{{.Networks}}\t{{.Labels}}\t{{.LocalVolumes}}\t{{.RunningFor}}"
    '\t{{.CreatedAt}}\t{{.State}}\t{{.Size}}\t{{.Label "com.example.some-kind"}}',
    "functions": "{{truncate .ID 4}}{{pad .Names 1 2}}|{{upper .Names}}|{{title .State}}|{{split .Names `e`}}|{{json .Names}}",
    "conditions": "{{if eq .State `running`}}{{.Names}} is up{{else if .Ports}}{{.Ports}}{{else}}-{{end}}",
    "events": "{{.Type}} {{.Action}} {{.Actor.ID}} {{.Time}} {{.TimeNano}} {{.Status}} {{.ID}} {{.From}} {{.Scope}} "
    "{{.Actor.Attributes.name}} {{json .}} {{.}}",
}
SAME = [
    "ps",
    "ps -a",
    "ps -aq",
    "ps -a --no-trunc",
    "ps -s",
    "ps -n 1",
    "ps -l",
    "ps -a -f name=web",
    "ps -f status=exited",
    "ps -a --format json",
    "container ls -a --format {{.Names}}",
    "ps -aq --no-trunc",
    "ps --format table",
    "images",
    "images -a --no-trunc",
    "images --digests",
    "images -q",
    "images --format json",
    "images busybox",
    "images nosuch",
    "images -f reference=hello*",
    "image ls --format {{.Repository}}:{{.Tag}}@{{.Digest}}",
    "network ls",
    "network ls --no-trunc",
    "network ls --format json",
    "network ls -q",
    "network ls -f driver=host",
    "volume ls",
    "volume ls -q",
    "volume ls --format json",
    "volume ls -f name=nosuch",
    "history made:1",
    "history --no-trunc made:1",
    "history -q made:1",
    "history --format json made:1",
    "history -H=false made:1",
    "system df",
    "system df -v",
    "system df --format json",
    "events --since 1h --until 0s",
    "events --since 1h --until 0s --format json",
    "events --since 1h --until 0s -f type=volume",
    "inspect web",
    "inspect busybox",
    "inspect bridge",
    "inspect data",
    "inspect --type container -s -f {{.SizeRw}} web",
    "image inspect -f {{.RootFS.Layers}} busybox",
    "network inspect -f {{.IPAM}} bridge",
    "volume inspect -f json data",
    "network inspect -f {{.Containers}} bridge",
    "container inspect web web -f {{.Name}}",
    "inspect nosuch",
    "inspect -f {{.Name}} web nosuch",
    "image inspect nosuch",
    "inspect -f {{.Nosuch}} web",
    "inspect -f {{.Name web",
    "top web",
    "top web -o pid,comm",
    "top done",
    "stats --no-stream -a --format {{.Name}}:{{.PIDs}}",
    "version -f {{.Server.Version}}",
    "info -f {{.ServerVersion}}{{.Plugins.Volume}}{{.DriverStatus}}",
    "info -f {{.Nosuch",
    "version -f {{.Nosuch",
    "events -f type=volume --format {{.Nosuch",
    "ps --format {{.Nosuch",
]
INSPECT = [
    "{{.Config.Env}} {{.Config.Labels}} {{.Config.Cmd}} {{.Config.Volumes}} {{.Config.Entrypoint}}",
    '{{.Config.Labels.a}}|{{.Config.Labels.nope}}|{{index .Config.Labels "nope"}}|',
    "{{.HostConfig.Binds}} {{.HostConfig.Init}} {{.State.Health}} {{.HostConfig.PortBindings}} {{.HostConfig.RestartPolicy}}",
    "{{.NetworkSettings.Ports}} {{.Config.ExposedPorts}} {{.HostConfig.LogConfig}} {{.HostConfig.CapAdd}}",
    "{{.NetworkSettings.Networks.bridge.IPAddress}} {{.NetworkSettings.Networks.nope.IPAddress}}",
    "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}",
    '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}} {{index .NetworkSettings.Ports "99/tcp"}}',
    '{{(index (index .NetworkSettings.Ports "99/tcp") 0).HostPort}}',
    "{{json .Config.Cmd}} {{json .HostConfig.Binds}} {{json .State.Health}} {{json .State}} {{json .Config.Labels}}",
    "{{.State}} {{.Mounts}} {{.SizeRw}} {{.Config.Healthcheck}}",
    "{{range .Mounts}}{{.Type}} {{.Name}}:{{.Destination}} {{end}}{{len .Mounts}}",
    "{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}} {{join .Config.Cmd `+`}}",
    "{{range .Config.Env}}{{println .}}{{end}}",
    "{{range .State}}{{.}} {{end}}",
    '{{printf "%v %s %q|%5d|%-4t|%x" .Config.Cmd .Config.Cmd .Config.Cmd .State.ExitCode .State.Running .Name}}',
    "{{with .State.Health}}{{.Status}}{{else}}none{{end}} {{not .State.Health}} {{slice .Config.Env 0 1}}",
    "{{print .Config.Env .Config.Cmd 1}} {{.HostConfig.Memory}} {{print nil}} {{eq .State.Status `running`}}",
    "{{.HostConfig.MemorySwappiness}} {{.HostConfig.PidsLimit}} {{.HostConfig.Ulimits}} {{.HostConfig.Tmpfs}}",
    "{{$x := .Name}}{{with .Config}}{{$x}} {{$.Id}} {{.Image}}{{end}}",
    "{{eq .Config.Cmd .Config.Cmd}}",
    "{{.State.Nosuch}}",
]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with a container that runs, one that has ended, one that was made, a volume and an image of two steps.

    It is these tests' own: docker prints several names of an image, and several labels, in the order of a map of Go's.
    """
    needs_root()
    root = tmp_path_factory.mktemp("formats") / "root"
    for name in ("busybox", "hello-world"):
        Engine(root).seed(name)
    labels = ["--label", "a=b", "--label", "com.example.some-kind=<web>"]
    ports = ["-p", "127.0.0.1::80", "--expose", "90-91/udp"]
    with own_daemon(root) as own:
        own.docker("run", "-d", "--name", "web", *labels, *ports, "-e", "X=y", "-v", "data:/data", "busybox", "sleep", "1000")
        own.docker("run", "--name", "done", "busybox", "sh", "-c", "exit 3", status=3)
        own.docker("create", "--name", "made", "busybox", "sh", "-c", 'echo "a command that is rather long"')
        own.docker("commit", "-m", "a step", "-c", "ENV A=b", "done", "made:1")
        yield own
        own.docker("rm", "-f", "web", "done", "made")


def both(daemon: RunningDaemon, words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[tuple[int, str], ...]:
    """Return the status and the output of docker's command, and of labcore's; asked again if a second went by meanwhile."""
    for _ in range(3):
        docker = daemon.docker(*words, status=None)
        capsys.readouterr()
        try:
            status = main(["--root", str(daemon.root), *words])
        except SystemExit as ended:
            status = int(ended.code or 0)
        answers = (docker.returncode, docker.stdout), (status, capsys.readouterr().out)
        if answers[0] == answers[1]:
            break
    return answers


@pytest.mark.parametrize("words", SAME)
def test_both_print_the_same(daemon: RunningDaemon, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    docker, ours = both(daemon, words.split(" "), capsys)
    assert ours == docker


@pytest.mark.parametrize("template", INSPECT)
def test_both_render_the_same(daemon: RunningDaemon, template: str, capsys: pytest.CaptureFixture[str]) -> None:
    docker, ours = both(daemon, ["inspect", "-f", template, "web"], capsys)
    assert ours == docker


@pytest.mark.parametrize(
    ("words", "name"),
    [("ps -a", "ps"), ("ps -a", "functions"), ("ps -a", "conditions"), ("events --since 1h --until 0s", "events")],
)
def test_both_render_rows_alike(daemon: RunningDaemon, words: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    docker, ours = both(daemon, [*words.split(), "--format", FORMAT[name]], capsys)
    assert ours == docker


@pytest.mark.parametrize("words", [["json", "web", "busybox", "bridge", "data"], ["{{json .}}", "web"]])
def test_both_have_the_same_json(daemon: RunningDaemon, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The order of an object's fields is the daemon's; docker's is that of its own types."""
    docker, ours = both(daemon, ["inspect", "-f", *words], capsys)
    assert (ours[0], json.loads(ours[1])) == (docker[0], json.loads(docker[1]))
