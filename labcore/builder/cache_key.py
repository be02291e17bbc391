"""Cache keys: a digest over what a step is made from; equal keys mean equal results, as BuildKit has it.

A step that makes files is known by the key of those below it, by what it does, and by the content of what it reads. What only
changes the config (LABEL, CMD) is in no key; what a program can see (its environment, user, directory) is in RUN's.
"""

from __future__ import annotations

from labcore.json_codec import dumps
from labcore.spec.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labcore.images import Config


def key_of(parent: str, kind: str, *parts: Any) -> str:
    """Return the key of a step of a kind on top of another; `parts` is what can be written as JSON. It is 64 hex digits."""
    return digest_of(dumps([parent, kind, *parts]).encode()).partition(":")[2]


def key_of_image(config: Config) -> str:
    """Return the key of an image's layers: images of the same files are the same below a step."""
    return key_of("", "image", list(config.diff_ids), str(config.platform))
