"""Pagination of lists: `n` and `last` of tags and repositories, and referrers; the Link header (RFC 8288)."""

import json
import re
from typing import Any, Final
from urllib.parse import urlencode

from labcore.http import Request
from labcore.registry import errors
from labcore.registry.manifests import describe
from labcore.registry.store import Files

PAGE_MAX: Final = 10_000
REFERRERS_MAX: Final = 4 << 20  # bytes of a page, as of any manifest


def number(text: str, most: int) -> int:
    """Return a number of entries, at most `most`. Raises RegistryError if it is no number."""
    if not re.fullmatch("[0-9]{1,19}", text):
        raise errors.RegistryError(f"n={text[:40]}", "a number is wanted")
    return min(int(text), most)


def page_of(names: list[str], request: Request) -> tuple[list[str], bool]:
    """Return the names of the requested page, and whether more follow."""
    if last := request.query.get("last"):
        names = [name for name in names if name > last]
    count = number(request.query.get("n", str(PAGE_MAX)), PAGE_MAX)
    return names[:count], 0 < count < len(names)


def next_page(path: str, names: list[str], request: Request) -> dict[str, str]:
    """Return the Link header of the next page (RFC 8288): the same request, after the last name."""
    asked = {key: value for key, value in request.query.items() if key in ("n", "artifactType")}
    return {"Link": f'<{path}?{urlencode({**asked, "last": names[-1]})}>; rel="next"'}


def referrers_of(files: Files, name: str, subject: str, request: Request) -> tuple[list[dict[str, Any]], str | None]:
    """Return the descriptors of a page of referrers, and its last digest if more follow."""
    wanted, size = request.query.get("artifactType"), 0
    found: list[dict[str, Any]] = []
    for digest in files.referrers(name, subject):
        if digest <= request.query.get("last", ""):
            continue
        try:
            descriptor = describe(*files.manifest(name, digest))
        except errors.RegistryError:  # deleted meanwhile
            continue
        if wanted and descriptor.get("artifactType") != wanted:
            continue
        size += len(json.dumps(descriptor))
        if found and size > REFERRERS_MAX:
            return found, found[-1]["digest"]
        found.append(descriptor)
    return found, None
