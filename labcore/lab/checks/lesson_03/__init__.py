"""Checks of lesson 3: digests, layers, overlay, pull, run."""

from labcore.lab.checks.lesson_03.blobs import DIG, DIGEST
from labcore.lab.checks.lesson_03.layers import LAYERS, WHITEOUTS
from labcore.lab.checks.lesson_03.pulling import PULL
from labcore.lab.checks.lesson_03.roots import OVERLAY, ROOTFS
from labcore.lab.checks.lesson_03.running import RUN

SCENARIOS = {
    "digest": DIGEST,
    "layers": LAYERS,
    "overlay": OVERLAY,
    "rootfs": ROOTFS,
    "pull": PULL,
    "run": RUN,
    "whiteouts": WHITEOUTS,
    "dig": DIG,
}
