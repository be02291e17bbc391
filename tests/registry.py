"""A client that asks a registry by hand, for the tests of the server."""

import hashlib
import http.client
import json
import socket
from typing import Any, NamedTuple

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Answer(NamedTuple):
    """What was answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as a value."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Return the error's code, empty if it is none."""
        return str(self.json["errors"][0]["code"]) if self.status >= 400 else ""


class Client:
    """Asks; every connection is used again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask, with the underscores in the headers' names as hyphens."""
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def raw(self, data: bytes, *, end: bool = True) -> bytes:
        """Send bytes on a connection of their own, and return all that comes back until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    def push_blob(self, name: str, content: bytes) -> str:
        """Push a blob, and return its digest."""
        digest = digest_of(content)
        begun = self("POST", f"/v2/{name}/blobs/uploads/")
        assert begun.status == 202
        done = self("PUT", f"{begun.headers['Location']}?digest={digest}", content)
        assert done.status == 201, done.body
        return digest

    def push_image(self, name: str, reference: str, *layers: bytes, **extra: Any) -> str:
        """Push an image with its blobs, and return its digest."""
        content = image_of(*layers, **extra)
        for blob in (*layers, EMPTY):
            self.push_blob(name, blob)
        answer = self("PUT", f"/v2/{name}/manifests/{reference}", content, Content_Type=OCI)
        assert answer.status == 201, answer.body
        return str(answer.headers["Docker-Content-Digest"])


EMPTY = b'{"architecture":"amd64"}'


def image_of(*layers: bytes, **extra: Any) -> bytes:
    """Return an image's manifest."""
    value = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": descriptor(digest_of(EMPTY), EMPTY, CONFIG),
        "layers": [descriptor(digest_of(layer), layer) for layer in layers],
        **extra,
    }
    return json.dumps(value).encode()


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def descriptor(digest: str, content: bytes, media_type: str = LAYER) -> dict[str, Any]:
    """Return the descriptor of bytes."""
    return {"mediaType": media_type, "digest": digest, "size": len(content)}
