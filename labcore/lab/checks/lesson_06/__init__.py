"""Checks of lesson 6: an image's program, an image that is missing, its pull, a container's output, names of images."""

from labcore.lab.checks.lesson_06.attaching import ATTACH
from labcore.lab.checks.lesson_06.creating import CREATE
from labcore.lab.checks.lesson_06.names import NORMALIZE
from labcore.lab.checks.lesson_06.programs import COMMAND
from labcore.lab.checks.lesson_06.pulling import IMAGES_CREATE

SCENARIOS = {
    "command": COMMAND,
    "create": CREATE,
    "images_create": IMAGES_CREATE,
    "attach": ATTACH,
    "normalize": NORMALIZE,
}
