"""The verbs of `labcore daemon`, a module each."""
