"""Twists: what an examination adds to its copy of `my_runtime.py`, so that each function's work is told from anybody else's.

A twist gives a function another input, or goes on from what it has returned, with a drawn value in it. Where that value is seen
in a container, an image or the cache, it has come through the learner's function: nobody else knows it.
"""

import random
from collections.abc import Iterable
from typing import Final

from labcore.record import Record

LETTERS: Final = "abcdefghkmnpqrstuvwxyz23456789"
SPARED: Final = ("MKNOD", "AUDIT_WRITE", "SETFCAP", "SYS_CHROOT")  # capabilities that no web server needs
ISOLATED: Final = ("ipc", "cgroup")  # namespaces that it can do without
HEAD: Final = "\n\n# What the examination adds to this copy; the functions above are as they were written.\n"

# By function: what takes its place, and begins with what it returns. Words in angle brackets are drawn.
TWISTS: Final = {
    "namespaces": "lambda spec: own(spec.replace(namespaces=tuple(each for each in spec.namespaces if each != '<namespace>')))",
    "limits": "lambda spec: own(spec.replace(resources=spec.resources.replace(pids=<pids>)))",
    "confine": "lambda spec: own(spec.replace(capabilities=_without('<right>')))",
    "hostname": "lambda spec: [*own(spec), ops.SetHostname('<host>')]",
    "rootfs": "lambda spec: [*own(spec), ops.MakeDirectories(('/<directory>',))]",
    "devices": "lambda spec: [*own(spec), ops.MakeDirectories(('dev/<device>',))]",
    "parse": "lambda text: [(name, _with(value, '<asked>', '<read>')) for name, value in own(text)]",
    "apply": "lambda pair, config: {**own(pair, config), 'Labels': {**(config.get('Labels') or {}), '<label>': pair[0]}}",
    "cache_key": "lambda below, pair, content: own(below, (pair[0], _with(pair[1], '<second>', '<first>')), content)",
    "build": "lambda pairs, step: own(pairs, lambda pair: '<id>' + step(pair))",
}
TOOLS: Final = '''
def _with(value, word, other):
    """Return an instruction's value with one word in the place of another."""
    return value.replace(word, other) if isinstance(value, str) else [each.replace(word, other) for each in value]


def _without(right):
    """Return the usual capabilities without one of them."""
    return root_with(tuple(each for each in DEFAULT_CAPABILITIES if each != right))
'''


class Words(Record):
    """What was drawn for one examination."""

    namespace: str
    pids: int
    right: str
    host: str
    directory: str
    device: str
    asked: str
    read: str
    label: str
    first: str
    second: str
    id: str


def draw(seed: int) -> Words:
    """Draw; the same seed draws the same."""
    lots = random.Random(seed)

    def word(prefix: str) -> str:
        return prefix + "".join(lots.choices(LETTERS, k=8))

    return Words(
        namespace=lots.choice(ISOLATED),
        pids=lots.randint(150, 950),
        right=lots.choice(SPARED),
        host=word("host-"),
        directory=word("root-"),
        device=word("device-"),
        asked=word("asked-"),
        read=word("read-"),
        label=word("label-"),
        first=word("first-"),
        second=word("second-"),
        id="".join(lots.choices("0123456789abcdef", k=12)),
    )


def twisted(text: str, names: Iterable[str], words: Words) -> str:
    """Return a program with a twist for each of these functions, which it defines."""
    added = [text.rstrip(), HEAD, TOOLS]
    for name in names:
        twist = TWISTS[name]
        for key, value in words.as_dict().items():
            twist = twist.replace(f"<{key}>", str(value))
        added.append(f"\ndef _twisted(own):\n    return {twist}\n\n\n{name} = _twisted({name})\n")
    return "".join(added)
