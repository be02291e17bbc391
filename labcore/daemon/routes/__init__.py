"""The routing table: one file for each tag of the API's description."""

from labcore.daemon.routes import container, events, exec, jobs, network, swarm, system, volume

ROUTES = (
    *system.ROUTES,
    *events.ROUTES,
    *jobs.ROUTES,
    *container.ROUTES,
    *exec.ROUTES,
    *network.ROUTES,
    *volume.ROUTES,
    *swarm.ROUTES,
)
