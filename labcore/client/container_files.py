"""Files of containers: archives in and out, what differs from the image, export."""

from __future__ import annotations

from binascii import Error, a2b_base64

from labcore.client.answer import BadAnswer
from labcore.client.api import API, json_of, list_of, path
from labcore.client.container_values import Change, PathStat
from labcore.client.errors import APIError
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.client.transport import Content, Response

STAT_HEADER: Final = "x-docker-container-path-stat"
TAR: Final = {"Content-Type": "application/x-tar"}


class Archive(Record):
    """A tar archive of a path: what the path is, and the archive's bytes, which are iterated or read, and then closed."""

    stat: PathStat
    content: Response


class ContainerFiles:
    """The files in a container: part of Containers."""

    def __init__(self, api: API) -> None:
        self._api = api

    def changes(self, name: str) -> tuple[Change, ...]:
        """Return what differs from its image."""
        target = path("containers", name, "changes")
        return tuple(map(Change, list_of(self._api.get(target, timeout=None), f"GET {target}")))

    def export(self, name: str) -> Response:
        """Return its whole file system as a tar archive, to be iterated."""
        return self._api.call("GET", path("containers", name, "export"), timeout=None)

    def stat_path(self, name: str, inside: str) -> PathStat:
        """Return what is at a path. Raises NotFound."""
        target = path("containers", name, "archive")
        try:
            with self._api.call("HEAD", target, {"path": inside}) as answer:
                return _stat_of(answer, target)
        except APIError:  # of which the answer to HEAD has no words
            self.get_archive(name, inside).content.close()
            raise

    def get_archive(self, name: str, inside: str) -> Archive:
        """Return a path and what is below it as a tar archive. Raises NotFound."""
        target = path("containers", name, "archive")
        answer = self._api.call("GET", target, {"path": inside}, timeout=None)
        try:
            return Archive(_stat_of(answer, target), answer)
        except BaseException:
            answer.close()
            raise

    def put_archive(
        self, name: str, inside: str, archive: Content, *, no_overwrite_dir_non_dir: bool = False, copy_uid_gid: bool = False
    ) -> None:
        """Unpack a tar archive, compressed or not, into a directory. Raises NotFound, BadRequest, Forbidden."""
        query = {"path": inside, "noOverwriteDirNonDir": no_overwrite_dir_non_dir, "copyUIDGID": copy_uid_gid}
        target = path("containers", name, "archive")
        with self._api.call("PUT", target, query, content=archive, headers=TAR, timeout=None) as answer:
            answer.content()


def _stat_of(answer: Response, target: str) -> PathStat:
    try:
        return PathStat(json_of(a2b_base64(answer.headers.get(STAT_HEADER, "")), target))
    except Error:
        raise BadAnswer(f"{target}: {STAT_HEADER} is not JSON in base64") from None
