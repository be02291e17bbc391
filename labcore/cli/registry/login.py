"""`labcore registry login`: try and keep credentials of a registry."""

import argparse
import sys

from labcore.cli.transfer import connection, registry_endpoint
from labcore.errors import InvalidInput
from labcore.registry.credentials import Credentials, keep
from labcore.registry.transport import Transport
from labcore.spec.reference import HUB


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("registry", nargs="?", default=HUB, metavar="REGISTRY", help="HOST[:PORT] (default: docker.io)")
    parser.add_argument("-u", "--username", metavar="USER", help="the user; without it, it is asked for")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    connection(parser)
    parser.epilog = "They are kept where docker keeps them: ~/.docker/config.json, or with the helper that is named there."


def main(args: argparse.Namespace) -> int:
    """Ask, try them at the registry, and keep them if it takes them."""
    endpoint = registry_endpoint(args, args.registry)
    credentials = Credentials(*_ask(args))
    transport = Transport(endpoint, credentials)
    try:
        transport.request("GET", "/v2/").close()
    finally:
        transport.close()
    place = keep(endpoint.registry, credentials)
    print(f"{endpoint.registry}: {credentials.user} is let in; kept in {place}")
    return 0


def _ask(args: argparse.Namespace) -> tuple[str, str]:
    if args.password_stdin:
        user, password = args.username, sys.stdin.read().removesuffix("\n").removesuffix("\r")
        if not user:
            raise InvalidInput("--password-stdin: the user is wanted, too: -u USER")
    elif sys.stdin.isatty():
        from getpass import getpass

        try:
            user = args.username or input(f"User at {args.registry}: ").strip()
            password = getpass("Password: ")
        except EOFError:
            user = password = ""
    else:
        raise InvalidInput("there is no terminal to ask for the password: pipe it in, with -u USER --password-stdin")
    if not user or not password:
        raise InvalidInput("a user and a password are wanted")
    return user, password
