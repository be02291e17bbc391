"""An ordinary session of the devcontainer command: up and exec, of an image and of a compose project; told as JSON.

Its path is the first argument. Images are not built: features and `build` in devcontainer.json need the builder.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGE = {
    "name": "box",
    "image": "busybox",
    "workspaceFolder": "/work",
    "workspaceMount": "source=${localWorkspaceFolder},target=/work,type=bind",
    "mounts": ["source=devcontainer-data,target=/data,type=volume"],
    "containerEnv": {"INSIDE": "yes"},
    "remoteEnv": {"REMOTE": "${containerEnv:INSIDE}, too"},
    "runArgs": ["--hostname", "dev", "--label", "of=devcontainer", "--memory", "128m", "--cap-drop", "MKNOD"],
    "capAdd": ["SYS_PTRACE"],
    "init": True,
    "postCreateCommand": "echo created > /data/created",
    "postStartCommand": {"one": "echo started > /data/started"},
}
COMPOSED = {"dockerComposeFile": "compose.yaml", "service": "app", "workspaceFolder": "/work", "shutdownAction": "stopCompose"}
PROJECT = {
    "services": {
        "app": {"image": "busybox", "command": "sleep 1000", "volumes": ["..:/work"], "depends_on": ["web"]},
        "web": {"image": "busybox", "command": "sh -c 'echo page > /index.html; exec httpd -f -h /'"},
    }
}
LOOK = """
pwd; hostname; echo $INSIDE $REMOTE; cat file /data/created /data/started; grep CapEff /proc/self/status
echo told >&2; exit 3
"""


def devcontainer(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["node", sys.argv[1], *words], capture_output=True, text=True, check=False)


def up(folder: Path, *words: str) -> dict[str, object]:
    done = devcontainer("up", "--workspace-folder", str(folder), *words)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def made(folder: Path, name: str, content: object) -> None:
    (folder / ".devcontainer").mkdir(parents=True, exist_ok=True)
    (folder / ".devcontainer" / name).write_text(json.dumps(content))
    (folder / "file").write_text("mine\n")


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


told: dict[str, object] = {}
with tempfile.TemporaryDirectory() as temporary:
    box, composed = Path(temporary, "box"), Path(temporary, "composed")
    made(box, "devcontainer.json", IMAGE)
    first = up(box)
    told["up"] = [first["outcome"], first["remoteUser"], first["remoteWorkspaceFolder"]]
    looked = devcontainer("exec", "--workspace-folder", str(box), "sh", "-c", LOOK)
    told["exec"] = [looked.returncode, looked.stdout, "told" in looked.stderr]
    told["again"] = up(box)["containerId"] == first["containerId"]
    docker("stop", "-t", "0", str(first["containerId"]))
    told["started"] = up(box)["containerId"] == first["containerId"]
    told["new"] = up(box, "--remove-existing-container")["containerId"] != first["containerId"]
    read = json.loads(
        devcontainer("read-configuration", "--workspace-folder", str(box), "--include-merged-configuration").stdout
    )
    told["merged"] = sorted(read["mergedConfiguration"])
    made(composed, "devcontainer.json", COMPOSED)
    made(composed, "compose.yaml", PROJECT)
    told["composed"] = up(composed)["outcome"]
    page = devcontainer("exec", "--workspace-folder", str(composed), "sh", "-c", "cat file; wget -qO- web")
    told["page"] = [page.returncode, page.stdout]
    for label in ("devcontainer.local_folder", "com.docker.compose.project=composed_devcontainer"):
        docker("rm", "-fv", *docker("ps", "-aq", "--filter", f"label={label}").split())
    docker("volume", "rm", "devcontainer-data")
    docker("network", "rm", "composed_devcontainer_default")
print(json.dumps(told, indent=1))
