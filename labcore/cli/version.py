"""`labcore version`: versions of labcore, Python and the kernel."""

import argparse
import json
import os

import labcore
from labcore.spec import Platform


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--format", choices=["text", "json"], default="text", help="json: one object")


def main(args: argparse.Namespace) -> int:
    """Print them."""
    import platform

    found = {
        "Version": labcore.__version__,
        "PythonVersion": platform.python_version(),
        "Platform": str(Platform.here()),
        "KernelVersion": os.uname().release,
    }
    if args.format == "json":
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name}:".ljust(16) + value)
    return 0
