"""RUN: a container on layers, with the mounts of `--mount`."""
