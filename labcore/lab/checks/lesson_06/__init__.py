"""Checks of lesson 6: an image's program, an image that is missing, its pull, a container's output, names of images."""

from labcore.lab.checks.lesson_06.names import NORMALIZE
from labcore.lab.checks.lesson_06.programs import COMMAND

SCENARIOS = {
    "command": COMMAND,
    "normalize": NORMALIZE,
}
