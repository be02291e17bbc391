"""Platforms: operating system, architecture and variant (image-spec, image-index.md)."""

from __future__ import annotations

import os
import re

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, Self

# uname's machine -> architecture and variant as images name them, which is as Go does
MACHINES: Final = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "riscv64": ("riscv64", ""),
    "ppc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
}
# A platform's first part, which may name the system's version, and the others: containerd/platforms, Parse.
SYSTEM: Final = re.compile(r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$")
COMPONENT: Final = re.compile(r"^[A-Za-z0-9_.-]+$")
SYSTEMS: Final = (  # that are known by one word
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd",
    "plan9", "solaris", "windows", "zos",
)  # fmt: skip
ARCHITECTURES: Final = (
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle", "mips64",
    "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
)  # fmt: skip
# Other names of architectures; and those of architecture and variant that mean the architecture alone, or a variant.
ALIASES: Final = {"i386": "386", "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm"}
VARIANTS: Final = {("armel", ""): ("arm", "v6"), ("amd64", "v1"): ("amd64", "")}
# An architecture's variant when none is said.
USUAL_VARIANT: Final = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


class Platform(Record):
    """An operating system, an architecture and a variant, as in `docker --platform`: `linux/arm64/v8`."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `OS[/ARCHITECTURE[/VARIANT]]` or `ARCHITECTURE`; what one word leaves open is this machine's.

        Names are those that images have: `linux/x86_64` is linux/amd64. Raises InvalidInput, in docker's words.
        """
        if "*" in text:
            raise _invalid(text, "wildcards not yet supported")
        first, *others = _checked(text)
        system = "darwin" if first == "macos" else first
        if len(others) > 2:
            raise _invalid(text, "cannot parse platform specifier")
        if others:
            return cls(system, *_architecture(*others))
        if system in SYSTEMS:
            return cls(system, cls.here().architecture)
        architecture, variant = _architecture(first)
        if architecture not in ARCHITECTURES:
            raise _invalid(text, "unknown operating system or architecture")
        return cls(cls.here().os, architecture, variant)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the `platform` of an index's entry, or the fields of a config; what cannot be shown becomes a question mark."""
        said = [str(value.get(name) or "") for name in ("os", "architecture", "variant")]
        return cls(*("".join(character if character.isprintable() else "?" for character in text) for text in said))

    @classmethod
    def here(cls) -> Self:
        """Return this machine's platform."""
        machine = os.uname().machine
        return cls("linux", *MACHINES.get(machine, (machine, "")))

    @property
    def level(self) -> tuple[int, ...] | None:
        """The number in the variant, by which variants are ordered: (7,) for arm/v7; None for a variant that has none."""
        digits = (self.variant or USUAL_VARIANT.get(self.architecture, "v0")).removeprefix("v").split(".")
        return tuple(map(int, digits)) if all(each.isdecimal() for each in digits) else None

    def suits(self, wanted: Platform) -> bool:
        """Does an image of this platform run where `wanted` is asked for? A machine runs images for older variants."""
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return False
        if self.level is None or wanted.level is None:
            return self.variant == wanted.variant
        return self.level <= wanted.level

    def __str__(self) -> str:
        return "/".join(filter(None, self.values()))


def _checked(text: str) -> list[str]:
    """Return the parts of a platform's text, in lower case, the system without its version. Raises InvalidInput."""
    first, *others = text.split("/", 3)
    if not (system := SYSTEM.fullmatch(first)):
        kind, pattern = "OSAndVersion specifier component", SYSTEM.pattern
        raise _invalid(first, f'is an invalid OS component of "{text:.80}": {kind} must match "{pattern}"', "")
    for part in others:
        if not COMPONENT.fullmatch(part):
            kind, pattern = "platform specifier component", COMPONENT.pattern
            raise _invalid(part, f'is an invalid component of "{text:.80}": {kind} must match "{pattern}"', "")
    return [each.lower() for each in (system[1], *others)]


def _architecture(name: str, variant: str = "") -> tuple[str, str]:
    """Return architecture and variant as images name them."""
    architecture = ALIASES.get(name, name)
    if variant.isdecimal() and architecture.startswith("arm"):
        variant = f"v{variant}"
    return VARIANTS.get((architecture, variant), (architecture, variant))


def _invalid(text: str, problem: str, colon: str = ":") -> InvalidInput:
    return InvalidInput(f'"{text:.80}"{colon} {problem}: invalid argument')


def ranked(offered: Sequence[Platform], wanted: Platform) -> list[int]:
    """Return the indexes of the platforms that match, the best first: the highest variant, as containerd does."""
    suiting = [place for place, platform in enumerate(offered) if platform.suits(wanted)]
    return sorted(suiting, key=lambda place: offered[place].level or (), reverse=True)
