"""`linux.seccomp` of config.json (config-linux.md, seccomp)."""

from __future__ import annotations

from labcore.spec import Comparison, SeccompProfile, SeccompRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.oci.node import Node

NOTIFY = "SCMP_ACT_NOTIFY"
FLAGS = ("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC")
ERRNO_BITS, ARGUMENTS = 16, 6  # seccomp(2): SECCOMP_RET_DATA, struct seccomp_data


def read_seccomp(node: Node) -> SeccompProfile | None:
    """Read the object; None if there is none. Raises ConfigError."""
    if not node:
        return None
    _check_listener(node)
    for flag in node["flags"].items():
        if flag.text() not in FLAGS:
            raise flag.fail(f"no such flag, or not supported: {flag.value!r}")
    return SeccompProfile(
        action=node["defaultAction"].required_text(),
        errno=node["defaultErrnoRet"].unsigned(1, ERRNO_BITS),
        architectures=node["architectures"].texts(),
        flags=node["flags"].texts(),
        rules=tuple(_rule(rule) for rule in node["syscalls"].items()),
    )


def asks(node: Node) -> bool:
    """Return whether there are calls that somebody is asked about."""
    return any(rule["action"].text() == NOTIFY for rule in node["syscalls"].items())


def _check_listener(node: Node) -> None:
    node["listenerMetadata"].text()  # which must be one
    if node["defaultAction"].text() == NOTIFY:
        raise node["defaultAction"].fail("SCMP_ACT_NOTIFY cannot be used as default action")
    for rule in node["syscalls"].items():
        if rule["action"].text() == NOTIFY and "write" in rule["names"].texts():
            raise rule.fail("SCMP_ACT_NOTIFY cannot be used for the write syscall: by it the listener is handed over")
    if asks(node) and not node["listenerPath"].text():
        raise node["listenerPath"].fail("is missing, and SCMP_ACT_NOTIFY asks somebody: name the socket that he listens at")


def _rule(node: Node) -> SeccompRule:
    names = node["names"].texts()
    if not names:
        raise node["names"].fail("is missing or empty")
    return SeccompRule(
        names=names,
        action=node["action"].required_text(),
        errno=node["errnoRet"].unsigned(1, ERRNO_BITS),
        comparisons=tuple(_comparison(argument) for argument in node["args"].items()),
    )


def _comparison(node: Node) -> Comparison:
    value, second = node["value"].unsigned(0, 64), node["valueTwo"].unsigned(0, 64)
    return Comparison(node["index"].number(0, 0, ARGUMENTS - 1), node["op"].required_text(), value, second)
