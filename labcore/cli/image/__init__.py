"""The verbs of `labcore image`, a module each."""
