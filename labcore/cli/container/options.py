"""docker run's options: their declarations, and CreateOptions from what was parsed."""

from __future__ import annotations

import os
from codecs import BOM_UTF8

from labcore.cli.flags import Arguments, Parser
from labcore.errors import InvalidInput
from labcore.files import read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from labcore.spec import CreateOptions, Healthcheck

FILE_MAX: Final = 4 << 20  # bytes of an --env-file; the kernel gives a program 6 MB of arguments and variables at most

# flags; field of `labcore.options.create` (with a `+` it may be repeated); what stands for its value, none for a
# switch; help
OPTIONS: Final = (
    ("-e --env", "env+", "NAME[=VALUE]", "set an environment variable, without VALUE to that of this environment"),
    ("--env-file", "env_file+", "FILE", "the same from a file's lines; -e overrules it"),
    ("-w --workdir", "workdir", "DIR", "where the program starts (default: as the image says)"),
    ("-u --user", "user", "USER[:GROUP]", "whom it runs as, by name or number (default: as the image says)"),
    ("--group-add", "group_add+", "GROUP", "a further group of its user, by name or number"),
    ("--entrypoint", "entrypoint", "PROGRAM", "run this instead of the image's entry point and command; '' clears both"),
    ("--init", "init", "", "start a process before the program that reaps its orphans"),
    ("-h --hostname", "hostname", "NAME", "the host name inside (default: the first digits of the container's ID)"),
    ("--domainname", "domainname", "NAME", "the NIS domain name inside"),
    ("-v --volume", "volumes+", "[SOURCE:]PATH[:OPTIONS]",
     "mount a volume (SOURCE is its name, or nothing), or a directory or file of this machine (SOURCE begins with /); "
     "OPTIONS: ro, nocopy, rslave, …"),
    ("--volumes-from", "volumes_from+", "CONTAINER[:ro]", "mount what another container has mounted"),
    ("--mount", "mounts+", "type=…,src=…,dst=…", "the same in many words"),
    ("--tmpfs", "tmpfs+", "PATH[:OPTIONS]", "mount an empty tmpfs"),
    ("--read-only", "read_only", "", "let it write to what is mounted, and to nothing else"),
    ("--shm-size", "shm_size", "SIZE", "of /dev/shm (default: 64m)"),
    ("-m --memory", "memory", "SIZE", "at most so much memory, such as 64m"),
    ("--memory-swap", "memory_swap", "SIZE", "memory and swap together; -1: any (default: twice the memory)"),
    ("--memory-reservation", "memory_reservation", "SIZE", "memory that it is left with where memory is short"),
    ("--memory-swappiness", "memory_swappiness", "N", "how soon its memory is swapped out, 0 to 100 (cgroup version 1)"),
    ("--oom-kill-disable", "oom_kill_disable", "", "wait for memory instead of being killed (cgroup version 1)"),
    ("--oom-score-adj", "oom_score_adj", "N", "how soon it is killed where the machine's memory is short, -1000 to 1000"),
    ("--cpus", "cpus", "N", "the time of so many processors, such as 1.5"),
    ("-c --cpu-shares", "cpu_shares", "N", "its weight where processors are short (default: 1024)"),
    ("--cpu-period", "cpu_period", "USEC", "the period of --cpu-quota"),
    ("--cpu-quota", "cpu_quota", "USEC", "processor time in each period"),
    ("--cpu-rt-period", "cpu_rt_period", "USEC", "the period of --cpu-rt-runtime (cgroup version 1)"),
    ("--cpu-rt-runtime", "cpu_rt_runtime", "USEC", "real-time processor time in each period (cgroup version 1)"),
    ("--cpuset-cpus", "cpuset_cpus", "LIST", "the processors that it may use, such as 0-2,4"),
    ("--cpuset-mems", "cpuset_mems", "LIST", "the NUMA nodes whose memory it may use"),
    ("--pids-limit", "pids_limit", "N", "at most so many processes and threads; -1: any number"),
    ("--blkio-weight", "blkio_weight", "N", "its weight where disks are short, 10 to 1000"),
    ("--blkio-weight-device", "blkio_weight_device+", "/dev/NAME:N", "the same for one disk (cgroup version 1)"),
    ("--device-read-bps", "device_read_bps+", "/dev/NAME:SIZE", "at most so many bytes read in a second"),
    ("--device-write-bps", "device_write_bps+", "/dev/NAME:SIZE", "at most so many bytes written in a second"),
    ("--device-read-iops", "device_read_iops+", "/dev/NAME:N", "at most so many reads in a second"),
    ("--device-write-iops", "device_write_iops+", "/dev/NAME:N", "at most so many writes in a second"),
    ("--ulimit", "ulimits+", "NAME=SOFT[:HARD]", "a resource limit of its processes: setrlimit(2)"),
    ("--cgroup-parent", "cgroup_parent", "PATH", "make its cgroup below this one"),
    ("--device", "devices+", "PATH[:PATH INSIDE][:rwm]", "a device of this machine"),
    ("--device-cgroup-rule", "device_cgroup_rules+", "RULE", "devices that it may use, such as 'c 42:* rmw'"),
    ("--privileged", "privileged", "", "leave it all of root's power, as containers inside of it need (see README)"),
    ("--cap-add", "cap_add+", "CAPABILITY", "give root in it a capability, or ALL: capabilities(7)"),
    ("--cap-drop", "cap_drop+", "CAPABILITY", "take a capability from root in it, or ALL"),
    ("--security-opt", "security_opt+", "OPTION",
     "seccomp=unconfined|FILE, apparmor=PROFILE, no-new-privileges, systempaths=unconfined, mask=PATH, unmask=PATH|ALL"),
    ("--sysctl", "sysctls+", "NAME=VALUE", "a kernel parameter of its namespaces"),
    ("--network --net", "network+", "NETWORK",
     "the network that it is on (default: bridge): a name, name=…,ip=…,alias=…, none, host, container:NAME"),
    ("-p --publish", "publish+", "[[IP:]PORT:]PORT[/udp]", "have a port of it answer at one of this machine"),
    ("-P --publish-all", "publish_all", "", "the same for all that are exposed, at ports that are free"),
    ("--expose", "expose+", "PORT[/udp]", "say that it listens there, for -P"),
    ("--ip", "ip", "IP", "its address on the network"),
    ("--ip6", "ip6", "IP", "the same of IPv6"),
    ("--mac-address", "mac_address", "MAC", "the address of its interface"),
    ("--network-alias --net-alias", "network_aliases+", "NAME", "a further name on the network"),
    ("--link", "links+", "CONTAINER[:ALIAS]", "know a container by a name (on the default network)"),
    ("--pid", "pid_mode", "MODE", "host: see the machine's processes"),
    ("--ipc", "ipc_mode", "MODE", "private (default), shareable, none: without /dev/shm, host, container:NAME"),
    ("--uts", "uts_mode", "MODE", "host: have the machine's host name"),
    ("--cgroupns", "cgroupns_mode", "MODE", "private (default), host"),
    ("--userns", "userns_mode", "MODE", "host: leave --userns-remap out"),
    ("--userns-remap", "remap", "FIRST[:SIZE]", "its users are others outside: root is FIRST (SIZE: 65536 of them)"),
    ("--add-host", "extra_hosts+", "HOST:IP", "a further line of /etc/hosts; host-gateway is this machine's address"),
    ("--dns", "dns+", "IP", "a name server in /etc/resolv.conf (default: this machine's)"),
    ("--dns-search", "dns_search+", "DOMAIN", "where names are looked for; . is nowhere"),
    ("--dns-option --dns-opt", "dns_options+", "OPTION", "an option in /etc/resolv.conf"),
    ("-l --label", "labels+", "NAME[=VALUE]", "a label"),
    ("--label-file", "label_file+", "FILE", "labels from a file's lines"),
    ("--annotation", "annotations+", "NAME=VALUE", "a note for the runtime, which inspect shows"),
    ("--log-driver", "log_driver", "NAME", "json-file (default), local, or none: then nobody can read its output later"),
    ("--log-opt", "log_options+", "NAME=VALUE", "max-size, max-file, mode=non-blocking, max-buffer-size"),
    ("--stop-signal", "stop_signal", "SIGNAL", "what ends it (default: as the image says, or SIGTERM)"),
    ("--restart", "restart", "POLICY",
     "no, always, unless-stopped or on-failure[:N]: start it again when it has ended "),
    ("--health-cmd", "health_cmd", "COMMAND", "a command that looks whether it is healthy"),
    ("--health-interval", "health_interval", "TIME", "between two checks (default: 30s)"),
    ("--health-timeout", "health_timeout", "TIME", "that a check may take (default: 30s)"),
    ("--health-retries", "health_retries", "N", "failures in a row by which it is unhealthy (default: 3)"),
    ("--health-start-period", "health_start_period", "TIME", "from its start on, in which failures do not count"),
    ("--health-start-interval", "health_start_interval", "TIME", "between two checks in that time (default: 5s)"),
    ("--no-healthcheck", "no_healthcheck", "", "leave out the image's health check"),
    ("--stop-timeout", "stop_timeout", "SECONDS", "how long it has to end before it is killed"),
)  # fmt: skip


