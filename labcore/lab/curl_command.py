"""curl: `lab.curl(url)` shows the command line and the answer with its head, by curl itself where it is installed."""

import http.client
import shlex
import shutil
import socket
import subprocess
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

from labcore.lab.messages import say

SECONDS: Final = 5.0


def curl(url: str, *, unix_socket: str | None = None, method: str = "GET", user: str | None = None) -> None:
    """Print what `curl -i` prints of an answer; `user` is whose process asks. Where no curl is, the same request is made."""
    words = ["curl", "-sSi", *(["-X", method] if method != "GET" else [])]
    words += ["--unix-socket", unix_socket] if unix_socket else []
    who = ["sudo", "-u", user] if user else []
    print("$", shlex.join([*who, *words, url]))
    if shutil.which("curl") is None and user is None:
        print(say("(curl is not installed here: this is what it would show)"))
        try:
            print(_asked(url, unix_socket, method), end="\n\n")
        except OSError as error:
            print(f"curl: {error.strerror}", end="\n\n")
        return
    command = [*words, "--max-time", str(SECONDS), url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, user=user)
    except OSError as error:
        print(f"curl: {error.strerror}", end="\n\n")
        return
    print((done.stdout.replace("\r", "") + done.stderr).strip(), end="\n\n")


def _asked(url: str, unix_socket: str | None, method: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    if unix_socket:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(unix_socket)
    with closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer: Any = connection.getresponse()
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.getheaders())]
        return "\n".join([*head, "", answer.read().decode(errors="replace").strip()])
