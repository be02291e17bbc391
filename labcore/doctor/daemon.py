"""Daemon check: which daemon the commands talk to, and whether it answers."""

import os
from collections.abc import Iterator
from pathlib import Path

from labcore.client import Client, connect
from labcore.client.connection import NobodyListens
from labcore.client.hosts import named_host, unix_host
from labcore.doctor.finding import Finding, say
from labcore.errors import LabcoreError
from labcore.paths import daemon_socket


def findings(root: Path) -> Iterator[Finding]:
    """Yield what is known of the daemon of a state root, or of the one that the environment names."""
    affects = say("labcore run, ps and the other commands that docker has")
    try:
        host = named_host(None, None) or unix_host(daemon_socket(root))
        with connect(host) as client:
            yield Finding("daemon", "ok", _detail(client), affects)
    except NobodyListens as error:
        if "DOCKER_HOST" in os.environ:
            yield Finding(
                "daemon", "missing", str(error).partition("\n")[0], affects, say("unset DOCKER_HOST, or start it there")
            )
        else:
            yield Finding("daemon", "ok", say("none runs: the first command that needs one starts it"), affects)
    except LabcoreError as error:
        detail, _, cure = str(error).partition("\n  cure: ")
        yield Finding("daemon", "missing", detail, affects, cure)


def _detail(client: Client) -> str:
    info = client.system.info()
    return say(
        "{version} answers at {host}: {running} of {count} containers run",
        version=info.server_version,
        host=client.host,
        running=info.containers_running,
        count=info.containers,
    )
