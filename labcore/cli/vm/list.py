"""`labcore vm list`: list kernels and disks of guests."""

import platform

from labcore.cli.flags import Arguments, Parser
from labcore.paths import default_root
from labcore.vm import guests, qemu


def arguments(parser: Parser) -> None:
    """Declare no arguments."""


def main(args: Arguments) -> int:
    """List them, and what runs them."""
    root = args.root or default_root()
    for file in guests.files(root):
        print(f"{file.size / 1e6:8.1f} MB  {file.what:24}{file.path}")
    print(f"machines: {', '.join(qemu.MACHINES.get(platform.machine(), ()))}; processor run by {guests.accelerator(root)}")
    return 0