def arguments(parser: Parser, *, needs_image: bool = True) -> None:
    """Declare them, and IMAGE and its command. `-h` is docker's, the host name; `--help` helps."""
    for flags, field, value, line in OPTIONS:
        name, many = field.removesuffix("+"), field.endswith("+")
        if not value:
            parser.add_argument(*flags.split(), dest=name, action="store_true", help=line)
        else:
            more = "; may be repeated" if many else ""
            action = "append" if many else "store"
            parser.add_argument(*flags.split(), dest=name, action=action, metavar=value, help=line + more)
    parser.add_argument("--rootfs", action="store_true", help="IMAGE is a directory, used as root file system as it is")
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs=None if needs_image else "?",
        help="an image's name, such as busybox or hello-world:latest, or its ID",
    )
    parser.add_argument("argv", nargs="...", metavar="ARG", help="the program and its arguments (default: as the image says)")


def options_of(args: Arguments, **more: Any) -> CreateOptions:
    """Return what the arguments say. Raises InvalidInput."""
    from labcore.options import create_options

    names = [field.removesuffix("+") for _, field, _, _ in OPTIONS]
    fields: dict[str, Any] = {name: None if getattr(args, name) is False else getattr(args, name) for name in names}
    files = fields.pop("env_file"), fields.pop("label_file")
    fields["env"] = variables(files[0] or [], fields["env"] or [])
    fields["labels"] = _labels(files[1] or [], fields["labels"] or [])
    fields["healthcheck"] = _healthcheck(fields)
    image = None if args.rootfs else args.image
    return create_options(image, args.argv, rootfs=args.image if args.rootfs else None, **fields | more)


