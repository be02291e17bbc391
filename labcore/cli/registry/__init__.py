"""The verbs of `labcore registry`, a module each."""
