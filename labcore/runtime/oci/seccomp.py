"""`linux.seccomp` of config.json (config-linux.md, seccomp)."""

from __future__ import annotations

from labcore.spec import Comparison, SeccompProfile, SeccompRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.oci.node import Node

ERRNO_BITS, ARGUMENTS = 16, 6  # seccomp(2): SECCOMP_RET_DATA, struct seccomp_data


def read_seccomp(node: Node) -> SeccompProfile | None:
    """Read the object; None if there is none. Raises ConfigError."""
    if not node:
        return None
    actions = (node["defaultAction"], *(rule["action"] for rule in node["syscalls"].items()))
    if node["listenerPath"].text() and any(action.text() == "SCMP_ACT_NOTIFY" for action in actions):
        raise node["listenerPath"].fail("a listener for filtered calls is not supported")
    for flag in node["flags"].items():
        if flag.text() not in ("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"):
            raise flag.fail(f"no such flag, or not supported: {flag.value!r}")
    return SeccompProfile(
        action=node["defaultAction"].required_text(),
        errno=node["defaultErrnoRet"].unsigned(1, ERRNO_BITS),
        architectures=node["architectures"].texts(),
        flags=node["flags"].texts(),
        rules=tuple(_rule(rule) for rule in node["syscalls"].items()),
    )


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
