"""Removals of bridges, which wait until nobody makes another network: the kernel makes everybody else wait meanwhile."""

from _thread import allocate_lock  # `threading` costs 2 ms of a start
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from labcore.network.netlink import Netlink, NetlinkError

Delete = Callable[[Netlink, str, str], None]

QUIET_SECONDS: Final = 0.5  # without a removal, after which the bridges go; or else when there are so many:
MOST: Final = 64


class Removals:
    """Bridges that are set down, and noted on disk: where their deletion fails or is killed, the next who reserves tries again.

    The kernel lets nobody look at or change a link while it deletes one, 20 ms: who makes a network instead of the one that was
    removed would wait.
    """

    def __init__(self) -> None:
        self._bridges: list[tuple[str, str]] = []
        self._lock = allocate_lock()

    def add(self, bridge: str, network_id: str, delete: Delete) -> None:
        """Have a bridge deleted in a thread; the interpreter, where it ends, waits for that, and that waits no longer."""
        with self._lock:
            self._bridges.append((bridge, network_id))
            is_first = len(self._bridges) == 1
        if is_first:
            from threading import Thread  # few commands remove a network

            Thread(target=self._delete_later, args=[delete], daemon=False).start()  # whatever thread this is

    def _delete_later(self, delete: Delete) -> None:
        from threading import main_thread

        count = 0
        while count < len(self._bridges) < MOST and main_thread().is_alive():
            count = len(self._bridges)
            main_thread().join(QUIET_SECONDS)
        with self._lock:
            bridges, self._bridges = self._bridges, []
        with suppress(NetlinkError), Netlink() as netlink:
            for bridge, network_id in bridges:
                delete(netlink, bridge, network_id)
