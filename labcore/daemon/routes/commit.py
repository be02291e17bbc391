"""Commit: an image of a container (POST /commit, tag Image)."""

from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import decode, json_response
from labcore.daemon.wire.commit import CommitConfig, changed, merged
from labcore.daemon.wire.query import flag
from labcore.engine.image.commit import commit
from labcore.http import Request, Response, Route
from labcore.spec import Reference


def commit_container(daemon: Daemon, request: Request) -> Response:
    """POST /commit."""
    said = request.query
    body, changes = decode(request, CommitConfig), "\n".join(request.every("changes"))
    repository, tag = said.get("repo", ""), said.get("tag", "")
    image = commit(
        daemon.engine,
        said.get("container", ""),
        Reference.parse(f"{repository}:{tag}" if tag else repository) if repository else None,
        settings=lambda config: changed(merged(body, config), changes),
        message=said.get("comment", ""),
        author=said.get("author", ""),
        pause=flag(request, "pause", default=True),
    )
    return json_response({"Id": image.id}, status=HTTPStatus.CREATED)


ROUTES = (Route("POST", "/commit", commit_container, long_running=True),)
