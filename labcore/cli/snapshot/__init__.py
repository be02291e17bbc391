"""The verbs of `labcore snapshot`, a module each."""
