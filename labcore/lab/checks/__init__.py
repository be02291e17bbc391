"""Checks: a learner's step runs in a fresh process, and the container that it makes is inspected from outside."""

from labcore.lab.checks.checking import NotPassed, as_it_counts, check, examine
from labcore.lab.checks.verdict import Claim, Verdict

__all__ = ["Claim", "NotPassed", "Verdict", "as_it_counts", "check", "examine"]
