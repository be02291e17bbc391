"""The verbs of `labcore system`, a module each."""
