"""`labcore daemon status`: which daemon answers."""

from labcore.cli.connection import host_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import ago
from labcore.client import Client, connect
from labcore.client.connection import NobodyListens
from labcore.errors import NotFound

NOT_RUNNING = 3  # as the Linux Standard Base has it of a service


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = f"Exit status: 0 if a daemon answers, {NOT_RUNNING} if none does; none is started."


def main(args: Arguments) -> int:
    """Print what is known of it."""
    host = host_of(args)
    try:
        with connect(host) as client:
            lines = _described(client)
    except NobodyListens:
        print(f"no daemon listens at {host}; the next command that needs one starts it")
        return NOT_RUNNING
    for name, value in {"answers at": str(host), **lines}.items():
        print(f"{name:11} {value}")
    return 0


def _described(client: Client) -> dict[str, str]:
    info = client.system.info()
    counts = f"{info.containers_running} running, {info.containers} in all"
    try:
        own = client.daemon.inspect()
    except NotFound:
        return {"daemon": f"docker {info.server_version}, not labcore's", "state root": info.root, "containers": counts}
    since = ago(own.started_ns / 1e9)
    return {
        "daemon": f"labcore {own.version}, process {own.pid}, started {since}",
        "listens at": ", ".join(own.hosts),
        "state root": own.root,
        "containers": counts,
        "ends": f"after {own.idle_exit_seconds:g} idle seconds"
        if own.idle_exit_seconds
        else "when it is told: labcore daemon stop",
    }
