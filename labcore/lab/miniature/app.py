"""The miniature daemon's app: finds a request's handler by the learner's `route`, calls it, and sends what it returns."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from labcore.errors import Forbidden, InvalidInput
from labcore.http import RawStream, Request, Response, Upgrade
from labcore.http.exceptions import HTTPException
from labcore.http.origin import check_origin
from labcore.lab.failures import described
from labcore.lab.messages import say
from labcore.lab.miniature.containers import Containers, Execs, NoSuchContainer
from labcore.lab.miniature.log import LOG_PATH, Log
from labcore.lab.miniature.messages import Asked, Hijack, Reply
from labcore.lab.stores import store

JSON: Final = {"Content-Type": "application/json"}
STREAMS: Final = {"Content-Type": "application/vnd.docker.multiplexed-stream"}
STATUSES: Final = range(100, 600)
SHOWN: Final = 60  # letters of a value in a message


class Mistake(Exception):
    """A handler, or `route`, does not do what it has to; the message says how to mend it, and is answered with 500."""


class MiniatureDaemon:
    """What handlers share: containers, further programs in them, the command that runs one, the store, a registry's URL."""

    def __init__(self, runtime: Sequence[str], registry: str = "") -> None:
        self.runtime = list(runtime)
        self.registry = registry
        self.containers = Containers()
        self.execs = Execs()

    @property
    def store(self) -> str:
        """The path of the lesson's store."""
        return store()


class App:
    """Answers requests by the handlers of a module, which `load` returns anew for each: `labcore.http.App`."""

    def __init__(self, load: Callable[[], ModuleType], routes: Sequence[tuple[str, str, str]], daemon: MiniatureDaemon) -> None:
        self.daemon = daemon
        self.log = Log()
        self._load = load
        self._routes = list(routes)

    def __call__(self, request: Request) -> Response | Upgrade:
        """Answer a request, and note it."""
        if request.path == LOG_PATH:
            return _json(200, self.log.take())
        with self.log.noted(request) as row:
            response, row.said = self._answer_or_error(request)
            row.status = 101 if isinstance(response, Upgrade) else response.status
            return response

    def _answer_or_error(self, request: Request) -> tuple[Response | Upgrade, str]:
        """Return the answer, and what is to be said of it to whoever writes the handlers."""
        file = ""
        try:
            check_origin(request)
            module = self._load()
            file = str(module.__file__)
            return self._answer(module, Asked.of(request)), ""
        except HTTPException as error:
            return _error(error.status, str(error)), str(error)
        except NoSuchContainer as error:
            return _error(404, str(error)), str(error)
        except (InvalidInput, Forbidden) as error:
            return _error(403 if isinstance(error, Forbidden) else 400, str(error)), str(error)
        except Exception as error:
            text = str(error) if isinstance(error, Mistake) else described(error, file)
            return _error(500, text), text

    def _answer(self, module: ModuleType, asked: Asked) -> Response | Upgrade:
        name, values = _found(module.route(asked.method, asked.path, self._routes))
        if name is None:
            return _error(404, "page not found")
        handler = getattr(module, name, None)
        if not callable(handler):
            raise Mistake(say("`route` returned {name}: there is no such handler", name=_shown(name)))
        return _sent(name, handler(self.daemon, asked, *values), lambda error: described(error, str(module.__file__)))


def _found(returned: Any) -> tuple[str | None, Sequence[str]]:
    """Return what `route` has found. Raises Mistake for what is no pair of a name and a list."""
    if isinstance(returned, tuple) and len(returned) == 2:
        name, values = returned
        if (name is None or isinstance(name, str)) and isinstance(values, list | tuple):
            return name, values
    raise Mistake(
        say("`route` returned {what}; a pair is wanted: the handler's name, and a list", what=_shown(returned))
        + _return_missing(returned)
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _return_missing(returned: Any) -> str:
    return "\n" + say("is `return` missing there?") if returned is None else ""


def _sent(name: str, returned: Any, explain: Callable[[BaseException], str]) -> Response | Upgrade:
    """Return what is sent for what a handler has returned. Raises Mistake for what cannot be sent."""
    if isinstance(returned, Hijack):
        if callable(returned.chunks):
            raise Mistake(say("`{name}` gave a function to Hijack; call it: `Hijack(output())`", name=name))
        return Upgrade(lambda stream: _write_all(name, stream, returned.chunks, explain), STREAMS)
    if not isinstance(returned, Reply):
        if isinstance(returned, Iterator):
            raise Mistake(say("`{name}` has a `yield` of its own: that belongs in a function inside of it", name=name))
        text = say("`{name}` returned {what}; a Reply is wanted", name=name, what=_shown(returned))
        raise Mistake(text + _return_missing(returned))
    if type(returned.status) is not int or returned.status not in STATUSES:
        raise Mistake(say("`{name}`: {status} is no status of HTTP", name=name, status=_shown(returned.status)))
    if not all(isinstance(text, str) for pair in returned.headers.items() for text in pair):
        raise Mistake(say("`{name}`: the names and values of headers are text: {headers}", name=name, headers=returned.headers))
    status, headers, body = returned.status, returned.headers, returned.body
    if isinstance(body, bytes):
        return Response(status, headers, body)
    if isinstance(body, str):
        return Response(status, {"Content-Type": "text/plain; charset=utf-8", **headers}, body.encode())
    if callable(body):
        raise Mistake(say("`{name}` gave a function as the body; call it: `Reply({status}, body())`", name=name, status=status))
    if isinstance(body, Iterator):
        return Response(status, {**JSON, **headers}, _lines(name, body, explain))
    return _json(status, body, headers, name)


def _json(status: int, body: Any, headers: Mapping[str, str] = {}, name: str = "") -> Response:
    try:
        content = _encoded(body)
    except (TypeError, ValueError) as error:
        raise Mistake(say("`{name}` returned what is no JSON: {error}", name=name, error=error)) from None
    return Response(status, {**JSON, **headers}, content + b"\n")


def _write_all(name: str, stream: RawStream, chunks: Iterable[bytes], explain: Callable[[BaseException], str]) -> None:
    """Write each chunk; what is wrong with one ends the stream, and is told to whoever writes the handlers."""
    try:
        for chunk in chunks:
            if not isinstance(chunk, bytes):
                raise Mistake(say("`{name}` gave {what} to Hijack; bytes are wanted", name=name, what=_shown(chunk)))
            stream.write(chunk)
    except OSError:  # the client has left
        raise
    except Exception as error:
        print(str(error) if isinstance(error, Mistake) else f"{name}: {explain(error)}", flush=True)


def _lines(name: str, values: Iterator[Any], explain: Callable[[BaseException], str]) -> Iterator[bytes]:
    """Yield each value as a line of JSON; what is raised meanwhile becomes the last one, for the status has been sent."""
    try:
        for value in values:
            yield _encoded(value) + b"\r\n"
    except Exception as error:
        text = explain(error)
        print(f"{name}: {text}", flush=True)
        yield _encoded({"errorDetail": {"message": text}, "error": text}) + b"\r\n"


def _error(status: int, text: str) -> Response:
    return Response(status, JSON, _encoded({"message": text}) + b"\n")


def _encoded(value: Any) -> bytes:
    """Return JSON in which Chinese stays readable; what is no text in UTF-8 is escaped. Raises TypeError, ValueError."""
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
