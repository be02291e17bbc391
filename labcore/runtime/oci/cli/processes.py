"""create, run, exec: the commands that make processes."""

from __future__ import annotations

import os
import sys

from labcore.atomic import PendingFile, atomic_write
from labcore.errors import InvalidInput
from labcore.files import write_text
from labcore.native.process import SIGKILL
from labcore.runtime.oci.cli.options import NAME, one_name, read_object, read_options, refuse, root_of
from labcore.runtime.oci.console import ConsoleSocket
from labcore.runtime.oci.lifecycle import Runtime
from labcore.runtime.oci.state import Store
from labcore.signal_forwarding import SignalForwarding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from labcore.native import Process
    from labcore.runtime.oci.cli.foreground import Foreground
    from labcore.runtime.oci.cli.options import Options
    from labcore.runtime.oci.console import Console

MOST_PRESERVED: Final = 512


def _runtime(general: Options) -> Runtime:
    return Runtime(root_of(general))


def do_create(general: Options, words: list[str]) -> int:
    """Make a container that waits for start."""
    options, _ = read_options(words)
    runtime, name, process = _created(general, options, "create", ConsoleSocket(options.get("console-socket")))
    try:
        _write_pid(options, process)
    except BaseException:
        runtime.delete(name, force=True)
        raise
    return 0


def _created(general: Options, options: Options, command: str, console: Console) -> tuple[Runtime, str, Process]:
    """Create the container that a `create` or `run` asks for; the process of a `run` is this one's to wait for."""
    refuse(options)
    name = one_name(options, command)
    runtime = _runtime(general)
    process = runtime.create(
        name,
        os.path.abspath(options.get("bundle", ".")),
        console=console,
        preserved=_preserved(options, listening := _listening()),
        listening=listening,
        scope=_by_systemd(general),
        config=os.path.abspath(options["config"]) if "config" in options else "",
        keep=command == "run",
    )
    return runtime, name, process


def _by_systemd(general: Options) -> bool:
    """Return whether systemd makes the cgroups: runc's way to say so, or crun's. Raises InvalidInput."""
    manager = general.get("cgroup-manager", "cgroupfs")
    if manager not in ("cgroupfs", "systemd"):
        raise InvalidInput(f"--cgroup-manager {manager}: there are cgroupfs and systemd")
    return manager == "systemd" or bool(general.get("systemd-cgroup"))


def do_run(general: Options, words: list[str]) -> int:
    """Create, start, and wait for its end."""
    options, _ = read_options(words)
    console = _console(options)
    runtime, name, process = _created(general, options, "run", console)
    try:
        _write_pid(options, process)
        runtime.start(name)
    except BaseException:
        process.release()
        runtime.delete(name, force=True)
        raise
    if options.get("detach"):
        process.release()
        return 0
    code = _wait(process, console)
    _tell_of_memory(runtime, name, code)
    if not options.get("keep"):
        runtime.delete(name, force=True)
    return code


def _tell_of_memory(runtime: Runtime, name: str, code: int) -> None:
    """Say so if it was for want of memory that it was killed: the exit status alone does not."""
    if code != 128 + SIGKILL:
        return
    used = runtime.statistics(name)
    if used.oom_kills:
        limit = f"its limit of {used.memory_limit} bytes" if used.memory_limit else "the limit of memory"
        print(f"{NAME}: {name}: killed by the kernel: {limit} was reached", file=sys.stderr)


def _console(options: Options) -> ConsoleSocket | Foreground:
    """Return who gets the terminal of a process: a socket's listener, or whoever waits for the process here."""
    if options.get("detach") or options.get("console-socket"):
        return ConsoleSocket(options.get("console-socket"))
    from labcore.runtime.oci.cli.foreground import Foreground  # engines have sockets

    return Foreground()


def _wait(process: Process, console: ConsoleSocket | Foreground) -> int:
    """Wait for a process in the foreground, passing signals on; return its exit code as a shell would."""
    if not isinstance(console, ConsoleSocket):
        console.relay(process)
    with SignalForwarding(second_kills=False) as signals:
        signals.go_to(process.kill)
        code = process.wait()
    return code if code >= 0 else 128 - code


def do_exec(general: Options, words: list[str]) -> int:
    """Run a further program in a container."""
    options, command = read_options(words, until_word=True)
    refuse(options)
    if not command:
        raise InvalidInput("exec: name a container")
    name, *argv = command
    process_object = _process_object(general, name, options, argv)
    alone, console = bool(options.get("detach")), _console(options)
    _check_pid_file(options)
    process = _runtime(general).exec(
        name,
        process_object,
        console=console,
        preserved=_preserved(options),
        release=alone,
        ignore_paused=bool(options.get("ignore-paused")),
    )
    _write_pid(options, process)
    return 0 if alone else _wait(process, console)


