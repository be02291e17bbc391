"""The program that connects a network namespace with the host's network, run so that it ends with the pause process."""

import os
import select
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from signal import SIG_DFL, SIGKILL, SIGPIPE, signal
from typing import Final

from labcore.native import CloneFlag, Prctl, Process, clone, prctl, program, setns
from labcore.network.links import add_address, default_route, link_index
from labcore.network.netlink import Netlink
from labcore.network.rootless import user_mode

READY_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.005
SAID_BYTES: Final = 4096


def started(words: tuple[str, ...], network: int) -> tuple[Process | None, str]:
    """Start a program that connects a network namespace; return it when it does, else what it has said."""
    said = os.memfd_create("said", os.MFD_CLOEXEC)
    with ExitStack() as undo:
        undo.callback(os.close, said)
        helper = clone(partial(_become, words, said), flags=CloneFlag.NEWPID)
        undo.callback(helper.close)
        waiter = undo.enter_context(clone(partial(_connected, network, ipv6=user_mode.SLIRP6[0] in words)))
        poller = select.poll()
        for process in (helper, waiter):
            poller.register(process.pidfd, select.POLLIN)
        poller.poll()
        if waiter.poll() == 0 and helper.poll() is None:
            undo.pop_all()
            waiter.close()
            os.close(said)
            return helper, ""
        text = os.pread(said, SAID_BYTES, max(0, os.fstat(said).st_size - SAID_BYTES)).decode(errors="replace").split("\n")
        return None, next((line.strip() for line in reversed(text) if line.strip()), "it did not connect it in time")


def _become(words: tuple[str, ...], said: int) -> None:
    """Become a program below the first process of a PID namespace, which the kernel kills with the pause process."""
    prctl(Prctl.SET_PDEATHSIG, SIGKILL)
    signal(SIGPIPE, SIG_DFL)  # Python has it ignored, and what is ignored stays so in another program
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for place, fd in ((0, nothing), (1, nothing), (2, said)):
        os.dup2(fd, place)
    init = program("labcore-init")
    os.execv(init, [init, *words])


def _connected(network: int, *, ipv6: bool) -> int:
    """Return 0 when the network namespace has a default route; with `ipv6`, give it one of IPv6, as slirp4netns does not."""
    setns(network, CloneFlag.NEWNET)
    if failed := _wait_for_route():
        return failed
    if ipv6:
        tap = link_index(user_mode.TAP)
        with Netlink() as netlink:
            netlink.request(add_address(tap, user_mode.SLIRP_ADDRESS6), default_route(tap, user_mode.SLIRP_GATEWAY6))
    return 0


def _wait_for_route() -> int:
    """Return 0 when there is a default route by the tap device, 1 if there is none in time."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if has_route(user_mode.TAP):
            return 0
        time.sleep(POLL_SECONDS)
    return 1


def has_route(link: str = "") -> bool:
    """Return whether there is a default route of IPv4 by that link, or by any: proc_pid_net(5)."""
    table = Path("/proc/self/net/route").read_text(encoding="ascii").splitlines()
    return any(line.split()[1] == "00000000" and line.split()[0].startswith(link) for line in table)
