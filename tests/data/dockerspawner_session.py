"""A learner's server of JupyterHub, started by dockerspawner in a container; what has come of it is printed as JSON.

The container is of busybox, with this machine's Python and libraries mounted. The first argument is the folder of what
was fetched.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

FETCHED = Path(sys.argv[1])
PROXY = FETCHED / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
HUB, TOKEN, START_SECONDS = "http://127.0.0.1:18210", "a-token-of-a-service", 120
GATEWAY = "10.95.0.1"
MOUNTED = ["/lib", "/lib64", "/usr/lib", sys.base_prefix, sys.prefix, str(FETCHED)]
CONFIG = f"""
c.JupyterHub.bind_url = {HUB!r}
c.JupyterHub.hub_bind_url = "http://0.0.0.0:18211"
c.JupyterHub.hub_connect_url = "http://{GATEWAY}:18211"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = ["node", {str(PROXY)!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:18212"
c.JupyterHub.services = [{{"name": "tests", "api_token": {TOKEN!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "tests", "services": ["tests"], "scopes": ["admin:users", "admin:servers", "access:servers"],
}}]
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.Spawner.start_timeout = c.Spawner.http_timeout = {START_SECONDS}
c.DockerSpawner.image = "busybox"
c.DockerSpawner.pull_policy = "never"
c.DockerSpawner.network_name = "hub-net"
c.DockerSpawner.remove = True
c.DockerSpawner.mem_limit = "512M"
c.DockerSpawner.volumes = {{"hub-{{username}}": "/home/learner"}}
c.DockerSpawner.read_only_volumes = {{path: path for path in {MOUNTED!r}}}
c.DockerSpawner.notebook_dir = "/home/learner"
c.DockerSpawner.cmd = [{sys.executable!r}, "-m", "jupyterhub.singleuser"]
c.DockerSpawner.args = ["--allow-root"]
c.DockerSpawner.environment = {{
    "PYTHONPATH": {str(FETCHED)!r}, "HOME": "/home/learner", "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
}}
"""


def asked(method: str, path: str, body: object = None) -> tuple[int, object]:
    """Send a request to the hub or, through its proxy, to the learner's server."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(HUB + path, content, {"Authorization": f"token {TOKEN}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, None


def until(condition, hub: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if hub.poll() is not None or time.monotonic() > deadline:
            sys.exit(log.read_text()[-4000:])
        time.sleep(0.2)


def answers() -> bool:
    try:
        return asked("GET", "/hub/api/")[0] == 200
    except OSError:
        return False


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


def session(hub: "subprocess.Popen[bytes]", log: Path) -> dict[str, object]:
    told: dict[str, object] = {}
    until(answers, hub, log)
    told["user"] = asked("POST", "/hub/api/users/alice")[0]
    told["server"] = asked("POST", "/hub/api/users/alice/server")[0] in (201, 202)
    until(lambda: asked("GET", "/hub/api/users/alice")[1]["server"], hub, log)
    told["containers"] = docker(
        "ps", "--filter", "name=jupyter-alice", "--format", "{{.Names}} {{.Image}} {{.State}} {{.Networks}}"
    )
    told["limit"] = docker("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NetworkMode}}", "jupyter-alice")
    told["kernels"] = asked("GET", "/user/alice/api/status")[1]["kernels"]
    told["saved"] = asked("PUT", "/user/alice/api/contents/x.txt", {"type": "file", "format": "text", "content": "kept"})[0]
    told["stopped"] = asked("DELETE", "/hub/api/users/alice/server")[0] in (202, 204)
    until(lambda: not docker("ps", "-aq", "--filter", "name=jupyter-alice"), hub, log)
    told["started again"] = asked("POST", "/hub/api/users/alice/server")[0] in (201, 202)
    until(lambda: asked("GET", "/hub/api/users/alice")[1]["server"], hub, log)
    told["kept"] = asked("GET", "/user/alice/api/contents/x.txt")[1]["content"]
    told["gone"] = asked("DELETE", "/hub/api/users/alice/server")[0] in (202, 204)
    until(lambda: not docker("ps", "-aq", "--filter", "name=jupyter-alice"), hub, log)
    return told


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "config.py").write_text(CONFIG)
    docker("network", "create", "--subnet", "10.95.0.0/24", "hub-net")
    log = Path(folder, "log")
    environment = {**os.environ, "PYTHONPATH": str(FETCHED), "CONFIGPROXY_AUTH_TOKEN": "a-proxys-token"}
    words = [sys.executable, "-m", "jupyterhub", "--config", "config.py"]
    with log.open("wb") as out, subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=out) as hub:
        try:
            told = session(hub, log)
        finally:
            hub.terminate()
            hub.wait(30)
            docker("rm", "-f", "jupyter-alice")
            docker("volume", "rm", "hub-alice")
            docker("network", "rm", "hub-net")
print(json.dumps(told, indent=1))
