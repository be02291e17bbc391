"""`labcore daemon`: the Docker Engine API, served on a unix socket and TCP addresses."""

import logging
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import amount
from labcore.daemon.serve import serve
from labcore.daemon.settings import TLS, Settings
from labcore.engine.image.endpoint import RegistryOptions
from labcore.errors import InvalidInput
from labcore.options.values import pairs
from labcore.paths import daemon_socket, default_root

YEAR = 365 * 86400.0  # seconds
REPEATED = (
    ("--label", "NAME=VALUE", "a label of the daemon itself"),
    ("--default-ulimit", "NAME=SOFT[:HARD]", "a limit of containers that ask for none of that name"),
    ("--log-opt", "NAME=VALUE", "an option of the log driver"),
    ("--registry-mirror", "URL", "ask that mirror of Docker Hub first"),
    ("--insecure-registry", "REGISTRY", "speak to it without TLS, or with any certificate"),
)


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "The stock docker command works with it: docker -H unix:///run/labcore.sock run hello-world. "
        "`labcore daemon status` shows one that runs, `labcore daemon stop` ends it."
    )
    parser.add_argument(
        "-H",
        "--host",
        dest="hosts",
        action="append",
        metavar="URL",
        help="where to listen: unix:///PATH, tcp://ADDRESS:PORT, fd:// (systemd's sockets); repeatable "
        "(default: /run/labcore.sock, an ordinary user's $XDG_RUNTIME_DIR/labcore.sock, labcore.sock in a --root of your own)",
    )
    parser.add_argument("--root", type=Path, metavar="DIR", dest="own_root", help="the state root (as labcore --root)")
    parser.add_argument("-G", "--group", default="", help="whose the socket is (default: labcore, or docker, if there is one)")
    parser.add_argument("-D", "--debug", action="store_true", help="log more")
    tls = parser.add_argument_group("TLS", "Beyond loopback TCP is served with --tlsverify only.")
    tls.add_argument("--tls", action="store_true", help="serve TCP by TLS")
    tls.add_argument("--tlsverify", action="store_true", help="and let in clients with a certificate of that authority alone")
    tls.add_argument("--tlscacert", type=Path, metavar="FILE", help="the authority's certificate (PEM)")
    tls.add_argument("--tlscert", type=Path, metavar="FILE", help="the daemon's certificate (PEM)")
    tls.add_argument("--tlskey", type=Path, metavar="FILE", help="and its key")
    containers = parser.add_argument_group("Containers", "What they have if their creators want nothing else.")
    containers.add_argument("--log-driver", default="json-file", metavar="DRIVER", help="json-file, local or none")
    containers.add_argument(
        "--userns-remap",
        default="",
        metavar="IDS",
        help="map their users to those IDs of the machine: 100000:65536; or those that /etc/subuid gives to USER[:GROUP], or, "
        "with the word default, to dockremap",
    )
    containers.add_argument(
        "--stages", type=Path, metavar="FILE", help="start them by your my_runtime.py, which is read again when it has changed"
    )
    for name, value, line in REPEATED:
        parser.add_argument(name, action="append", default=[], metavar=value, help=line)
    parser.add_argument(
        "--idle-exit", type=amount(0.001, YEAR), metavar="S", help="end after so many seconds without requests and containers"
    )


def main(args: Arguments) -> int:
    """Serve until SIGTERM, or Ctrl-C."""
    level = logging.DEBUG if args.debug else logging.INFO
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=level)
    root = args.own_root or args.root or default_root()
    serve(root, settings_of(args, root))
    return 0


def settings_of(args: Arguments, root: Path) -> Settings:
    """Return how the daemon is to be started. Raises InvalidInput."""
    registries = RegistryOptions(tuple(args.registry_mirror), tuple(args.insecure_registry))
    registries.check()
    return Settings(
        hosts=tuple(args.hosts or [f"unix://{daemon_socket(root)}"]),
        labels=pairs("label", args.label),
        debug=args.debug,
        group=args.group,
        tls=_tls(args),
        log_driver=args.log_driver,
        log_options=pairs("log-opt", args.log_opt),
        ulimits=tuple(args.default_ulimit),
        userns_remap=args.userns_remap,
        registries=registries,
        idle_exit_seconds=args.idle_exit,
        stages=args.stages,
    )


def _tls(args: Arguments) -> TLS | None:
    if not (args.tls or args.tlsverify):
        if args.tlscacert or args.tlscert or args.tlskey:
            raise InvalidInput("--tlscacert, --tlscert and --tlskey go with --tls or --tlsverify: add one of them")
        return None
    if not (args.tlscert and args.tlskey) or (args.tlsverify and not args.tlscacert):
        raise InvalidInput("--tls takes --tlscert FILE and --tlskey FILE, and --tlsverify also --tlscacert FILE")
    return TLS(args.tlscert, args.tlskey, args.tlscacert if args.tlsverify else None)
