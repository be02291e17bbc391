"""The builder: Dockerfiles from text to image. It drives the engine."""
