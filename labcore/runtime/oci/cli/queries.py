"""state, list, ps, pause, resume, update, spec, features: the commands about containers that are there.

Engines ask for the state of each container again and again: neither `json` nor `pathlib` is imported for that.
"""

from __future__ import annotations

import os
import sys
import time

from labcore.errors import InvalidInput
from labcore.files import write_text
from labcore.json_codec import compact, dumps
from labcore.runtime.oci.cli.options import (
    NAME,
    UPDATES,
    one_name,
    read_object,
    read_options,
    root_of,
    whole_number,
)
from labcore.runtime.oci.life import NoSuchContainer, StateDamaged
from labcore.runtime.oci.lifecycle import Runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labcore.runtime.cgroups.statistics import Statistics
    from labcore.runtime.oci.cli.options import (
        Options,
    )
    from labcore.runtime.oci.state import Saved


def _runtime(general: Options) -> Runtime:
    return Runtime(root_of(general))


def do_state(general: Options, words: list[str]) -> int:
    """Print a container's state."""
    options, _ = read_options(words)
    name = one_name(options, "state")
    store = _runtime(general).store
    saved = store.load(name)
    state = store.state(name) | {"created": saved.created, "rootfs": _rootfs(saved)}
    members = (f"  {dumps(member)}: {dumps(value)}" for member, value in state.items())
    print("{", ",\n".join(members), "}", sep="\n")
    return 0


def _rootfs(saved: Saved) -> str:
    return os.path.join(saved.bundle, saved.config["root"]["path"])


def do_pause(general: Options, words: list[str]) -> int:
    """Stop all its processes where they are."""
    options, _ = read_options(words)
    _runtime(general).pause(one_name(options, "pause"))
    return 0


def do_resume(general: Options, words: list[str]) -> int:
    """Let them go on."""
    options, _ = read_options(words)
    _runtime(general).resume(one_name(options, "resume"))
    return 0


def _as_json(options: Options) -> bool:
    """Return whether a list is wanted as JSON. Raises InvalidInput."""
    if (wanted := options.get("format", "table")) not in ("table", "json"):
        raise InvalidInput(f"--format {wanted}: table or json is wanted")
    return bool(wanted == "json")


def do_ps(general: Options, words: list[str]) -> int:
    """List its processes."""
    options, rest = read_options(words, until_word=True, short={"f": "format"})
    if not rest:
        raise InvalidInput("ps: name a container")
    name, *wanted = rest
    pids = _runtime(general).processes(name)
    if _as_json(options):
        print(compact(pids))
        return 0
    import subprocess

    listed = subprocess.run(["ps", *(wanted or ["-ef"])], capture_output=True, text=True, check=True).stdout
    head, *lines = listed.splitlines()
    column = head.split().index("PID")
    print(head, *(line for line in lines if int(line.split()[column]) in pids), sep="\n")
    return 0


def do_events(general: Options, words: list[str]) -> int:
    """Print what a container uses, as lines of JSON in runc's words: once, or until it has ended."""
    options, _ = read_options(words)
    name = one_name(options, "events")
    runtime = _runtime(general)
    interval = _seconds(options.get("interval", "5s"))
    killed = 0
    while True:
        used = runtime.statistics(name)
        if used.oom_kills > killed and not options.get("stats"):
            print(compact({"type": "oom", "id": name}), flush=True)
        killed = used.oom_kills
        print(compact({"type": "stats", "id": name, "data": _as_runc_says(used)}), flush=True)
        if options.get("stats") or runtime.state(name)["status"] == "stopped":
            return 0
        time.sleep(interval)


def _seconds(text: str) -> float:
    """Read how long to wait, `5s` or `100ms`. Raises InvalidInput."""
    number = text.rstrip("hms")
    factor = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}.get(text[len(number) :])
    if not number.replace(".", "", 1).isdecimal() or not number.isascii() or factor is None or float(number) <= 0:
        raise InvalidInput(f"--interval {text}: a number and its unit are wanted, such as 5s or 100ms")
    return float(number) * factor


def _as_runc_says(used: Statistics) -> dict[str, Any]:
    return {
        "cpu": {"usage": {"total": used.cpu}, "throttling": {"throttledPeriods": used.throttled}},
        "memory": {
            "usage": {"usage": used.memory, "limit": used.memory_limit, "max": used.memory_peak, "failcnt": used.oom_kills},
        },
        "pids": {"current": used.processes, "limit": used.processes_limit},
        "blkio": {"read": used.read, "write": used.written},
    }


def do_update(general: Options, words: list[str]) -> int:
    """Change its limits."""
    from labcore.runtime.cgroups import Cgroup
    from labcore.runtime.cgroups.scope import change
    from labcore.runtime.oci.node import Node
    from labcore.runtime.oci.resources import read_resources

    options, _ = read_options(words)
    name = one_name(options, "update")
    saved = _runtime(general).store.load(name)
    wanted = read_object("--resources", options["resources"]) if options.get("resources") else {}
    for option, (group, key) in UPDATES.items():
        if option in options:
            text = options[option]
            value = text if key in ("cpus", "mems") else whole_number(option, text)
            wanted[group] = (wanted.get(group) or {}) | {key: value}
    limits = read_resources(Node(wanted, "resources"))
    change(Cgroup(saved.cgroup), limits)
    Cgroup(saved.cgroup).apply(limits)
    return 0


LISTED = ("ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner")  # in runc's order


def do_list(general: Options, words: list[str]) -> int:
    """List all containers."""
    options, _ = read_options(words, short={"f": "format"})
    as_json = _as_json(options)
    runtime = _runtime(general)
    rows = []
    for name in runtime.store.names():
        try:
            saved = runtime.store.load(name)
            found = runtime.state(name) | {"rootfs": _rootfs(saved), "created": saved.created, "owner": "root"}
            rows.append({field: found[field] for field in LISTED})
        except StateDamaged as error:
            print(f"{NAME}: warning: {error}", file=sys.stderr)
        except NoSuchContainer:
            if runtime.store.is_left_over(name):
                print(f"{NAME}: warning: container {name} was never made to its end: delete --force {name}", file=sys.stderr)
    if as_json:
        print(compact(rows or None))
    elif options.get("quiet"):
        print(*(row["id"] for row in rows), sep="\n", end="\n" if rows else "")
    else:
        print(f"{'ID':20} {'PID':>8} {'STATUS':10} {'BUNDLE':40} CREATED")
        for row in rows:
            print(f"{row['id']:20} {row['pid']:>8} {row['status']:10} {row['bundle']:40} {row['created']}")
    return 0


def do_spec(general: Options, words: list[str]) -> int:  # noqa: ARG001
    """Write a config.json to begin with."""
    import json

    from labcore.runtime.oci.example import example_config, rootless_config

    options, _ = read_options(words)
    config = rootless_config(os.geteuid(), os.getegid()) if options.get("rootless") else example_config()
    path = os.path.join(options.get("bundle", "."), "config.json")
    if os.path.exists(path):
        raise InvalidInput(f"{path} exists already: remove it first")
    write_text(path, json.dumps(config, indent=1) + "\n")
    return 0


def do_features(general: Options, words: list[str]) -> int:  # noqa: ARG001
    """Print what this runtime can do."""
    import json

    from labcore.runtime.oci.example import features

    read_options(words)
    print(json.dumps(features(), indent=1))
    return 0
