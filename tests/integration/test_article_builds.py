"""The article's two Dockerfiles, as it has them, built and run by its commands: docker's own command, and ours."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conftest import PROJECT, needs_root, outside
from tests.daemon import DOCKER, RunningDaemon, running_daemon

LABCORE = str(Path(sys.executable).with_name("labcore"))
WHEELS = PROJECT / "build" / "wheels"
CLASSIC = {"DOCKER_BUILDKIT": "0"}
WAIT_SECONDS = 30

FLASK = """\
FROM python
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
COPY . /app
WORKDIR /app
RUN pip install -r requirements.txt
EXPOSE 5000
ENTRYPOINT ["python"]
CMD ["app.py"]
"""
APP = """\
from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello():
    return "Hello from Flask"


app.run(host="0.0.0.0", port=5000)
"""
REQUIREMENTS = "--no-index\n--find-links wheels\nflask>=3\n"
NGINX = """\
FROM nginx
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
RUN echo '<h1>Hello, Docker!</h1>' > /usr/share/nginx/html/index.html
"""


@pytest.fixture(scope="module")
def daemon(stocked: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with the images of the article, `python` and `nginx`."""
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
    root = tmp_path_factory.mktemp("article") / "root"
    shutil.copytree(stocked.root / "images", root / "images")
    with running_daemon(root, seeds=()) as made:
        yield made


@pytest.fixture(scope="module")
def wheels() -> Path:
    """Flask's packages, fetched once and kept in build: a build of the test has no network."""
    if not list(WHEELS.glob("flask-*.whl")):
        with outside():
            words = ["download", "-q", "--only-binary=:all:", "--python-version=3.11", "-d", str(WHEELS), "flask"]
            done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs an index of Python packages: {done.stderr[-500:]}")
    return WHEELS


@pytest.fixture
def flask(tmp_path: Path, wheels: Path) -> Path:
    """The article's application."""
    (tmp_path / "Dockerfile").write_text(FLASK)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    shutil.copytree(wheels, tmp_path / "wheels")
    return tmp_path


def fetched(port: str) -> str:
    """Return the page at a port of this machine, once somebody listens there."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def in_directory(place: Path, *words: str, **env: str) -> str:
    """Run a command there, as the article does; return all that it says."""
    done = subprocess.run(words, cwd=place, env={**os.environ, **env}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def test_the_flask_application(daemon: RunningDaemon, flask: Path) -> None:
    said = in_directory(flask, *daemon.command("build", "-t", "flask-app", "."), **CLASSIC)
    assert "Step 2/8 : MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>\n" in said
    assert "Successfully installed" in said
    assert daemon.docker("image", "inspect", "-f", "{{.Author}}", "flask-app").stdout.strip() == (
        "Angel_Kitty <angelkitty6698@gmail.com>"
    )
    daemon.docker("run", "-d", "--name", "flask-app", "-p", "5000:5000", "flask-app")
    assert fetched("5000") == "Hello from Flask"
    again = in_directory(flask, *daemon.command("build", "-t", "flask-app", "."), **CLASSIC)
    assert again.count("---> Using cache\n") == 7
    ours = in_directory(flask, LABCORE, "-H", daemon.url, "build", "--progress", "plain", "-t", "flask-app", ".")
    assert "CACHED" in ours


def test_the_nginx_page(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(NGINX)
    said = in_directory(tmp_path, *daemon.command("build", "-t", "angelkitty/nginx_web:v1", "."), **CLASSIC)
    assert "Successfully tagged angelkitty/nginx_web:v1\n" in said
    assert [line.split()[:2] for line in daemon.docker("images").stdout.splitlines()[1:2]] == [["angelkitty/nginx_web", "v1"]]
    daemon.docker("run", "--name", "nginx_web", "-d", "-p", "8080:80", "angelkitty/nginx_web:v1")
    assert fetched("8080") == "<h1>Hello, Docker!</h1>\n"


def test_python_2_7_is_answered_with_what_is_true_today(daemon: RunningDaemon, flask: Path) -> None:
    (flask / "Dockerfile").write_text(FLASK.replace("FROM python\n", "FROM python:2.7\n"))
    stock = daemon.docker("build", str(flask), status=1, env=CLASSIC).stderr
    ours = subprocess.run([LABCORE, "-H", daemon.url, "build", "."], cwd=flask, capture_output=True, text=True)
    assert ours.returncode == 1
    assert "Dockerfile:1\n     1 | FROM python:2.7\n" in ours.stderr
    for said in (stock, ours.stderr):
        assert "registry-1.docker.io" in said
        assert "python:latest is here: FROM python; Python 2 has had no support since 2020" in said
    assert "python:2.7" not in daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout
