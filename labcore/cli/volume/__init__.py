"""The verbs of `labcore volume`, a module each."""
