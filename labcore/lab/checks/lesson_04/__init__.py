"""Checks of lesson 4: preflight, devices, main."""

from labcore.lab.checks.lesson_04.devices import DEVICES, ROOTFS
from labcore.lab.checks.lesson_04.machine_of import MACHINE_OF
from labcore.lab.checks.lesson_04.preflight import PREFLIGHT
from labcore.lab.checks.lesson_04.program import MAIN

SCENARIOS = {
    "preflight": PREFLIGHT,
    "devices": DEVICES,
    "rootfs": ROOTFS,
    "main": MAIN,
    "machine_of": MACHINE_OF,
}
