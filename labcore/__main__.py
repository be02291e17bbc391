"""Entry point of `python -m labcore`: the `labcore` command."""

import sys

from labcore.cli import main

sys.exit(main())
