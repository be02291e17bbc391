"""The verbs of `labcore lesson`, a module each."""
