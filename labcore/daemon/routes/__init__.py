"""The routing table: one file for each tag of the API's description."""

from labcore.daemon.routes import auth, build, commit, container, distribution, exec, image, system

ROUTES = (
    *system.ROUTES,
    *auth.ROUTES,
    *container.ROUTES,
    *exec.ROUTES,
    *commit.ROUTES,
    *image.ROUTES,
    *build.ROUTES,
    *distribution.ROUTES,
)
