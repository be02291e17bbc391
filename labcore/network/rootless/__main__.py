"""The pause process, started by `namespaces.py`."""

import sys

from labcore.network.rootless.pause import main

main(sys.argv[1])
