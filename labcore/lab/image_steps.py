"""Tools of lessons 9 and 10: a config's variables, a blob of the store, and the ops that enter what a config says."""

import shlex
from pathlib import Path
from typing import Any

from labcore.engine.options.users import account
from labcore.errors import InvalidInput
from labcore.images import ImageStore
from labcore.lab.messages import say
from labcore.runtime import ops
from labcore.runtime.ops import Op
from labcore.spec import OverlayRoot, Root
from labcore.spec.media import LAYER


def environment(config: dict[str, Any]) -> dict[str, str]:
    """Return the variables of an image's config, `{"Env": ["NAME=value", …]}`, by name."""
    return dict(line.partition("=")[::2] for line in config.get("Env") or ())


def pairs(text: str) -> dict[str, str]:
    """Return the variables of ENV, or LABEL: `A=b C="d e"`, without the quotes; or of the old form, `A b`.

    Raises InvalidInput for a text that is none.
    """
    words = text.split(maxsplit=1)
    if len(words) == 2 and "=" not in words[0]:
        return {words[0]: words[1]}
    try:
        parts = [word.partition("=") for word in shlex.split(text)]
    except ValueError as error:
        raise InvalidInput(say("{text}: {error}: close the quotes", text=text, error=error)) from None
    if not parts or not all(name and sign for name, sign, _ in parts):
        raise InvalidInput(say("{text} is not NAME=value: write both, with = between", text=text))
    return {name: value for name, _, value in parts}


def blob(store: str, content: bytes, media_type: str = LAYER) -> dict[str, Any]:
    """Keep bytes in a store under their digest; return their descriptor: `mediaType`, `digest`, `size`."""
    kept = ImageStore(Path(store)).put_blob(content, media_type)
    return {"mediaType": kept.media_type, "digest": kept.digest, "size": kept.size}


def workdir_and_user(config: dict[str, Any], root: Root) -> list[Op]:
    """Return the ops, once the root is made, that go to the config's working directory, and become its user.

    A directory that is not there is made, as runc does it. Raises InvalidInput for a user that the root has not.
    """
    place = Path(config.get("WorkingDir") or "/")
    way = tuple(map(str, [*reversed(place.parents), place][1:]))
    made: list[Op] = [ops.MakeDirectories(way)] if way else []
    below = root.replace(writable="") if isinstance(root, OverlayRoot) else root  # nothing is written there yet
    user = account(config["User"], below)[0] if config.get("User") else None
    become: list[Op] = [ops.SetUser(user.uid, user.gid, user.groups)] if user else []
    return [*made, ops.Chdir(str(place)), *become]
