"""Volumes: what a container has attached, and the API's objects."""
