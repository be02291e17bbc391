"""Platforms: operating system, architecture and variant (image-spec, image-index.md)."""

import os
from typing import Any, Final, Self

from labcore.errors import InvalidInput
from labcore.record import Record

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
# An architecture's variant when none is said.
USUAL_VARIANT: Final = {"arm64": "v8", "arm": "v7"}


class Platform(Record):
    """An operating system, an architecture and a variant, as in `docker --platform`: `linux/arm64/v8`."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `OS/ARCHITECTURE[/VARIANT]`. Raises InvalidInput."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(part.replace("_", "").replace("-", "").isalnum() for part in parts):
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

    def suits(self, wanted: "Platform") -> bool:
        """Does an image of this platform run where `wanted` is asked for?"""
        return (self.os, self.architecture) == (wanted.os, wanted.architecture) and (
            self.variant in ("", wanted.variant) or self.variant == USUAL_VARIANT.get(self.architecture)
        )

    def __str__(self) -> str:
        return "/".join(filter(None, self.values()))


def choose(offered: list[Platform], wanted: Platform) -> int | None:
    """Return the index of the best matching platform, with exactly that variant if there is one; None if none matches."""
    exact = [place for place, platform in enumerate(offered) if platform == wanted]
    suiting = [place for place, platform in enumerate(offered) if platform.suits(wanted)]
    return next(iter(exact + suiting), None)
