"""Routes and the router: (method, path pattern) -> endpoint."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from labcore.http.exceptions import METHODS, MethodNotAllowed, NotFound
from labcore.http.message import Request, Response, Upgrade
from labcore.record import Record

KINDS: Final = {"": r"[^/]+", "path": r"(?s:.+)", "number": r"[0-9.]{1,20}"}
PARAMETER: Final = re.compile(r"\{([a-z_]+)(?::([a-z]+))?\}")
SAFE: Final = ("GET", "HEAD")


class Route(Record):
    """A method and a path pattern: `/images/{name:path}/json`; its endpoint is called with the request and the parameters.

    `{name}` is one segment of the path, `{name:path}` one or more, `{name:number}` digits and dots such as 1.51. A route for
    GET answers HEAD, too, if there is none for that. A `long_running` one is answered in a thread beside the ordinary ones, and
    its body, its answer and what it upgrades to may rest for any time: attach, logs, events, build. An `instant` one is
    answered in no thread of its own: its endpoint waits for nothing, not for a lock either, and reads no body.
    """

    method: str
    path: str
    endpoint: Callable[..., Response | Upgrade]
    long_running: bool = False
    instant: bool = False


class Match(NamedTuple):
    """A route, and the parameters of the path: the route's, and the prefix's."""

    route: Route
    params: Mapping[str, str]
    prefix_params: Mapping[str, str]


class Router:
    """An app: finds each request's route. Paths without parameters are looked up first, the others in their order.

    Paths may begin with the `prefix`, a pattern as well; the same routes are there without it. With `safe_only` nothing but GET
    and HEAD is answered. Raises NotFound, MethodNotAllowed, and what endpoints raise.
    """

    def __init__(self, routes: Iterable[Route], *, prefix: str = "", safe_only: bool = False) -> None:
        self._prefix = pattern(prefix) if prefix else None
        self._literals: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        for route in routes:
            self._add(route, answered=not safe_only or route.method in SAFE)

    def _add(self, route: Route, *, answered: bool) -> None:
        if route.method not in METHODS:
            raise ValueError(f"{route.method} {route.path}: the methods are {', '.join(METHODS)}")
        if "{" in route.path:
            _, methods = self._patterns.setdefault(route.path, (pattern(route.path), {}))
        else:
            methods = self._literals.setdefault(route.path, {})
        if route.method in methods:
            raise ValueError(f"{route.method} {route.path}: there are two such routes")
        if answered:
            methods[route.method] = route

    def __call__(self, request: Request) -> Response | Upgrade:
        """Answer a request."""
        route, params, prefix_params = self._match_once(request)
        request.path_params = {**prefix_params, **params}
        return route.endpoint(request, **params)

    def is_long_running(self, request: Request) -> bool:
        """Return whether a request's route is a long-running one."""
        found = self._route_of(request)
        return found is not None and found.long_running

    def is_instant(self, request: Request) -> bool:
        """Return whether a request's route is an instant one."""
        found = self._route_of(request)
        return found is not None and found.instant

    def _route_of(self, request: Request) -> Route | None:
        try:
            return self._match_once(request).route
        except (NotFound, MethodNotAllowed):
            return None

    def _match_once(self, request: Request) -> Match:
        found: Match | None = request.match
        if found is None:
            found = request.match = self.match(request.method, request.path)
        return found

    def match(self, method: str, whole_path: str) -> Match:
        """Return the route of a method and a path. Raises NotFound, MethodNotAllowed."""
        path, prefix_params = self._without_prefix(whole_path)
        allowed: set[str] = set()
        known = False
        for methods, params in self._candidates(path):
            if route := methods.get(method) or (methods.get("GET") if method == "HEAD" else None):
                return Match(route, params, prefix_params)
            known = True
            allowed |= methods.keys() | ({"HEAD"} if "GET" in methods else set())
        raise MethodNotAllowed(method, whole_path, allowed) if known else NotFound(whole_path)

    def _candidates(self, path: str) -> Iterable[tuple[dict[str, Route], Mapping[str, str]]]:
        if path in self._literals:
            yield self._literals[path], {}
        for compiled, methods in self._patterns.values():
            if match := compiled.fullmatch(path):
                yield methods, match.groupdict()

    def _without_prefix(self, path: str) -> tuple[str, Mapping[str, str]]:
        match = self._prefix.match(path) if self._prefix else None
        if match is None or path[match.end() : match.end() + 1] != "/":
            return path, {}
        return path[match.end() :], match.groupdict()


def pattern(path: str) -> re.Pattern[str]:
    """Return the expression for a path pattern. Raises ValueError."""
    parts = PARAMETER.split(path)
    literals, names, kinds = map(re.escape, parts[::3]), parts[1::3], [kind or "" for kind in parts[2::3]]
    if set("{}") & set("".join(parts[::3])) or not KINDS.keys() >= set(kinds):
        raise ValueError(f"{path}: a parameter is {{name}}, {{name:path}} or {{name:number}}")
    groups = [f"(?P<{name}>{KINDS[kind]})" for name, kind in zip(names, kinds, strict=True)]
    return re.compile("".join(map("".join, zip(literals, [*groups, ""], strict=True))))
