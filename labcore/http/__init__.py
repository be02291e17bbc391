"""HTTP/1.1 on sockets: what the registry, and later the daemon, are served with. Heads are read by httptools."""

from labcore.http.message import Body, FilePart, Pieces, Request, Response
from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.http.server import Server

__all__ = ["Body", "FilePart", "Pieces", "Request", "Response", "Server"]

__getattr__ = lazy_names(__name__, {"labcore.http.server": ("Server",)})  # a client of registries needs none
