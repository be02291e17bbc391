"""`labcore jobs`: what a daemon does, and for whom."""

import argparse
import http.client
import json
import os
import pwd
import socket
import time
from contextlib import closing
from typing import Any

from labcore.cli.formatting import show_table
from labcore.errors import InvalidInput, NotFound, Unavailable

HEADS = ["JOB", "STATE", "USER", "WHAT", "SUBJECT", "BEGUN", "TOOK"]
SHOWN = 40  # letters of what a job is about


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "A job is a request to the daemon, from its begin to the end of its answer."
    parser.add_argument("-H", "--host", metavar="URL", help="the daemon's socket: unix:///PATH (default: the daemon's default)")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: all about them, with their spans")
    parser.add_argument("--cancel", metavar="JOB", help="end that one: its client gets no further answer")


def main(args: argparse.Namespace) -> int:
    """List the jobs, or cancel one."""
    if args.cancel:
        _ask(args.host, "DELETE", f"/labcore/jobs/{args.cancel}")
        return 0
    jobs = json.loads(_ask(args.host, "GET", "/labcore/jobs"))
    if args.format == "json":
        print(json.dumps(jobs, indent=4))
    else:
        show_table(HEADS, [_row(job) for job in jobs])
    return 0


def _row(job: dict[str, Any]) -> list[str]:
    begun, ended = job["StartedNano"] / 1e9, (job["EndedNano"] or time.time_ns()) / 1e9
    moment = time.strftime("%H:%M:%S", time.localtime(begun))
    return [job["Id"], job["State"], _user(job["Uid"]), job["Kind"], job["Subject"][:SHOWN], moment, f"{ended - begun:.3f} s"]


def _user(uid: int) -> str:
    try:
        return "-" if uid < 0 else pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _ask(host: str | None, method: str, path: str) -> bytes:
    from labcore.daemon.listeners import default_host

    url = host or os.environ.get("DOCKER_HOST") or default_host()
    kind, _, place = url.partition("://")
    if kind != "unix":
        raise InvalidInput(f"-H {url}: unix:///PATH is wanted")
    connection = http.client.HTTPConnection("labcore")
    with closing(connection), socket.socket(socket.AF_UNIX) as connected:
        try:
            connected.connect(place)
        except OSError as error:
            raise Unavailable(f"no daemon answers at {url}: {error.strerror}\n  cure: start one: labcore daemon") from None
        connection.sock = connected
        connection.request(method, path)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status >= 400:
        raise NotFound(json.loads(content)["message"])
    return content
