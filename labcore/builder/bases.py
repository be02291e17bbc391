"""Base images: what FROM and `--from` name becomes an image that is here, pulled if it was not."""

from __future__ import annotations

from labcore.engine.image.jobs import pull_image
from labcore.errors import ImageNotFound
from labcore.images import Config
from labcore.registry.endpoint import RegistryError
from labcore.spec import Reference
from labcore.spec.reference import HUB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from labcore.builder.options import BuildOptions
    from labcore.engine.engine import Engine
    from labcore.engine.image.jobs import OnCancel
    from labcore.engine.image.pull import CredentialsOf
    from labcore.images import Image
    from labcore.spec import Platform

SHOWN: Final = 4  # names
# Versions whose makers no longer mend them, by repository and major version.
END_OF_LIFE: Final = {("python", "2"): "Python 2 has had no support since 2020"}
SCRATCH = "scratch"
DOCKER_IMAGE = "docker-image://"


class Bases:
    """The images that one build stands on, each looked up once; `say` is told of pulls."""

    def __init__(self, engine: Engine, options: BuildOptions, find: CredentialsOf, on_cancel: OnCancel) -> None:
        self._engine = engine
        self._options = options
        self._find = find
        self._on_cancel = on_cancel
        self._found: dict[tuple[str, str], Image] = {}

    def image(self, text: str, platform: Platform | None, say: Callable[[str], None]) -> Image:
        """Return an image by its name or ID. Raises InvalidInput, ImageNotFound, RegistryError."""
        wanted = platform or self._options.platform
        key = (text, str(wanted or ""))
        if key not in self._found:
            self._found[key] = self._here_or_pulled(text, wanted, say)
        return self._found[key]

    def _here_or_pulled(self, text: str, platform: Platform | None, say: Callable[[str], None]) -> Image:
        if not self._options.pull and (found := self._here(text, platform)):
            return found
        reference = Reference.parse(text)
        try:
            return self._pulled(reference, platform, say)
        except (ImageNotFound, RegistryError) as error:
            if hint := self._hint(reference):
                error.args = (f"{error}\n  cure: {hint}",)
            raise

    def _pulled(self, reference: Reference, platform: Platform | None, say: Callable[[str], None]) -> Image:
        pulling = pull_image(
            self._engine, reference, platform=platform, find=self._find, on_cancel=self._on_cancel
        )  # fmt: skip
        say(f"Pulling {reference}\n")
        while True:
            try:
                next(pulling)
            except StopIteration as end:
                image: Image = end.value.image
                say(f"Pulled {reference}\n")
                return image

    def _hint(self, reference: Reference) -> str:
        """Return what could be used instead of an image that cannot be had: one of that repository, here or made here."""
        from labcore.images.builtin.catalogue import SEEDS  # with all that makes them

        name = reference.repository.removeprefix("library/")
        wanted = reference.registry, reference.repository
        parsed = [(each, Reference.parse(each)) for each in self._engine.images.names() if "@" not in each]
        here = [each for each, other in parsed if (other.registry, other.repository) == wanted]
        hint = f"{', '.join(here[:SHOWN])} is here: FROM {here[0].removesuffix(':latest')}" if here else ""
        if not here and reference.registry == HUB and name in SEEDS:
            hint = f"`labcore seed {name}` makes {name}:latest here, and `labcore seed --list` says what else can be made"
        ended = END_OF_LIFE.get((name, (reference.tag or "").partition(".")[0]), "")
        return f"{hint}; {ended}" if hint and ended else hint

    def _here(self, text: str, platform: Platform | None) -> Image | None:
        try:
            found = self._engine.images.find(text, platform)
        except ImageNotFound:
            return None
        return found if platform is None or found.config.platform.suits(platform) else None


def scratch(platform: Platform) -> Config:
    """Return the config that `FROM scratch` begins with."""
    return Config(platform.architecture, (), os=platform.os, variant=platform.variant)
