"""`labcore-runtime`: the command that podman, dockerd and containerd drive, with runc's options.

Options are read by hand: an engine calls this several times for each container, and argparse costs more than the commands.
"""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from labcore.errors import InvalidInput, LabcoreError
from labcore.runtime.observe import confined

if TYPE_CHECKING:
    from labcore.native import Process
    from labcore.runtime.oci.lifecycle import Runtime

NAME: Final = "labcore-runtime"
USAGE: Final = f"""\
usage: {NAME} [--root DIR] [--log FILE] [--log-format text|json] COMMAND ...

An OCI runtime: containers from bundles, for engines such as podman, dockerd and containerd.

  create ID     make a container from a bundle (--bundle DIR), which waits for start
  start ID      let it become its program
  run ID        create, start, and with it in the foreground wait for its end (--detach: do not wait)
  exec ID CMD   run a further program in it (--process FILE, --cwd, --env, --user, --tty, --detach)
  state ID      print its state as JSON
  kill ID [SIG] send a signal to its first process (--all: to everybody in it)
  delete ID     forget one that has ended (--force: kill it first)
  pause, resume ID   stop all its processes where they are; let them go on
  ps ID         list its processes (--format table|json)
  update ID     change its limits (--resources FILE, --memory, --cpu-shares, --pids-limit, ...)
  list          list all containers (--format table|json, --quiet)
  spec          write a config.json to begin with (--bundle DIR)
  features      print as JSON what this runtime can do
"""

FLAGS: Final = {
    "debug", "detach", "force", "all", "tty", "quiet", "no-pivot", "no-new-keyring", "keep", "rootless", "systemd-cgroup",
    "no-new-privs", "help", "version", "ignore-paused",
}  # fmt: skip
SHORT: Final = {
    "b": "bundle", "d": "detach", "f": "force", "a": "all", "t": "tty", "q": "quiet", "h": "help", "v": "version",
    "p": "process", "e": "env", "u": "user", "r": "resources", "c": "cap", "g": "additional-gids",
}  # fmt: skip
MANY: Final = ("env", "cap", "additional-gids")
# What cannot be done here is refused by name, never ignored.
REFUSED: Final = {
    "systemd-cgroup": "cgroups are made directly here; systemd is not asked",
    "no-pivot": "a root that is not turned by pivot_root can be left again",
    "apparmor": "AppArmor profiles are not supported",
    "process-label": "SELinux labels are not supported",
    "no-new-keyring": "a container always has a session keyring of its own",
    "cap": "write the capabilities into a --process file",
    "additional-gids": "write the groups into a --process file",
    "no-new-privs": "write it into a --process file",
}
VALUED: Final = {
    "root", "log", "log-format", "bundle", "pid-file", "console-socket", "preserve-fds", "process", "cwd", "env", "user",
    "signal", "format", "resources", "criu", "cap", "additional-gids", "apparmor", "process-label",
}  # fmt: skip


class Options(dict[str, Any]):
    """The options of a command line, by their long names, and its other words."""

    words: list[str]


def read_options(arguments: list[str], *, until_word: bool = False) -> tuple[Options, list[str]]:
    """Read options; with `until_word` only those before the first other word, which is returned with what follows it."""
    options, rest = Options(), list(arguments)
    options.words = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            options.words += rest
            return options, []
        if not word.startswith("-") or word == "-":
            if until_word:
                return options, [word, *rest]
            options.words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = SHORT.get(name, name)
        if name in FLAGS:
            options[name] = value != "false" if equals else True
            continue
        if name not in VALUED and name not in UPDATES:
            raise InvalidInput(f"{word}: there is no such option; see {NAME} --help")
        if not equals:
            if not rest:
                raise InvalidInput(f"--{name}: a value is missing")
            value = rest.pop(0)
        if name in MANY:
            options.setdefault(name, []).append(value)
        else:
            options[name] = value
    return options, []


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    gc.disable()  # a command lives for milliseconds, and looking for garbage among its imports would take some of them
    given = sys.argv[1:] if arguments is None else arguments
    general: Options = Options()
    try:
        general, rest = read_options(given, until_word=True)
        if general.get("version"):
            return _version()
        if general.get("help") or not rest:
            print(USAGE, end="")
            return 0
        for name, why in REFUSED.items():
            if general.get(name):
                raise InvalidInput(f"--{name}: {why}")
        command, *words = rest
        if command not in COMMANDS:
            raise InvalidInput(f"no such command: {command}; see {NAME} --help")
        return COMMANDS[command](general, words)
    except (LabcoreError, OSError) as error:
        return _fail(general, str(error))


