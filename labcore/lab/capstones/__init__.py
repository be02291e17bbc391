"""Capstone: the stock docker command on all that a learner has written, examined from outside, and a certificate of it.

`lab.stages()` is what a daemon reads; `lab.capstone(registry)` examines it, and returns the certificate.
"""

from labcore.lab.capstones.certificate import Certificate
from labcore.lab.capstones.examination import capstone
from labcore.lab.capstones.program import stages

__all__ = ["Certificate", "capstone", "stages"]
