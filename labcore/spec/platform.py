"""Platforms: operating system, architecture and variant (image-spec, image-index.md)."""

from __future__ import annotations

import os

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
BETWEEN: Final = str.maketrans("", "", "_-.")  # what may stand between letters and digits
# An architecture's variant when none is said.
USUAL_VARIANT: Final = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


class Platform(Record):
    """An operating system, an architecture and a variant, as in `docker --platform`: `linux/arm64/v8`."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `OS/ARCHITECTURE[/VARIANT]`. Raises InvalidInput."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(part.translate(BETWEEN).isalnum() for part in parts):
            raise InvalidInput(f"{text!r} is no platform: it is OS/ARCHITECTURE[/VARIANT], for example linux/amd64")
        return cls(*parts)

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


def ranked(offered: Sequence[Platform], wanted: Platform) -> list[int]:
    """Return the indexes of the platforms that match, the best first: the highest variant, as containerd does."""
    suiting = [place for place, platform in enumerate(offered) if platform.suits(wanted)]
    return sorted(suiting, key=lambda place: offered[place].level or (), reverse=True)
