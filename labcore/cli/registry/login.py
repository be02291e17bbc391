"""`labcore registry login`: try and keep credentials of a registry."""

import sys

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.client import RegistryAuth
from labcore.errors import InvalidInput
from labcore.registry.credentials import TOKEN_USER, Credentials, keep
from labcore.spec.reference import HUB, check_registry


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("registry", nargs="?", default=HUB, metavar="REGISTRY", help="HOST[:PORT] (default: docker.io)")
    parser.add_argument("-u", "--username", metavar="USER", help="the user; without it, it is asked for")
    parser.add_argument("-p", "--password", metavar="PASSWORD", help="the password, which others can see in the process list")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.epilog = "They are kept where docker keeps them: ~/.docker/config.json, or with the helper that is named there."


def main(args: Arguments) -> int:
    """Ask, have the daemon try them at the registry, and keep them if it takes them."""
    registry = check_registry(args.registry)
    user, password = _ask(args)
    with client_of(args) as client:
        token = client.system.log_in(RegistryAuth(user, password, registry))
    place = keep(registry, Credentials(TOKEN_USER, token) if token else Credentials(user, password))
    print(f"Login Succeeded: {user} at {registry}; kept in {place}")
    return 0


def _ask(args: Arguments) -> tuple[str, str]:
    user, password = args.username, args.password
    if args.password_stdin:
        if password is not None:
            raise InvalidInput("--password and --password-stdin are mutually exclusive")
        password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
        if not user:
            raise InvalidInput("--password-stdin: the user is wanted, too: -u USER")
    elif not (user and password):
        user, password = _ask_terminal(args.registry, user)
    if not user or not password:
        raise InvalidInput("a user and a password are wanted")
    return user, password


def _ask_terminal(registry: str, user: str | None) -> tuple[str, str]:
    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask for the password: pipe it in, with -u USER --password-stdin")
    from getpass import getpass

    try:
        return user or input(f"User at {registry}: ").strip(), getpass("Password: ")
    except EOFError:
        return "", ""
