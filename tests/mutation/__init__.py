"""Mutation testing of the lab's checks: each mutant of a solution is rejected by its check, or known to be equivalent."""
