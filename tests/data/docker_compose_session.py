"""An ordinary session of docker-compose 1.29, the one in Python; what each command has come to is printed as JSON."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = {
    "version": "3.8",
    "services": {
        "db": {
            "image": "busybox",
            "command": ["sh", "-c", "touch /ready; echo from db; exec sleep 1000"],
            "healthcheck": {"test": ["CMD", "test", "-e", "/ready"], "interval": "1s", "retries": 20},
            "volumes": ["data:/data"],
            "stop_grace_period": "0s",
        },
        "web": {
            "image": "busybox",
            "command": "sh -c 'echo $$GREETING > /www/index.html; exec httpd -f -h /www'",
            "environment": {"GREETING": "${GREETING:-hello}"},
            "tmpfs": ["/www"],
            "ports": ["18195:80"],
            "depends_on": ["db"],
            "networks": {"default": {"aliases": ["site"]}},
            "stop_signal": "KILL",
            "labels": {"of": "compose"},
        },
    },
    "volumes": {"data": {}},
}
COMMANDS = """
config --services
up -d
ps -q
exec -T db sh -c 'wget -qO- site; echo kept > /data/x; exit 5'
logs --no-color --tail 1 db
run --rm -T -e A=b web sh -c 'echo $A; exit 6'
port web 80
top web
up -d --scale db=2
restart -t 0 web
pause web
unpause web
stop -t 0 web
start web
rm -fs web
images -q
events --help
pull --ignore-pull-failures
down -v -t 0
"""
VARYING = (
    ("-{5,}", "RULE"),
    ("[0-9a-f]{64}", "ID"),
    ("[0-9a-f]{12}", "ID"),
    (r"\bcompose_run_\w+", "RUN"),
    (r"\d+ +\d+ .*", "PROCESS"),
    (r"(?i)\bget \"?https://registry-1\.docker\.io.*", "NO REGISTRY"),
    (r"(?m)^cure: .*", ""),
)


def common(text: str) -> list[str]:
    """Return the lines, sorted: services are brought up side by side."""
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return sorted({" ".join(line.split()) for line in text.replace("\r", "\n").splitlines()})


told = []
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary, "old")
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(json.dumps(PROJECT))
    for command in COMMANDS.strip().splitlines():
        line = f"exec {sys.executable} -m compose --no-ansi {command}"
        done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
        if "Traceback" in done.stderr:
            sys.exit(done.stderr)
        told.append([command, done.returncode, common(done.stdout), common(done.stderr)])
print(json.dumps(told, indent=1))
