"""The state of a stage: what an image of all its steps so far would be made of. Each step returns the next one."""

from __future__ import annotations

from labcore.builder.cache_key import key_of_image
from labcore.images.config import Config, History
from labcore.record import Record
from labcore.spec.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.images import Descriptor, Image


class State(Record):
    """A config, its layers, and the key of the files in them; `created` is when the last layer was made, RFC 3339.

    `keys` are those that each layer was made under, empty for those of an image. `image_id` is that of the image at the bottom,
    or none; `image` is itself, as long as nothing was changed. `arguments` are the ARGs so far. `has_command`: there was a CMD.
    """

    config: Config
    layers: tuple[Descriptor, ...] = ()
    key: str = ""
    created: str = ""
    image_id: str = ""
    keys: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str | None], ...] = ()
    has_command: bool = False
    image: Image | None = None

    @classmethod
    def of_image(cls, image: Image) -> State:
        """Return the state that FROM an image begins with."""
        config = image.config.replace(cache_keys=(), history=image.config.whole_history())
        keys = ("",) * len(image.layers)
        return cls(config, image.layers, key_of_image(config), config.created, image.id, keys, image=image)

    @property
    def id(self) -> str:
        """The ID that an image of it has: its config's digest."""
        return self.image.id if self.image else digest_of(self.config.to_bytes())

    def with_entry(self, text: str, *, created: str = "") -> State:
        """Return the state after an instruction that made no files, which history has with this text."""
        created = created or self.created
        entry = History(created=created, created_by=text, empty_layer=True)
        config = self.config.replace(history=(*self.config.history, entry), created=created)
        return self.replace(config=config, image=None)

    def with_layer(self, layer: Descriptor | None, diff_id: str, text: str, *, key: str, cached_as: str, created: str) -> State:
        """Return the state after one that made a layer; None: it changed no file. `cached_as` is its key in the cache."""
        if layer is None:
            return self.with_entry(text, created=created).replace(key=key, created=created)
        config = self.config.replace(
            diff_ids=(*self.config.diff_ids, diff_id),
            history=(*self.config.history, History(created=created, created_by=text)),
            created=created,
        )
        layers, keys = (*self.layers, layer), (*self.keys, cached_as)
        return self.replace(config=config, layers=layers, keys=keys, key=key, created=created, image=None)
