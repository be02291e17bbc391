"""The builtin image `debian`: a shell and the core tools from Debian's packages; the base layer of `nginx` and `python`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from labcore.images.builtin.apt import Archive, Package, Tell
from labcore.images.builtin.layer import LayerWriter, write_image
from labcore.images.builtin.packages import add_packages
from labcore.images.model import Image
from labcore.images.store import ImageStore
from labcore.record import Record

BASE: Final = (
    "base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "debianutils", "findutils", "grep", "gzip",
    "hostname", "libc-bin", "mawk", "sed", "tar",
)  # fmt: skip
# What packages depend on for their scripts, which are not run; and what serves a whole machine.
WITHOUT: Final = (
    "adduser", "debconf", "dpkg", "init-system-helpers", "iproute2", "libdb5.3", "libjs-jquery", "libpam-modules",
    "libpam-runtime", "login", "lsb-base", "openssl", "perl", "perl-base", "sysvinit-utils",
)  # fmt: skip
PACKAGES_LABEL: Final = "org.labcore.packages"
DESCRIPTION_LABEL: Final = "org.opencontainers.image.description"
CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"


class Part(Record):
    """A layer that is being built, and the packages that it is built from."""

    layer: LayerWriter
    packages: tuple[Package, ...]


def seed_debian(store: ImageStore, archive: Archive, *, update: bool, tell: Tell) -> Image:
    """Make `debian`. Raises Unavailable."""
    parts = debian_parts(archive, [], update=update, tell=tell)
    description = "labcore's own, from Debian's packages: bash and the core tools; no apt, no dpkg"
    return write_parts(store, "debian", parts, command=("bash",), description=description)


def debian_parts(archive: Archive, names: Sequence[str], *, update: bool, tell: Tell) -> list[Part]:
    """Return the base layer, and one of these packages with their further dependencies.

    Both come from one state of the archive: all is downloaded before the base is selected from it.
    """
    everything = archive.packages((*BASE, *names), without=WITHOUT, update=update, tell=tell)
    base = archive.packages(BASE, without=WITHOUT, tell=tell)
    more = tuple(package for package in everything if package not in base)
    tell(f"unpacking {len(everything)} packages")
    parts = [_base(base)]
    if more:
        upper = LayerWriter()
        add_packages(upper, more)
        parts.append(Part(upper, more))
    return parts


def _base(packages: tuple[Package, ...]) -> Part:
    """Return the base layer: Debian's base packages, and by hand what their maintainer scripts would do."""
    layer = LayerWriter()
    add_packages(layer, packages)
    for path in ("bin", "sbin", "lib", "lib64"):  # merged /usr (Debian's usrmerge)
        if f"usr/{path}" in layer.paths():
            layer.symlink(path, f"usr/{path}")
    for name in ("passwd", "group"):  # update-passwd
        layer.file(f"etc/{name}", layer.read(f"usr/share/base-passwd/{name}.master"))
    for name, place in (("profile", "etc/profile"), ("dot.profile", "root/.profile"), ("dot.bashrc", "root/.bashrc")):
        layer.file(place, layer.read(f"usr/share/base-files/{name}"))
    for path in ("var/run", "var/lock"):
        layer.remove(path)
    layer.symlink("var/run", "/run")
    layer.directory("run/lock", 0o1777)
    layer.symlink("var/lock", "/run/lock")
    layer.symlink("usr/bin/awk", "mawk")  # update-alternatives
    layer.symlink("usr/bin/which", "which.debianutils")
    layer.file("etc/shells", b"/bin/sh\n/bin/bash\n/bin/dash\n")
    layer.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
    trust_certificates(layer)
    layer.directory("usr/lib/ssl")
    layer.symlink("usr/lib/ssl/cert.pem", "/" + CERTIFICATES)  # where OpenSSL looks without being told
    return Part(layer, packages)


def trust_certificates(layer: LayerWriter) -> None:
    """Do what update-ca-certificates(8) does: all certificates in one file."""
    found = [path for path in layer.paths() if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt")]
    layer.file(CERTIFICATES, b"".join(layer.read(path) for path in found))


def write_parts(
    store: ImageStore,
    name: str,
    parts: Sequence[Part],
    *,
    command: tuple[str, ...],
    description: str,
    **settings: Any,
) -> Image:
    """Store an image of such layers. Its labels have the description and the packages; its time is the newest file's."""
    packages = sorted((package for part in parts for package in part.packages), key=lambda package: package.name)
    labels = {DESCRIPTION_LABEL: description, PACKAGES_LABEL: "\n".join(map(str, packages))}
    newest = datetime.fromtimestamp(max(part.layer.newest() for part in parts), UTC)
    return write_image(
        store,
        name,
        [part.layer.finish() for part in parts],
        command=command,
        made_of=[", ".join(package.name for package in part.packages) for part in parts],
        labels=tuple(sorted(labels.items())),
        created=f"{newest:%Y-%m-%dT%H:%M:%SZ}",
        **settings,
    )
