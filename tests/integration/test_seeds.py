"""The images that are made from Debian's packages: the same each time, and what users of the official ones expect.

The packages come from this machine's mirror: they are fetched once, and kept in build.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from labcore.images.model import Image
from labcore.spec import Reference
from tests.conftest import FROM_PACKAGES, as_learner, needs, needs_root
from tests.peers import Peers
from tests.threads import Started

MADE_AGAIN = ("nginx", "python")  # on debian's one layer; and alpine is made again by an ordinary user
LABCORE = [sys.executable, "-m", "labcore"]
# Asking for more than the machine allows takes CAP_SYS_RESOURCE, which not every root has.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
REQUEST = """
nginx -g 'daemon off;' & server=$!
until exec 3<>/dev/tcp/127.0.0.1/80; do sleep 0.05; done 2>/dev/null
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
cat <&3
kill -QUIT $server; wait $server
"""


def image_of(engine: Engine, name: str) -> Image:
    return engine.images.get(Reference.parse(name))


def run(engine: Engine, image: str, *argv: str) -> str:
    done = labcore.run(image, argv, root=engine.root, timeout=60)
    assert done.exit_code == 0, done
    return done.stdout.decode()


def test_the_same_packages_are_the_same_images(stocked: Engine, tmp_path: Path) -> None:
    """Made again elsewhere: without a network, another time, under another umask, locale and time zone."""
    shutil.copytree(stocked.root / "packages", tmp_path / "state/packages")
    environment = os.environ | {"TZ": "Asia/Shanghai", "LC_ALL": "zh_CN.UTF-8", "SOURCE_DATE_EPOCH": "1"}
    command = [*LABCORE, "--root", str(tmp_path / "state"), "seed", *MADE_AGAIN]
    if not os.geteuid():
        command = ["unshare", "--net", "--", *command]
    done = subprocess.run(["sh", "-c", 'umask 077; "$@"', "sh", *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = Engine(tmp_path / "state")
    for name in MADE_AGAIN:
        assert image_of(again, name).descriptor == image_of(stocked, name).descriptor
        assert image_of(again, name).layers[0] == image_of(stocked, "debian").layers[0]


def test_an_ordinary_user_makes_them(stocked: Engine) -> None:
    """Who has no right to write where the packages are takes a copy of them."""
    needs_root()
    script = (
        f"cd {stocked.root}/packages; mkdir -p $HOME/packages/lists $HOME/packages/archives; "
        "cp lists/*_* $HOME/packages/lists; cp archives/*.deb $HOME/packages/archives; "
        f"cd; exec {sys.executable} -m labcore --root $HOME seed alpine"
    )
    with open_way_to(stocked.root):
        done = as_learner("sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert image_of(stocked, "alpine").descriptor.digest[:19] in done.stdout


class open_way_to:
    """Let everybody look into a directory below pytest's own, meanwhile."""

    def __init__(self, path: Path) -> None:
        self.closed = [parent for parent in path.parents if not parent.stat().st_mode & 0o001]

    def __enter__(self) -> None:
        for parent in self.closed:
            parent.chmod(0o711)

    def __exit__(self, *_: object) -> None:
        for parent in self.closed:
            parent.chmod(0o700)


def test_what_they_share_is_there_once(stocked: Engine) -> None:
    bases = {image_of(stocked, name).layers[0].digest for name in ("debian", "nginx", "python")}
    assert len(bases) == 1
    assert [len(image_of(stocked, name).layers) for name in FROM_PACKAGES] == [1, 1, 2, 2]


def test_they_say_what_they_are_made_from(stocked: Engine) -> None:
    labels = dict(image_of(stocked, "nginx").config.labels)
    packages = [line.split() for line in labels["org.labcore.packages"].splitlines()]
    assert {"bash", "libc6", "nginx", "nginx-common"} <= {name for name, _, _ in packages}
    assert not {"iproute2", "perl-base", "dpkg"} & {name for name, _, _ in packages}
    assert all(len(sha256) == 64 for _, _, sha256 in packages)
    assert "labcore's own" in labels["org.opencontainers.image.description"]


def test_they_are_small(stocked: Engine) -> None:
    sizes = {name: sum(layer.size for layer in image_of(stocked, name).layers) / 1e6 for name in FROM_PACKAGES}
    assert sizes["alpine"] < 3
    assert sizes["nginx"] < 20
    assert sizes["python"] < 40


def test_nginx_serves_a_page(stocked: Engine) -> None:
    needs_root()
    assert image_of(stocked, "nginx").config.run_json() | {"Labels": 0} == {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Cmd": ["nginx", "-g", "daemon off;"],
        "WorkingDir": "/",
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "Labels": 0,
    }
    said = run(stocked, "nginx", "bash", "-c", REQUEST)
    assert "HTTP/1.1 200 OK" in said
    assert "Welcome to nginx!" in said
    page = "echo '<h1>Hello, Docker!</h1>' > /usr/share/nginx/html/index.html"
    said = run(stocked, "nginx", "bash", "-c", page + REQUEST)
    assert "<h1>Hello, Docker!</h1>" in said
    assert '"GET / HTTP/1.0" 200' in said  # the server's log is the container's output


