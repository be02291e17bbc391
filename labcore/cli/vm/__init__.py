"""The verbs of `labcore vm`, a module each."""
