"""`python -m labcore.network.resolver DIRECTORY`: be the DNS server of a network driver's directory."""

import sys
from pathlib import Path

from labcore.network.resolver.process import main

sys.exit(main(Path(sys.argv[1])))
