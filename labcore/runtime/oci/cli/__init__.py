"""`labcore-runtime`: the command that podman, dockerd and containerd drive, with runc's options.

Its modules are imported when one of their commands is asked for.
"""

from __future__ import annotations

import gc
import sys

import labcore
from labcore.errors import InvalidInput, LabcoreError
from labcore.runtime.oci.cli.options import NAME, HelpWanted, Options, read_options, refuse
from labcore.streams import open_standard_streams

USAGE = f"""\
usage: {NAME} [--root DIR] [--log FILE] [--log-format text|json] [--cgroup-manager cgroupfs|systemd] COMMAND ...

An OCI runtime: containers from bundles, for engines such as podman, dockerd and containerd.

  create ID     make a container from a bundle (--bundle DIR, --config FILE), which waits for start
  start ID      let it become its program
  run ID        create, start, and with it in the foreground wait for its end (--detach: do not wait)
  exec ID CMD   run a further program in it (--process FILE, --cwd, --env, --user, --tty, --detach)
  state ID      print its state as JSON
  kill ID [SIG] send a signal to its first process (--all: to everybody in it)
  delete ID     forget one that has ended (--force: kill it first)
  pause, resume ID   stop all its processes where they are; let them go on
  ps ID         list its processes (--format table|json)
  update ID     change its limits (--resources FILE, --memory, --cpu-shares, --pids-limit, ...)
  events ID     print what it uses, every few seconds (--interval 5s), or once (--stats)
  list          list all containers (--format table|json, --quiet)
  spec          write a config.json to begin with (--bundle DIR, --rootless)
  features      print as JSON what this runtime can do
"""

FAILED = 1
EXEC_FAILED = 255  # runc's status, too: any other may be that of the program

# command -> the module of this package that has a function do_COMMAND
COMMANDS = {
    **dict.fromkeys(("start", "kill", "delete"), "transitions"),
    **dict.fromkeys(("create", "run", "exec"), "processes"),
    **dict.fromkeys(("state", "pause", "resume", "ps", "update", "list", "spec", "features", "events"), "queries"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    open_standard_streams()
    gc.disable()  # a command lives for milliseconds, and looking for garbage among its imports would take some of them
    given = sys.argv[1:] if arguments is None else arguments
    general, command = Options(), ""
    try:
        general, rest = read_options(given, until_word=True)
        if general.get("version"):
            return _version()
        if not rest:
            raise HelpWanted
        refuse(general)
        command, *words = rest
        if command not in COMMANDS:
            raise InvalidInput(f"no such command: {command}; see {NAME} --help")
        module = __import__(f"{__name__}.{COMMANDS[command]}", fromlist=[""])
        return int(getattr(module, f"do_{command}")(general, words))
    except HelpWanted:
        print(USAGE, end="")
        return 0
    except (LabcoreError, OSError) as error:
        _fail(general, str(error))
        return EXEC_FAILED if command == "exec" else FAILED


def _fail(general: Options, message: str) -> None:
    """Say what went wrong on standard error, and where the engine looks for it."""
    import time

    from labcore.json_codec import dumps

    print(f"{NAME}: {message}", file=sys.stderr)
    if path := general.get("log"):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f'time="{now}" level=error msg={dumps(message)}'
        if general.get("log-format") == "json":
            line = dumps({"level": "error", "msg": message, "time": now})
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            print(f"{NAME}: --log {path}: {error.strerror}", file=sys.stderr)


def _version() -> int:
    print(f"{NAME} version {labcore.__version__}\nspec: 1.2.1")
    return 0
