"""The seccomp agent: who answers filtered calls is sent the filter's listener (runtime.md, Container Process State)."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.json_codec import dumps
from labcore.runtime.listener import take
from labcore.unix_sockets import channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labcore.native import Process


def give_listener(process: Process, seccomp: dict[str, Any], state: dict[str, Any]) -> None:
    """Send the listener of a process's filter to the socket that `linux.seccomp` names, with the container's state.

    Raises InvalidInput if nobody listens.
    """
    told = {
        "ociVersion": state["ociVersion"],
        "fds": ["seccompFd"],
        "pid": process.pid,
        "metadata": seccomp.get("listenerMetadata") or "",
        "state": state,
    }
    path = seccomp["listenerPath"]
    listener = take(process)
    try:
        with channel() as connection:
            connection.connect(f"\0{path[1:]}" if path.startswith("@") else path)  # abstract: unix(7)
            connection.send_fds(dumps(told).encode(), [listener])
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(f"linux.seccomp.listenerPath: failed to connect with seccomp agent: {path}: {why}") from None
    finally:
        os.close(listener)
