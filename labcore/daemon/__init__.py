"""The daemon: the Docker Engine REST API on an engine. Requests become calls of the engine; its exceptions become statuses."""
