"""`labcore registry serve`: a registry server, or a pull-through cache."""

import logging
import resource
import signal
import ssl
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import amount
from labcore.engine import default_root
from labcore.errors import InvalidInput
from labcore.registry import credentials
from labcore.registry.registries import configured_endpoint
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import AllowAll, Htpasswd

YEAR = 365 * 86400.0  # seconds


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--listen", default="127.0.0.1:5000", metavar="ADDRESS:PORT", help="where (default: 127.0.0.1:5000)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="what it keeps (default: registry or cache below the state root)"
    )
    parser.add_argument("--read-only", action="store_true", help="nothing can be pushed or deleted")
    parser.add_argument("--htpasswd", type=Path, metavar="FILE", help="users and passwords, as `htpasswd -B` writes them")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve by HTTPS, with this certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="and this key")
    cache = parser.add_argument_group(
        "A cache of another registry", "One download for a whole class; `labcore login` lets it in."
    )
    cache.add_argument("--proxy", metavar="REGISTRY", help="get what is asked for from there, such as docker.io, and keep it")
    cache.add_argument("--proxy-plain-http", action="store_true", help="speak to it without TLS (the default on loopback)")
    cache.add_argument("--proxy-ca", type=Path, metavar="FILE", help="trust this authority's certificates, too (PEM)")
    cache.add_argument(
        "--fresh", type=amount(0, YEAR), default=60, metavar="S", help="seconds for which a tag is believed (default: 60)"
    )
    cache.add_argument(
        "--keep", type=amount(0.001, 1e9), metavar="GB", help="keep at most so much; what nobody wanted for long goes first"
    )


def main(args: Arguments) -> int:
    """Serve until Ctrl-C."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection takes one
    address, _, port = args.listen.rpartition(":")
    if not address or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise InvalidInput(f"--listen {args.listen}: an address and a port are wanted, such as 127.0.0.1:5000")
    data = args.data or (args.root or default_root()) / ("cache" if args.proxy else "registry")
    logging.basicConfig(format="%(asctime)s %(message)s")  # on standard error
    registry = _registry(args, data)
    server, number = registry.serve(address.strip("[]"), int(port), tls=_tls(args))
    for number_of in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_of, signal.default_int_handler)
    what = f"a cache of {args.proxy}; " if args.proxy else ""
    print(f"registry at {'https' if args.tls_cert else 'http'}://{address}:{number} ({what}Ctrl-C ends it)", flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        registry.close()
        server.close()
    return 0


def _registry(args: Arguments, data: Path) -> Registry:
    settings = Settings(Htpasswd(args.htpasswd) if args.htpasswd else AllowAll(), args.read_only)
    if not args.proxy:
        return Registry(data, settings)
    from labcore.registry.cache import Cache

    file = (args.root or default_root()) / "registries.toml"
    upstream = configured_endpoint(args.proxy, file, insecure=True if args.proxy_plain_http else None, authority=args.proxy_ca)
    if not args.fresh >= 0 or (args.keep is not None and not 0 < args.keep < 1e9):  # nan is neither
        raise InvalidInput("--fresh, --keep: a number is wanted, of seconds and of gigabytes")
    max_bytes = int(args.keep * 1e9) if args.keep else None
    return Cache(data, upstream, credentials.find(upstream.registry), settings, fresh=args.fresh, max_bytes=max_bytes)


def _tls(args: Arguments) -> ssl.SSLContext | None:
    if bool(args.tls_cert) != bool(args.tls_key):
        raise InvalidInput("--tls-cert and --tls-key belong together")
    if not args.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(args.tls_cert, args.tls_key)
    except OSError as error:  # which does not say of what
        raise InvalidInput(f"{args.tls_cert}, {args.tls_key}: no certificate and its key: {error}") from None
    return context
