"""Web pages in a notebook: `lab.page(url)` fetches one and shows it, with the addresses at which a browser finds it."""

import html
import socket
from urllib.parse import urlsplit

from labcore.lab.colours import MUTED, RULE
from labcore.lab.http_get import fetch
from labcore.lab.messages import say
from labcore.record import Record

ELSEWHERE = ("192.0.2.1", 9)  # an address that is nobody's: RFC 5737
SECONDS = 10.0  # that a server may take to come up


class Page(Record):
    """A page: where it is, on this machine and from others, and what it holds. No script of it runs in the notebook."""

    url: str
    from_others: tuple[str, ...]
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        frame = f"width:100%;height:110px;border:1px solid {RULE};background:white"
        links = " · ".join(f"<a href='{each}' target='_blank'>{each}</a>" for each in (self.url, *self.from_others))
        return (
            f"<iframe sandbox srcdoc='{html.escape(self.text, quote=True)}' style='{frame}'></iframe>"
            f"<div style='color:{MUTED}'>{html.escape(say('in a browser'))}: {links}</div>"
        )


def page(url: str) -> Page:
    """Fetch a page, and wait some seconds for its server. Raises FetchFailed, InvalidInput."""
    text = fetch(url, within=SECONDS).decode(errors="replace")
    port = urlsplit(url).port
    return Page(url, tuple(f"http://{address}:{port}/" for address in _own_addresses()), text)


def _own_addresses() -> list[str]:
    """Return the address from which this machine would send to others; nothing if it has no route to them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(ELSEWHERE)  # sends nothing: udp(7)
        except OSError:
            return []
        return [asked.getsockname()[0]]
