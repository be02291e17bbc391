"""Routes of the miniature daemon: for a method and a path the step that answers, and the lesson that writes it."""

from typing import Final

ROUTES: Final[tuple[tuple[str, str, str, int], ...]] = (
    ("HEAD", "/_ping", "ping", 5),
    ("GET", "/_ping", "ping", 5),
    ("GET", "/containers/json", "list_containers", 5),
    ("POST", "/containers/create", "create", 5),
    ("POST", "/containers/{id}/start", "start", 5),
    ("POST", "/containers/{id}/wait", "wait", 5),
    ("POST", "/containers/{id}/pause", "pause", 7),
    ("POST", "/containers/{id}/unpause", "unpause", 7),
    ("GET", "/containers/{id}/json", "inspect", 7),
    ("POST", "/containers/{id}/exec", "exec_create", 7),
    ("POST", "/exec/{id}/start", "exec_start", 7),
    ("GET", "/exec/{id}/json", "exec_inspect", 7),
    ("DELETE", "/containers/{id}", "remove", 5),
    ("POST", "/images/create", "images_create", 6),
    ("POST", "/containers/{id}/attach", "attach", 6),
)


def routes_in(lesson: int) -> list[tuple[str, str, str]]:
    """Return the routes that there are in a lesson: (method, path, handler)."""
    return [(method, path, handler) for method, path, handler, since in ROUTES if since <= lesson]
