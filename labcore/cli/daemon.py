"""`labcore daemon`: the Docker Engine API, served on a unix socket and TCP addresses."""

import argparse
import logging

from labcore.daemon.context import Settings
from labcore.daemon.serve import serve
from labcore.engine import default_root
from labcore.engine.endpoint import RegistryOptions

DEFAULT_HOST = "unix:///run/labcore.sock"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "The stock docker command works with it: docker -H unix:///run/labcore.sock run hello-world"
    parser.add_argument(
        "-H", "--host", dest="hosts", action="append", metavar="URL", help=f"where to listen (default: {DEFAULT_HOST})"
    )
    parser.add_argument(
        "--registry-mirror",
        action="append",
        default=[],
        metavar="URL",
        help="ask this mirror of docker.io first; may be repeated",
    )
    parser.add_argument(
        "--insecure-registry", action="append", default=[], metavar="HOST|CIDR",
        help="speak to this registry, or to those in this network, without TLS; may be repeated",
    )  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Serve until SIGTERM, or Ctrl-C."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    registries = RegistryOptions(tuple(args.registry_mirror), tuple(args.insecure_registry))
    registries.check()
    serve(args.root or default_root(), Settings(hosts=tuple(args.hosts or [DEFAULT_HOST]), registries=registries))
    return 0
