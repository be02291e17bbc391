"""`python -m labcore.runtime.oci.cli` is `labcore-runtime`."""

import os
import sys

from labcore.runtime.oci.cli import main

code = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # taking a Python apart in good order takes 2 ms, of which nobody has anything
