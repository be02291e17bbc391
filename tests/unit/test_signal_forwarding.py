"""Signals passed on by the command, whatever its main thread is doing."""

import hashlib
import os
import signal
import threading
import time

from labcore.signal_forwarding import SignalForwarding


class Receiver:
    """A process that notes what it is sent."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.threads: list[int] = []

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.received.append(number)
        self.threads.append(threading.get_ident())


def wait_for_signals(process: Receiver, count: int) -> None:
    end = time.monotonic() + 60
    while len(process.received) < count and time.monotonic() < end:
        time.sleep(0.005)


def test_the_main_thread_need_not_come_back() -> None:
    """It may be in a call that runs no handlers, as a signal that comes just before poll(2) finds it."""
    process = Receiver()
    with SignalForwarding() as signals:
        signals.go_to(process.kill)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_500_000)  # some tenths of a second
        wait_for_signals(process, 1)
    assert process.received == [signal.SIGTERM]
    assert process.threads != [threading.get_ident()]


def test_those_that_come_early_and_the_second_that_kills() -> None:
    process = Receiver()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGUSR1)}
    with SignalForwarding() as signals:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.05)
        signals.go_to(process.kill)
        wait_for_signals(process, 1)
        for count, number in enumerate((signal.SIGINT, signal.SIGUSR1, signal.SIGINT), start=2):
            os.kill(os.getpid(), number)
            wait_for_signals(process, count)
    assert process.received == [signal.SIGUSR1, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL]
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.set_wakeup_fd(-1) == -1
