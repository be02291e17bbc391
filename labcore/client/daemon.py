"""The daemon's own process, where it is labcore's: which it is, and its end."""

from __future__ import annotations

from labcore.client.answer import Answer, number, text, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.client.api import API


class DaemonProcess(Answer):
    """A daemon's process: its number, labcore's version, the state root, where it listens, and since when (ns since 1970)."""

    pid: int = number("Pid")
    version: str = text("Version")
    root: str = text("Root")
    hosts: tuple[str, ...] = texts("Hosts")
    started_ns: int = number("StartedNano")
    idle_exit_seconds: int = number("IdleExitSeconds")  # 0: it does not end by itself


class OwnDaemon:
    """labcore's own daemon; docker's answers NotFound."""

    def __init__(self, api: API) -> None:
        self._api = api

    def inspect(self) -> DaemonProcess:
        """Return what process it is. Raises NotFound if it is docker's."""
        return DaemonProcess(self._api.get("/labcore/daemon"))

    def stop(self) -> None:
        """Have it end, once it has answered what it was asked. Raises NotFound if it is docker's."""
        self._api.change("DELETE", "/labcore/daemon")
