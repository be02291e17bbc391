"""Listener that is no daemon, at a daemon's socket: `python -m labcore.lab.faults.impostor SOCKET`.

It answers as a mail server greets, and hangs up. It ends when its standard input does, with the notebook.
"""

import select
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

SECONDS: Final = 1.0  # for a client to say something
GREETING: Final = b"220 mail.example ESMTP\r\n"


def main() -> None:
    """Take the socket's place, say `ready`, and greet whoever comes."""
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            connection.settimeout(SECONDS)
            with connection, suppress(OSError):
                connection.recv(1 << 16)  # a request that is not taken would be all that its sender hears of
                connection.sendall(GREETING)


if __name__ == "__main__":
    main()
