"""The routing table: one file for each tag of the API's description."""

from labcore.daemon.routes import container, exec, system

ROUTES = (*system.ROUTES, *container.ROUTES, *exec.ROUTES)
