"""The parser: a Dockerfile's text becomes instructions. Pure: nothing here reads a file."""
