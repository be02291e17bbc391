"""Client of the Engine API: labcore's daemon, or docker's, from Python."""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.client.answer import Answer, BadAnswer
    from labcore.client.client import Client, connect
    from labcore.client.errors import APIError
    from labcore.client.images import RegistryAuth
    from labcore.client.streams import Output, Streams

__all__ = ["APIError", "Answer", "BadAnswer", "Client", "Output", "RegistryAuth", "Streams", "connect"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.client.answer": ("Answer", "BadAnswer"),
        "labcore.client.client": ("Client", "connect"),
        "labcore.client.errors": ("APIError",),
        "labcore.client.images": ("RegistryAuth",),
        "labcore.client.streams": ("Output", "Streams"),
    },
)


def __dir__() -> list[str]:
    return __all__
