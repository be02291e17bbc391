"""`labcore jobs`: what a daemon does, and for whom."""

import json
import pwd
import time
from typing import Any

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import show_table
from labcore.client.api import list_of, path

HEADS = ["JOB", "STATE", "USER", "WHAT", "SUBJECT", "BEGUN", "TOOK"]
SHOWN = 40  # letters of what a job is about


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "A job is a request to the daemon, from its begin to the end of its answer."
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: all about them, with their spans")
    parser.add_argument("--cancel", metavar="JOB", help="end that one: its client gets no further answer")


def main(args: Arguments) -> int:
    """List the jobs, or cancel one."""
    with client_of(args) as client:
        if args.cancel:
            client.api.change("DELETE", path("labcore", "jobs", args.cancel))
            return 0
        jobs = list_of(client.api.get("/labcore/jobs"), "GET /labcore/jobs")
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