def _fail(general: Mapping[str, Any], message: str) -> int:
    """Say what went wrong on standard error, and where the engine looks for it."""
    print(f"{NAME}: {message}", file=sys.stderr)
    if path := general.get("log"):
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = f'time="{now}" level=error msg={json.dumps(message)}'
        if general.get("log-format") == "json":
            line = json.dumps({"level": "error", "msg": message, "time": now})
        try:
            with Path(path).open("a") as file:
                file.write(line + "\n")
        except OSError as error:
            print(f"{NAME}: --log {path}: {error.strerror}", file=sys.stderr)
    return 1


def _version() -> int:
    from importlib.metadata import version

    print(f"{NAME} version {version('labcore')}\nspec: 1.2.0")
    return 0


def _root(general: Mapping[str, Any]) -> Path:
    if given := general.get("root"):
        return Path(given)
    if os.geteuid() == 0 and not confined():
        return Path("/run/labcore-runtime")
    return Path(os.environ.get("XDG_RUNTIME_DIR", f"/tmp/labcore-{os.geteuid()}"), "labcore-runtime")


def _runtime(general: Mapping[str, Any]) -> "Runtime":
    from labcore.runtime.oci.lifecycle import Runtime

    return Runtime(_root(general))


def _one_name(options: Options, command: str) -> str:
    if not options.words:
        raise InvalidInput(f"{command}: name a container")
    return options.words[0]


def _refuse(options: Options) -> None:
    for name, why in REFUSED.items():
        if options.get(name):
            raise InvalidInput(f"--{name}: {why}")


MOST_PRESERVED: Final = 32


def _preserved(options: Options) -> list[int]:
    """Return the descriptors that are to be handed on. Raises InvalidInput if one of them is not open."""
    text = options.get("preserve-fds", "0")
    if not text.isdigit() or int(text) > MOST_PRESERVED:
        raise InvalidInput(f"--preserve-fds {text}: a number up to {MOST_PRESERVED} is wanted")
    found = list(range(3, 3 + int(text)))
    for fd in found:
        try:
            os.fstat(fd)
        except OSError:
            raise InvalidInput(f"--preserve-fds {text}: descriptor {fd} is not open") from None
    return found


def _write_pid(options: Options, process: "Process") -> None:
    if path := options.get("pid-file"):
        incoming = Path(path).with_name(f".{Path(path).name}.incoming")
        incoming.write_text(str(process.pid))
        incoming.rename(path)


