"""The verbs of `labcore container`, a module each."""
