"""The article's two Dockerfiles, built by the stock dockerd on the images that are made here; nothing is pulled."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conformance.conftest import LIMITS, running_dockerd
from tests.peers import Peers

WEB = """
FROM nginx
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
RUN echo '<h1>Hello, Docker!</h1>' > /usr/share/nginx/html/index.html
"""
FLASK = """
FROM python
COPY . /app
WORKDIR /app
RUN pip install -r requirements.txt
EXPOSE 5000
ENTRYPOINT ["python"]
CMD ["app.py"]
"""
APP = """
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "Hello from Flask")
app.run(host="0.0.0.0", port=5000)
"""
REQUEST = """
for try in $(seq 200); do exec 3<>/dev/tcp/127.0.0.1/{port} && break; sleep 0.05; done 2>/dev/null
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
cat <&3
"""


class Docker:
    """A dockerd of our own, by its command line."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __call__(self, *words: str) -> str:
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def docker(peer: Peers, stocked: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    home = tmp_path_factory.mktemp("docker")
    with running_dockerd(peer, home, "--exec-opt", "native.cgroupdriver=cgroupfs") as words:
        made = Docker(words)
        for name in ("nginx", "python"):
            source = f"oci:{stocked.images.directory}:{name}:latest"
            copy = peer("skopeo", "copy", "-q", source, f"docker-archive:{home}/{name}.tar:{name}:latest")
            subprocess.run(copy, check=True)
            made("load", "-i", f"{home}/{name}.tar")
        yield made


def built(docker: Docker, place: Path, name: str) -> str:
    docker("build", "--network", "none", *LIMITS, "-t", name, str(place))
    return docker("run", "-d", "--pull", "never", "--network", "none", *LIMITS, name).strip()


def test_a_web_page_from_nginx(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(WEB)
    container = built(docker, tmp_path, "angelkitty/nginx_web:v1")
    said = docker("exec", container, "bash", "-c", REQUEST.format(port=80))
    assert "200 OK" in said
    assert said.endswith("<h1>Hello, Docker!</h1>\n")
    assert '"GET / HTTP/1.0" 200' in docker("logs", container)
    assert (
        docker("inspect", "-f", "{{.Config.StopSignal}} {{json .Config.ExposedPorts}}", container) == 'SIGQUIT {"80/tcp":{}}\n'
    )
    docker("stop", "-t", "20", container)
    assert docker("inspect", "-f", "{{.State.ExitCode}}", container) == "0\n"  # it has ended by itself


def test_a_flask_application_from_python(docker: Docker, tmp_path: Path) -> None:
    for name, content in (("Dockerfile", FLASK), ("app.py", APP), ("requirements.txt", "flask\n")):
        (tmp_path / name).write_text(content)
    container = built(docker, tmp_path, "flask_app")
    assert docker("exec", container, "bash", "-c", REQUEST.format(port=5000)).endswith("Hello from Flask")
