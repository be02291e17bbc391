"""Registry endpoint: URL, TLS and trusted certificates, mirrors; and errors of connecting, explained."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from labcore.errors import InvalidInput, LabcoreError, Unavailable
from labcore.record import Record
from labcore.spec.reference import HUB, check_registry

HUB_HOST: Final = "registry-1.docker.io"  # where docker.io's registry really is
LOOPBACK: Final = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?")
TUNNEL: Final = "Tunnel connection failed:"  # http.client's words for what a proxy answered
SYSTEM: Final = Path("/etc/docker/certs.d")


class RegistryError(LabcoreError):
    """A request to a registry has failed.

    `status` is the answer's, 0 if there was none; `retry_after` its field Retry-After; `code` and `said` are of the first error
    in its body (distribution-spec, error codes), or empty.
    """

    def __init__(
        self, message: str, status: int = 0, retry_after: str | None = None, *, code: str = "", said: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.code = code
        self.said = said


class Endpoint(Record):
    """A registry's address and how to connect to it.

    `insecure`: plain HTTP. `authority`: a file of certificates to be trusted besides the system's and docker's,
    `/etc/docker/certs.d/HOST/*.crt`. `mirrors` are asked first by pulls.
    """

    host: str
    insecure: bool = False
    authority: Path | None = None
    mirrors: tuple["Endpoint", ...] = ()

    @classmethod
    def of(
        cls,
        registry: str,
        *,
        insecure: bool | None = None,
        authority: Path | None = None,
        mirrors: tuple["Endpoint", ...] = (),
    ) -> Self:
        """Return the endpoint of a registry by its name. Raises InvalidInput.

        One on the loopback is reached by plain HTTP, unless `insecure` says otherwise or there are certificates for it.
        """
        host = HUB_HOST if check_registry(registry) == HUB else registry
        if insecure is None:
            insecure = bool(LOOPBACK.fullmatch(host)) and not authority and not any(_directories(host))
        if insecure and authority:
            raise InvalidInput("without TLS no certificate is looked at: give either plain-http or ca")
        return cls(host, insecure, authority, mirrors)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the endpoint of a URL, or of a host with its port. Raises InvalidInput."""
        match = re.fullmatch(r"(?:(https?)://)?([^/?#]+)/?", url)
        if match is None:
            raise InvalidInput(f"{url!r} is no registry: https://HOST[:PORT], http://HOST[:PORT] or HOST[:PORT] is wanted")
        return cls.of(match[2], insecure={"http": True, "https": False}.get(match[1]))

    @property
    def base(self) -> str:
        """The URL of its API."""
        return f"{'http' if self.insecure else 'https'}://{self.host}"

    @property
    def registry(self) -> str:
        """The registry's name in references and in credentials."""
        return HUB if self.host == HUB_HOST else self.host

    def context(self, *, own: bool) -> ssl.SSLContext:
        """Return the TLS context: for the registry itself (`own`), or for hosts that it redirects to.

        Raises InvalidInput, Unavailable.
        """
        context = ssl.create_default_context()
        if self.authority:
            _trust(context, self.authority)
        for directory in _directories(self.host):
            for file in sorted(directory.iterdir()):
                if file.suffix == ".crt":
                    _trust(context, file)
                elif file.suffix == ".cert" and own:
                    _show(context, file)
        return context


def _directories(host: str) -> Iterator[Path]:
    """Yield docker's directories of a registry's certificates: the system's, and the user's own."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "docker/certs.d"
    for directory in (SYSTEM / host, own / host):
        if directory.is_dir():
            yield directory


def _trust(context: ssl.SSLContext, file: Path) -> None:
    try:
        context.load_verify_locations(cafile=str(file))
    except ssl.SSLError:
        raise InvalidInput(f"{file}: there is no certificate in it; PEM is wanted (-----BEGIN CERTIFICATE-----)") from None
    except OSError as error:
        raise Unavailable(f"{file}: {error.strerror}") from None


def _show(context: ssl.SSLContext, file: Path) -> None:
    key = file.with_suffix(".key")
    try:
        context.load_cert_chain(file, key)
    except (ssl.SSLError, OSError) as error:
        raise Unavailable(f"{file}: it is no client's certificate with its key in {key.name}: {error}") from None


def explain(error: Exception, endpoint: Endpoint, host: str) -> str:
    """Return a connection error's explanation, with the cure where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = str(error.verify_message).rstrip(".")
        where = f"{SYSTEM}/{endpoint.host}/ca.crt"
        cure = "the name in the image's name must be one that the certificate is for"
        if "self-signed" in reason or "local issuer" in reason:
            cure = (
                f"if you trust who made it, put that authority's certificate into {where}, or name it in {_table(endpoint)}: ca"
            )
        elif "expired" in reason or "not yet valid" in reason:
            cure = "have it renewed, or set this machine's clock"
        return f"the certificate of {host} does not hold: {reason}\n  cure: {cure}"
    if isinstance(error, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return f"{host} does not speak TLS\n  cure: if it is meant to be so, in {_table(endpoint)}: plain-http = true"
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(error):
        cure = f"put it into {SYSTEM}/{endpoint.host}/client.cert, and its key into client.key beside it"
        return f"{host} wants to see a client's certificate\n  cure: {cure}"
    said = str(error) or type(error).__name__
    if said.startswith(TUNNEL):
        return f"the proxy does not let us through: {said.removeprefix(TUNNEL).strip()}\n  cure: HTTPS_PROXY, or NO_PROXY"
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {host}\n  cure: look at its name; `labcore registry serve` starts a registry"
    if isinstance(error, socket.gaierror):
        return f"no address is known for {host}: {error.strerror}\n  cure: look at the name, and at this machine's network"
    if endpoint.insecure and isinstance(error, ConnectionError):
        cure = f"if it speaks TLS, put its authority's certificate into {SYSTEM}/{endpoint.host}/ca.crt"
        return f"{said}\n  cure: {cure}"
    return said


def _table(endpoint: Endpoint) -> str:
    """Return where a registry's settings stand."""
    return f'registries.toml in the state root, ["{endpoint.registry}"]'
