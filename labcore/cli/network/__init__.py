"""The verbs of `labcore network`, a module each."""
