"""A repository with a Dockerfile, made into an image by repo2docker; what has come of it is printed as JSON."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import docker

COMMAND = "import sys; from repo2docker.__main__ import main; sys.argv[0] = 'repo2docker'; sys.exit(main())"
DOCKERFILE = """FROM busybox
ARG NB_USER
ARG NB_UID
USER root
COPY . /repo
RUN echo $NB_USER $NB_UID > /who
CMD ["cat", "/who"]
"""


def repo2docker(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, check=False)


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "Dockerfile").write_text(DOCKERFILE)
    Path(folder, "notebook.txt").write_text("of the repository\n")
    made = repo2docker("--no-run", "--user-name", "jo", "--user-id", "1000", "--image-name", "r2d:v1", folder)
    Path(folder, "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    failed = repo2docker("--no-run", "--image-name", "r2d:v2", folder)
assert made.returncode == 0, made.stdout + made.stderr
told = {
    "made": made.returncode,
    "steps": [line for line in (made.stdout + made.stderr).splitlines() if line.startswith("Step ")],
    "failed": [failed.returncode, "returned a non-zero code: 7" in failed.stdout + failed.stderr],
}
client = docker.from_env()
told["who"] = client.containers.run("r2d:v1", remove=True).decode()
told["repo"] = client.containers.run("r2d:v1", ["cat", "/repo/notebook.txt"], remove=True).decode()
client.images.remove("r2d:v1", force=True)
print(json.dumps(told))
