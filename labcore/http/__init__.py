"""HTTP/1.1 on sockets: router, streams, connections that are taken over; for the registry and the daemon."""

from labcore.http.message import Body, FilePart, Request, Response, SizedStream, Upgrade
from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.http.client import Client, Credentials
    from labcore.http.exceptions import HTTPException, MethodNotAllowed, NotFound
    from labcore.http.listeners import listen_tcp, listen_unix
    from labcore.http.middleware import ExceptionMiddleware
    from labcore.http.raw_stream import RawStream
    from labcore.http.router import Route, Router
    from labcore.http.server import Server

__all__ = [
    "Body", "Client", "Credentials", "ExceptionMiddleware", "FilePart", "HTTPException", "MethodNotAllowed", "NotFound",
    "RawStream", "Request", "Response", "Route", "Router", "Server", "SizedStream", "Upgrade", "listen_tcp", "listen_unix",
]  # fmt: skip

__getattr__ = lazy_names(  # a client of registries needs none of these
    __name__,
    {
        "labcore.http.client": ("Client", "Credentials"),
        "labcore.http.exceptions": ("HTTPException", "MethodNotAllowed", "NotFound"),
        "labcore.http.listeners": ("listen_tcp", "listen_unix"),
        "labcore.http.middleware": ("ExceptionMiddleware",),
        "labcore.http.raw_stream": ("RawStream",),
        "labcore.http.router": ("Route", "Router"),
        "labcore.http.server": ("Server",),
    },
)