def _create(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _refuse(options)
    name = _one_name(options, "create")
    bundle = Path(options.get("bundle", ".")).absolute()
    process = _runtime(general).create(
        name, bundle, console_socket=options.get("console-socket"), preserved=_preserved(options)
    )
    _write_pid(options, process)
    return 0


def _start(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _runtime(general).start(_one_name(options, "start"))
    return 0


def _run(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _refuse(options)
    name = _one_name(options, "run")
    bundle = Path(options.get("bundle", ".")).absolute()
    runtime = _runtime(general)
    process = runtime.create(
        name, bundle, console_socket=options.get("console-socket"), preserved=_preserved(options), keep=True
    )
    try:
        _write_pid(options, process)
        runtime.start(name)
    except BaseException:
        runtime.delete(name, force=True)
        raise
    if options.get("detach"):
        process.release()
        return 0
    code = _wait(process)
    if not options.get("keep"):
        runtime.delete(name, force=True)
    return code


def _wait(process: "Process") -> int:
    """Wait for a process in the foreground, passing signals on; return its exit code as a shell would."""

    def pass_on(number: int, _: object) -> None:
        process.kill(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _exec(general: Options, words: list[str]) -> int:
    options, command = read_options(words, until_word=True)
    _refuse(options)
    if not command and not options.words:
        raise InvalidInput("exec: name a container")
    name, *argv = command or options.words
    process_object = _process_object(general, name, options, argv)
    alone, socket = bool(options.get("detach")), options.get("console-socket")
    process = _runtime(general).exec(name, process_object, console_socket=socket, preserved=_preserved(options), release=alone)
    _write_pid(options, process)
    return 0 if alone else _wait(process)


def _process_object(general: Options, name: str, options: Options, argv: list[str]) -> dict[str, Any]:
    """Return the `process` object of an exec: a file's, or the container's own with what the command line says."""
    if path := options.get("process"):
        read: dict[str, Any] = json.loads(Path(path).read_text())
        return read
    from labcore.runtime.oci.state import Store

    made: dict[str, Any] = dict(Store(_root(general)).load(name).config.get("process", {}))
    made |= {"args": argv, "terminal": bool(options.get("tty"))}
    made.pop("consoleSize", None)
    if "cwd" in options:
        made["cwd"] = options["cwd"]
    made["env"] = [*made.get("env", []), *options.get("env", [])]
    if user := options.get("user"):
        uid, _, gid = user.partition(":")
        made["user"] = {"uid": int(uid), "gid": int(gid or 0)}
    return made


def _state(general: Options, words: list[str]) -> int:
    from labcore.runtime.cgroups import Cgroup
    from labcore.runtime.oci.state import Store, state_json, status_of

    options, _ = read_options(words)
    saved = Store(_root(general)).load(_one_name(options, "state"))
    status = status_of(saved, Cgroup(saved.cgroup).is_frozen())
    print(json.dumps(state_json(saved, status) | {"created": saved.created, "rootfs": _rootfs(saved)}, indent=2))
    return 0


def _rootfs(saved: Any) -> str:
    return str(Path(saved.bundle, saved.config["root"]["path"]))


def _kill(general: Options, words: list[str]) -> int:
    options, _ = read_options([w if not w.lstrip("-").isdigit() else w.lstrip("-") for w in words])
    name = _one_name(options, "kill")
    number = signal_number(options.get("signal") or (options.words[1] if len(options.words) > 1 else "TERM"))
    _runtime(general).kill(name, number, everybody=bool(options.get("all")))
    return 0


def signal_number(text: str) -> int:
    """Return a signal's number from `9`, `KILL` or `SIGKILL`. Raises InvalidInput."""
    if text.isdigit():
        if not 0 < int(text) <= signal.SIGRTMAX:
            raise InvalidInput(f"{text} is no signal")
        return int(text)
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    if name not in signal.Signals.__members__:
        raise InvalidInput(f"{text} is no signal")
    return int(signal.Signals[name])


def _delete(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _runtime(general).delete(_one_name(options, "delete"), force=bool(options.get("force")))
    return 0


def _pause(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _runtime(general).pause(_one_name(options, "pause"))
    return 0


def _resume(general: Options, words: list[str]) -> int:
    options, _ = read_options(words)
    _runtime(general).resume(_one_name(options, "resume"))
    return 0


def _ps(general: Options, words: list[str]) -> int:
    options, _ = read_options(words, until_word=False)
    pids = _runtime(general).processes(_one_name(options, "ps"))
    if options.get("format") == "json":
        print(json.dumps(pids))
        return 0
    import subprocess

    listed = subprocess.run(["ps", *(options.words[1:] or ["-ef"])], capture_output=True, text=True, check=True).stdout
    head, *lines = listed.splitlines()
    column = head.split().index("PID")
    print(head, *(line for line in lines if int(line.split()[column]) in pids), sep="\n")
    return 0


UPDATES: Final = {
    "memory": ("memory", "limit"), "memory-reservation": ("memory", "reservation"), "memory-swap": ("memory", "swap"),
    "cpu-shares": ("cpu", "shares"), "cpu-share": ("cpu", "shares"), "cpu-quota": ("cpu", "quota"),
    "cpu-period": ("cpu", "period"), "cpu-burst": ("cpu", "burst"), "cpu-idle": ("cpu", "idle"),
    "cpu-rt-period": ("cpu", "realtimePeriod"), "cpu-rt-runtime": ("cpu", "realtimeRuntime"), "cpuset-cpus": ("cpu", "cpus"),
    "cpuset-mems": ("cpu", "mems"), "pids-limit": ("pids", "limit"), "blkio-weight": ("blockIO", "weight"),
}  # fmt: skip


def _update(general: Options, words: list[str]) -> int:
    from labcore.runtime.cgroups import Cgroup
    from labcore.runtime.oci.node import Node
    from labcore.runtime.oci.resources import read_resources

    options, _ = read_options(words)
    name = _one_name(options, "update")
    saved = _runtime(general).store.load(name)
    wanted: dict[str, Any] = {}
    if path := options.get("resources"):
        wanted = json.loads(sys.stdin.read() if path == "-" else Path(path).read_text())
    for option, (group, key) in UPDATES.items():
        if option in options:
            text = options[option]
            wanted.setdefault(group, {})[key] = text if key in ("cpus", "mems") else int(text)
    Cgroup(saved.cgroup).apply(read_resources(Node(wanted, "resources")))
    return 0


def _list(general: Options, words: list[str]) -> int:
    from labcore.runtime.oci.lifecycle import Runtime
    from labcore.runtime.oci.state import NoSuchContainer

    options, _ = read_options(words)
    runtime = Runtime(_root(general))
    rows = []
    for name in runtime.store.names():
        try:
            saved = runtime.store.load(name)
        except NoSuchContainer:
            continue
        rows.append(runtime.state(name) | {"created": saved.created, "rootfs": _rootfs(saved), "owner": "root"})
    if options.get("format") == "json":
        print(json.dumps(rows or None))
    elif options.get("quiet"):
        print(*(row["id"] for row in rows), sep="\n", end="\n" if rows else "")
    else:
        print(f"{'ID':20} {'PID':>8} {'STATUS':10} {'BUNDLE':40} CREATED")
        for row in rows:
            print(f"{row['id']:20} {row['pid']:>8} {row['status']:10} {row['bundle']:40} {row['created']}")
    return 0


def _spec(general: Options, words: list[str]) -> int:  # noqa: ARG001
    from labcore.runtime.oci.example import example_config

    options, _ = read_options(words)
    if options.get("rootless"):
        raise InvalidInput("spec --rootless: write user namespaces into the file yourself")
    path = Path(options.get("bundle", ".")) / "config.json"
    if path.exists():
        raise InvalidInput(f"{path} exists already: remove it first")
    path.write_text(json.dumps(example_config(), indent=1) + "\n")
    return 0


def _features(general: Options, words: list[str]) -> int:  # noqa: ARG001
    from labcore.runtime.oci.example import features

    read_options(words)
    print(json.dumps(features(), indent=1))
    return 0


COMMANDS: Final[dict[str, Callable[[Options, list[str]], int]]] = {
    "create": _create,
    "start": _start,
    "run": _run,
    "exec": _exec,
    "state": _state,
    "kill": _kill,
    "delete": _delete,
    "pause": _pause,
    "resume": _resume,
    "ps": _ps,
    "update": _update,
    "list": _list,
    "spec": _spec,
    "features": _features,
}


def program() -> NoReturn:
    """Run as a program."""
    sys.exit(main())


if __name__ == "__main__":
    program()
