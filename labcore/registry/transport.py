"""Transport: requests to a registry with retries, redirects and authentication; secrets go to the registry only."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

from labcore.registry.client_auth import Authorization
from labcore.registry.connections import Answer, Connections, IncompleteBody, Payload, Unreachable
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import TUNNEL, Endpoint, RegistryError, explain
from labcore.registry.retry import is_long, pause
from labcore.registry.timeouts import IO_TIMEOUT_SECONDS, HeadTooLong
from labcore.registry.urls import origin, resolve, shown

__all__ = ["Answer", "Endpoint", "IncompleteBody", "RegistryError", "Transport", "pause"]

ATTEMPTS: Final = 5
REDIRECTS: Final = 5
KEPT: Final = (307, 308)  # the method and the body are kept
REDIRECTED: Final = (301, 302, 303, *KEPT)
ERROR_MAX: Final = 1 << 20
ERRORS_MAX: Final = 10  # of one answer, that are shown
RETRIED_STATUSES: Final = {429, 500, 502, 503, 504}
NOT_RETRIED: Final = (
    ssl.SSLError,
    ConnectionRefusedError,
    Unreachable,
    http.client.LineTooLong,
    http.client.InvalidURL,
    HeadTooLong,
)

CURES: Final = {
    429: "wait; `labcore login` may raise the limit, and `labcore registry serve --proxy` makes one download of many",
}


class Transport:
    """Speaks to one registry, from several threads at once."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None = None,
        *,
        attempts: int = ATTEMPTS,
        timeout: float = IO_TIMEOUT_SECONDS,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.attempts = attempts
        self._stopped = threading.Event()
        self.sleep = sleep or self._stopped.wait
        self._connections = Connections(endpoint, timeout)
        self._authorization = Authorization(endpoint, credentials, self._ask_for_token)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Payload = None,
        length: int | None = None,
        scope: str = "",
        accepted: tuple[int, ...] = (200,),
        retry: bool = True,
    ) -> Answer:
        """Send a request, and return an answer with an accepted status. A `body` that is a function is called for each attempt.

        Requests without an answer, and answers 429 and 5xx, are retried unless `retry` is false. Raises RegistryError.
        """
        url = urljoin(self.endpoint.base, path)
        attempts = self.attempts if retry else 1
        for attempt in range(1, attempts + 1):
            if retry and self._stopped.is_set():
                break
            is_last = attempt == attempts
            try:
                answer = self._authorized(method, url, dict(headers or {}), body, length, scope)
            except (OSError, http.client.HTTPException) as error:
                if is_last or _is_permanent(error):
                    raise self._unanswered(method, url, error) from None
                retry_after = None
            except RegistryError as error:  # it leads astray, or whoever gives tokens does not
                if is_last or error.status not in RETRIED_STATUSES:
                    raise
                retry_after = error.retry_after
            else:
                if answer.status in accepted:
                    return answer
                if is_last or answer.status not in RETRIED_STATUSES or is_long(answer):
                    raise self._refused(method, url, answer)
                retry_after = answer.headers.get("Retry-After")
                answer.close()
            self.wait(attempt, retry_after)
        raise RegistryError(f"{method} {shown(url)}: it was given up")

    def _unanswered(self, method: str, url: str, error: Exception) -> RegistryError:
        said = explain(error, self.endpoint, urlsplit(url).netloc)
        if isinstance(error, http.client.HTTPException):  # it may be what the registry said
            said = self._authorization.conceal(said)
        return RegistryError(f"{method} {shown(url)}: {said}")

    def _refused(self, method: str, url: str, answer: Answer) -> RegistryError:
        """Return what an answer with another status than those accepted says, and how to mend it; the answer is read."""
        errors = [(code, self._authorization.conceal(said)) for code, said in _errors(answer)]
        said = "; ".join(f"{code}: {said}" if code else said for code, said in errors)
        cure = f"\n  cure: {CURES[answer.status]}" if answer.status in CURES else ""
        code, first = errors[0]
        message = f"{method} {shown(url)}: {answer.status}: {said}{cure}"
        return RegistryError(message, answer.status, answer.headers.get("Retry-After"), code=code, said=first)

    def fetch(
        self, path: str, limit: int, *, headers: Mapping[str, str] | None = None, scope: str = ""
    ) -> tuple[bytes, Answer]:  # fmt: skip
        """Return a small answer with its whole body; retried if it breaks off. Raises RegistryError."""
        for attempt in range(1, self.attempts + 1):
            with self.request("GET", path, headers=headers, scope=scope) as answer:
                try:
                    return answer.read_at_most(limit), answer
                except IncompleteBody:
                    if attempt == self.attempts or self._stopped.is_set():
                        raise
            self.wait(attempt)
        raise RegistryError(f"GET {shown(urljoin(self.endpoint.base, path))}: it was given up")

    def resolve(self, base: str, reference: str) -> str:
        """Resolve a URL reference of an answer. Raises RegistryError if it is invalid, or downgrades to plain HTTP.

        One to the same host keeps that one's scheme: behind a proxy a registry does not know that its clients use TLS.
        """
        try:
            url = resolve(base, reference)
        except RegistryError as error:
            raise RegistryError(self._authorization.conceal(str(error))) from None
        if url.startswith("http:") and not self.endpoint.insecure:
            if urlsplit(url).netloc != urlsplit(base).netloc:
                raise RegistryError(f"{self.endpoint.host} leads to {self._shown_url(url)}, which is not secured")
            url = "https" + url.removeprefix("http")
        return url

    def wait(self, attempt: int, retry_after: str | None = None) -> None:
        """Wait before the next attempt; return at once after `stop`."""
        self.sleep(pause(attempt, retry_after))

    def stop(self) -> None:
        """Cancel the requests of other threads, and all retries. A single request may still clean up after them."""
        self._stopped.set()
        self._connections.abort()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _authorized(
        self, method: str, url: str, headers: dict[str, str], body: Payload, length: int | None, scope: str
    ) -> Answer:  # fmt: skip
        """Send a request; after a challenge, once more with credentials."""
        said = self._authorization.known(scope)
        answer = self._follow_redirects(method, url, headers, body, length, said)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        answer.close()
        self._refuse_other_challenger(answer)
        said = self._authorization.learn(answer.headers.get_all("WWW-Authenticate") or [], scope, said)
        if said is None:
            raise RegistryError(f"{shown(url)}: a user and password are wanted: labcore login {self.endpoint.registry}", 401)
        answer = self._follow_redirects(method, url, headers, body, length, said)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer.close()
            self._refuse_other_challenger(answer)
            self._authorization.forget(scope)
            code = "DENIED" if said.startswith("Bearer") else "UNAUTHORIZED"
            raise RegistryError(f"{shown(url)}: the user or password is wrong, or may not do this", 401, code=code)
        return answer

    def _shown_url(self, url: str) -> str:
        """Return a URL of the registry's without secrets."""
        return self._authorization.conceal(shown(url))

    def _refuse_other_challenger(self, answer: Answer) -> None:
        """Raise RegistryError if another host than the registry sends a challenge."""
        if origin(answer.url) != origin(self.endpoint.base):
            raise RegistryError(
                f"{self.endpoint.host} leads to {self._shown_url(answer.url)}, which wants to know who asks, and is not told",
                401,
            )

    def _follow_redirects(
        self, method: str, url: str, headers: dict[str, str], body: Payload, length: int | None, authorization: str | None
    ) -> Answer:  # fmt: skip
        """Send a request and follow redirects (RFC 9110, 15.4); credentials go to the registry itself only.

        307 and 308 keep the method and the body; others are followed for GET and HEAD only.
        """
        home, first = origin(self.endpoint.base), url
        for _ in range(REDIRECTS):
            said = {**headers, "Authorization": authorization} if authorization and origin(url) == home else headers
            answer = self._connections.ask(method, url, said, body, length)
            location = answer.headers.get("Location")
            if location is None or answer.status not in (KEPT if method not in ("GET", "HEAD") else REDIRECTED):
                return answer
            answer.close()
            url = self.resolve(url, location)
        raise RegistryError(f"{shown(first)}: one redirection after another, at last to {self._shown_url(url)}")

    def _ask_for_token(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Request a token and follow redirects; credentials go to the token server itself only."""
        home, first = origin(url), url
        for _ in range(REDIRECTS):
            answer = self._connections.ask(method, url, headers, body, None)
            location = answer.headers.get("Location")
            if location is None or answer.status not in (KEPT if body else REDIRECTED):
                return answer
            answer.close()
            url = self.resolve(url, location)
            if origin(url) != home and (body or "Authorization" in headers):
                raise RegistryError(f"{shown(first)} gives no token and leads to {self._shown_url(url)}, which is told nothing")
        raise RegistryError(f"{shown(first)} gives no token: one redirection after another")


def _is_permanent(error: Exception) -> bool:
    """Would the next attempt fail, too?"""
    if isinstance(error, socket.gaierror):
        return error.errno != socket.EAI_AGAIN
    if str(error).startswith(TUNNEL):
        return str(error).startswith(f"{TUNNEL} 4")
    return isinstance(error, NOT_RETRIED) and not isinstance(error, ssl.SSLEOFError)


def _errors(answer: Answer) -> list[tuple[str, str]]:
    """Return the codes and messages of an error answer, safe to be shown; one without a code if it has none."""
    with answer:
        try:
            errors = json.loads(answer.read_at_most(ERROR_MAX))["errors"]
            found = [(str(error.get("code")), str(error.get("message"))) for error in errors[:ERRORS_MAX]]
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError, RegistryError):
            found = []
    return [(_printable(code), _printable(said)) for code, said in found] or [("", answer_phrase(answer.status))]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:1000])


def answer_phrase(status: int) -> str:
    """Return the reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an answer that HTTP does not know"
