"""The daemon benchmark's actions: what is measured, and what labcore may take of dockerd's time at most."""

from labcore.bench.daemon_actions import actions

GOALS = {
    "docker version": None,
    "ping, one connection": 1.0,
    "ping, 16 connections": 1.0,
    "docker run --rm, bridge": 0.25,
    "docker run --rm --network none": 0.35,
    "docker run -d": 0.3,
    "docker run -d -p": 0.3,
    "20 x docker run --rm, 8 at a time": 0.35,
    "docker exec": 0.5,
    "docker network create, rm": 0.35,
    "docker ps -a, 200 containers": 1.1,
    "log written: 1024 MiB, lines of 100 B": 1.0,
    "log written and followed: 1024 MiB, lines of 100 B": 1.0,
    "docker logs: 1024 MiB, lines of 100 B": 1.0,
    "log written: 1024 MiB, lines of 4 KB": 1.0,
    "log written and followed: 1024 MiB, lines of 4 KB": 1.0,
    "docker logs: 1024 MiB, lines of 4 KB": 1.0,
    "docker cp of 1024 MiB, in": 1.0,
    "docker cp of 1024 MiB, out": 1.0,
}


def test_every_action_has_its_goal() -> None:
    found = actions(size_mib=1024, containers=200)
    assert {action.title: action.goal for action in found} == GOALS
    assert {action.title for action in found if action.is_bulk} == {title for title in GOALS if "MiB" in title}