def _process_object(general: Options, name: str, options: Options, argv: list[str]) -> dict[str, Any]:
    """Return the `process` object of an exec: a file's, or the container's own with what the command line says."""
    if path := options.get("process"):
        return read_object("--process", path)
    made: dict[str, Any] = dict(Store(root_of(general)).load(name).config.get("process", {}))
    made |= {"args": argv, "terminal": bool(options.get("tty"))}
    made.pop("consoleSize", None)
    if "cwd" in options:
        made["cwd"] = options["cwd"]
    if "apparmor" in options:
        made["apparmorProfile"] = options["apparmor"]
    made["env"] = [*made.get("env", []), *options.get("env", [])]
    if user := options.get("user"):
        made["user"] = {**made.get("user", {}), **_user(user)}
    if groups := options.get("additional-gids"):
        made["user"] = _with_groups(made.get("user", {}), groups)
    if names := options.get("cap"):
        made["capabilities"] = _with_capabilities(made.get("capabilities", {}), names)
    if options.get("no-new-privs"):
        made["noNewPrivileges"] = True
    return made


def _with_groups(user: dict[str, Any], groups: list[str]) -> dict[str, Any]:
    """Return a user with further groups. Raises InvalidInput."""
    if wrong := next((each for each in groups if not each.isdecimal()), None):
        raise InvalidInput(f"--additional-gids {wrong}: a number is wanted")
    return {**user, "additionalGids": [*user.get("additionalGids", []), *map(int, groups)]}


def _with_capabilities(sets: dict[str, list[str]], names: list[str]) -> dict[str, list[str]]:
    """Return capability sets with further ones. Ambient can be only what is inheritable, which these are not of themselves."""
    grown = ["bounding", "effective", "permitted", *(["ambient"] if "inheritable" in sets else [])]
    return {**sets, **{kind: [*sets.get(kind, []), *names] for kind in grown}}


def _user(text: str) -> dict[str, int]:
    """Read `UID[:GID]`. Raises InvalidInput: whoever calls a runtime has looked names up."""
    uid, colon, gid = text.partition(":")
    if not uid.isdecimal() or (colon and not gid.isdecimal()):
        raise InvalidInput(f"--user {text}: numbers are wanted, UID[:GID]: look the name up in the container's /etc/passwd")
    return {"uid": int(uid), **({"gid": int(gid)} if colon else {})}


def _listening() -> int:
    """Return how many sockets this process was given to be handed on, by who activates services: sd_listen_fds(3)."""
    count = os.environ.get("LISTEN_FDS", "")
    return int(count) if count.isdecimal() and os.environ.get("LISTEN_PID") == str(os.getpid()) else 0


def _preserved(options: Options, listening: int = 0) -> list[int]:
    """Return the descriptors that are to be handed on, sockets first. Raises InvalidInput if one of them is not open."""
    text = options.get("preserve-fds", "0")
    if not text.isdigit() or int(text) > MOST_PRESERVED:
        raise InvalidInput(f"--preserve-fds {text}: a number up to {MOST_PRESERVED} is wanted")
    found = list(range(3, 3 + listening + int(text)))
    for fd in found:
        try:
            os.fstat(fd)
        except OSError:
            raise InvalidInput(f"--preserve-fds {text}: descriptor {fd} is not open") from None
    return found


def _write_pid(options: Options, process: Process) -> None:
    """Write the pid file, whole or not at all; what is no file, /dev/null say, is written to. Raises InvalidInput."""
    if not (path := options.get("pid-file")):
        return
    try:
        if _is_replaced(path):
            atomic_write(path, str(process.pid).encode(), durable=False)
        else:
            write_text(path, str(process.pid))
    except OSError as error:
        raise _unwritable(path, error) from None


def _check_pid_file(options: Options) -> None:
    """Raise InvalidInput if the pid file cannot be written, before there is a process that nobody would know of."""
    if not (path := options.get("pid-file")):
        return
    try:
        if _is_replaced(path):
            PendingFile(os.path.dirname(path) or ".").close()
        else:
            open(path, "ab").close()
    except OSError as error:
        raise _unwritable(path, error) from None


def _is_replaced(path: str) -> bool:
    """Return whether a pid file takes this place: that of a file, or of nothing."""
    return os.path.isfile(path) or not os.path.exists(path)


def _unwritable(path: str, error: OSError) -> InvalidInput:
    return InvalidInput(f"--pid-file {path}: it cannot be written: {error.strerror}")
