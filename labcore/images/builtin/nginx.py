"""The builtin image `nginx`: Debian's, with the paths that users of the official image expect."""

from typing import Final

from labcore.images.builtin.apt import Archive, Tell
from labcore.images.builtin.debian import debian_parts, write_parts
from labcore.images.model import Image
from labcore.images.store import ImageStore

# The official image's place for pages, and for the site's file: Debian's own are /var/www/html and sites-available.
SITE: Final = b"""\
server {
    listen 80;
    server_name localhost;

    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
"""


def seed_nginx(store: ImageStore, archive: Archive, *, update: bool, tell: Tell) -> Image:
    """Make `nginx`. Raises Unavailable.

    It is the package `nginx`, the server itself: `nginx-light` only adds a module to it.
    """
    parts = debian_parts(archive, ["nginx"], update=update, tell=tell)
    layer = parts[-1].layer
    for path in ("etc/nginx/sites-available", "etc/nginx/sites-enabled", "etc/default/nginx"):
        layer.remove(path)
    for path in ("etc/nginx/sites-enabled", "etc/nginx/modules-enabled", "var/lib/nginx", "var/log/nginx"):
        layer.directory(path)  # nginx.conf names them
    layer.file("etc/nginx/conf.d/default.conf", SITE)
    layer.symlink("var/log/nginx/access.log", "/dev/stdout")  # what a container says is its log
    layer.symlink("var/log/nginx/error.log", "/dev/stderr")
    return write_parts(
        store,
        "nginx",
        parts,
        command=("nginx", "-g", "daemon off;"),
        exposed_ports=("80/tcp",),
        stop_signal="SIGQUIT",
        description="labcore's own, from Debian's packages: nginx, its pages in /usr/share/nginx/html",
    )