def _healthcheck(fields: dict[str, Any]) -> Healthcheck | None:
    """Take the options of a health check out of the fields, and return the check; None if they say nothing."""
    taken = {name.removeprefix("health_"): fields.pop(name) for name in list(fields) if name.startswith("health_")}
    off = bool(fields.pop("no_healthcheck"))
    if not off and not any(taken.values()):
        return None
    from labcore.options.life import healthcheck  # few containers have one

    return healthcheck(command=taken.pop("cmd"), off=off, retries=taken.pop("retries"), **taken)


def variables(files: Sequence[str], given: Sequence[str]) -> dict[str, str | None]:
    """Return the variables of --env-file and then -e; None takes the image's away: docker does so if nobody here has set it."""
    found: dict[str, str | None] = {}
    for path in files:
        found |= {name: value for name, value in _from_file("--env-file", path).items() if value is not None}
    for text in given:
        name, equals, value = text.partition("=")
        if not name:
            raise InvalidInput(f"-e {text}: NAME=VALUE is wanted, or NAME for what it is here")
        found[name] = value if equals else os.environ.get(name)
    return found


def _labels(files: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Return the labels of --label-file and then -l."""
    found = {name: value or "" for path in files for name, value in _from_file("--label-file", path).items()}
    for text in given:
        name, _, value = text.partition("=")
        if not name.strip():
            raise InvalidInput(f"--label {text}: NAME=VALUE is wanted")
        found[name] = value
    return found


def _from_file(option: str, path: str) -> dict[str, str | None]:
    """Read docker's format: NAME=VALUE on each line, the value as it stands there; `#` begins a comment.

    NAME alone is the variable of this environment, None if there is none.
    """
    found: dict[str, str | None] = {}
    content = read_bytes(path, FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise InvalidInput(f"{option} {path}: it has more than {FILE_MAX} bytes, which no program can be given")
    for number, line in enumerate(content.removeprefix(BOM_UTF8).split(b"\n"), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"{option} {path}, line {number}: this is no UTF-8") from None
        name, equals, value = text.removesuffix("\r").lstrip().partition("=")
        if (not name and not equals) or name.startswith("#"):
            continue
        if not name or name.split() != [name]:
            raise InvalidInput(f"{option} {path}, line {number}: NAME=VALUE is wanted, or NAME for what it is here")
        found[name] = value if equals else os.environ.get(name)
    return found