def test_python_has_flask_and_pip(stocked: Engine) -> None:
    needs_root()
    script = (
        "python -c 'import flask; print(flask.Flask.__name__)'; echo Flask > requirements.txt; "
        "pip install -r requirements.txt; python3 -m venv /tmp/v && /tmp/v/bin/pip --version; "
        "python -c 'import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 100)'; python3 --version"
    )
    said = run(stocked, "python", "sh", "-ec", script).splitlines()
    assert said[0] == "Flask"
    assert said[1].startswith("Requirement already satisfied: Flask")
    assert said[2].startswith("pip ")
    assert said[3] == "True"
    assert said[4].startswith("Python 3.")
    assert run(stocked, "python") == ""  # its own command is python3, which reads an empty standard input here


def test_the_article_s_flask_application_runs(stocked: Engine) -> None:
    needs_root()
    script = """
cat > app.py <<'END'
from flask import Flask
app = Flask(__name__)
@app.route("/")
def hello():
    return "Hello from Flask"
app.run(host="0.0.0.0", port=5000)
END
python app.py 2>log & server=$!
until exec 3<>/dev/tcp/127.0.0.1/5000; do sleep 0.05; done 2>/dev/null
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; kill $server
"""
    assert run(stocked, "python", "bash", "-c", script).endswith("Hello from Flask")


def test_alpine_is_busybox_and_musl(stocked: Engine) -> None:
    needs_root()
    script = "readlink -f /lib/ld-musl-*; id -un; grep -c BEGIN /etc/ssl/cert.pem; env echo $PATH; . /etc/os-release; echo $ID"
    library, user, certificates, path, name = run(stocked, "alpine", "sh", "-c", script).splitlines()
    assert library.endswith("/libc.so")
    assert (user, name) == ("root", "labcore-alpine")
    assert int(certificates) > 100
    assert path.endswith(":/bin")


@pytest.fixture
def podman(peer: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    needs_root()
    peer.needs("conmon", "runc", "skopeo")
    home = tmp_path_factory.mktemp("podman")
    words = peer("podman", "--root", str(home / "root"), "--runroot", str(home / "run"), "--storage-driver", "vfs")
    words += ["--cgroup-manager", "cgroupfs", "--tmpdir", str(home / "tmp"), "--events-backend", "file", "--runtime", "runc"]
    yield words
    subprocess.run([*words, "system", "reset", "--force"], capture_output=True)


def test_podman_runs_them(
    peer: Peers, stocked: Engine, podman: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # conmon leaves a file where it is called
    root, run = (podman[podman.index(option) + 1] for option in ("--root", "--runroot"))
    storage = f"[vfs@{root}+{run}]"
    for name in ("nginx", "alpine"):
        source = f"oci:{stocked.root}/images:{name}:latest"
        target = f"containers-storage:{storage}localhost/{name}:latest"
        subprocess.run(peer("skopeo", "copy", "-q", source, target), check=True)
    options = ["run", "--rm", "--network", "none", "--pull", "never", *LIMITS]
    served = subprocess.run([*podman, *options, "localhost/nginx", "bash", "-c", REQUEST], capture_output=True, text=True)
    assert "Welcome to nginx!" in served.stdout, served.stderr
    said = subprocess.run([*podman, *options, "localhost/alpine", "echo", "hi"], capture_output=True, text=True)
    assert said.stdout == "hi\n", said.stderr


def test_without_a_network_nothing_is_half_made(tmp_path: Path) -> None:
    needs("apt-get")
    needs_root()
    command = ["unshare", "--net", "--", *LABCORE, "--root", str(tmp_path), "seed", "nginx"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 125
    assert "apt-get update: " in done.stderr
    assert "cure: connect this machine to the network" in done.stderr
    assert "Traceback" not in done.stderr
    assert Engine(tmp_path).images.names() == []


def test_a_full_disk_is_said_to_be_full(stocked: Engine, tmp_path: Path) -> None:
    needs_root()
    script = f"""
full=$(du -skL {stocked.root}/packages | cut -f 1)
mount -t tmpfs -o size=$((full + 4000))k tmpfs {tmp_path}
cp -rL {stocked.root}/packages {tmp_path}/packages
exec {sys.executable} -m labcore --root {tmp_path} seed debian
"""
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 125
    assert "no room for " in done.stderr
    assert "are left; `labcore system prune` frees some" in done.stderr


def test_ctrl_c_in_the_middle_names_nothing(stocked: Engine, tmp_path: Path) -> None:
    shutil.copytree(stocked.root / "packages", tmp_path / "packages")
    command = [*LABCORE, "--root", str(tmp_path), "seed", "debian"]
    with Started(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("unpacking ")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert Engine(tmp_path).images.names() == []
    assert list(tmp_path.rglob(".incoming*")) == []
