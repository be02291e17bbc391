"""Faults of lesson 7: containers that end, do not answer, or do not find one another."""

from typing import Final

from labcore.lab.faults.lesson_07.pausing import PAUSED
from labcore.lab.faults.lesson_07.reaching import NETWORK, PORT
from labcore.lab.faults.lesson_07.starting import FILE, MEMORY, VARIABLE

SCENARIOS: Final = (VARIABLE, FILE, PORT, NETWORK, PAUSED, MEMORY)
