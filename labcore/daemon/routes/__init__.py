"""The routing table: one file for each tag of the API's description."""

from labcore.daemon.routes import (
    auth,
    build,
    commit,
    container,
    daemon,
    distribution,
    events,
    exec,
    image,
    jobs,
    network,
    swarm,
    system,
    volume,
)

ROUTES = (
    *system.ROUTES,
    *events.ROUTES,
    *auth.ROUTES,
    *daemon.ROUTES,
    *jobs.ROUTES,
    *container.ROUTES,
    *exec.ROUTES,
    *commit.ROUTES,
    *image.ROUTES,
    *build.ROUTES,
    *distribution.ROUTES,
    *network.ROUTES,
    *volume.ROUTES,
    *swarm.ROUTES,
)
