"""Faults of lesson 7: a container that is paused."""

from collections.abc import Iterator
from typing import Final

from labcore.lab.checks.verdict import Claim
from labcore.lab.faults.lesson_07.looks import soon
from labcore.lab.faults.scenario import FaultScenario, Site, first_process, logged, running
from labcore.lab.messages import say
from labcore.language import Bilingual

MB: Final = 1 << 20


# --- paused


def _still(site: Site) -> None:
    name = site.words["name"] = site.named("clock")
    site.prepares(f"run -d --name {name} --network none busybox sh -c 'while usleep 100000; do echo tick; done'")
    assert soon(lambda: "tick" in logged(site, name))
    view = first_process(site, name)
    site.words["pid"] = str(view.pid)
    site.prepares(f"pause {name}")
    site.types(f"logs --tail 1 {name}")


def _goes_on(site: Site) -> Iterator[Claim]:
    name = site.words["name"]
    view = yield from running(site, name)
    if view is None:
        return
    yield Claim(
        say("{name} is the same process as before: it has run all the time", name=name), str(view.pid) == site.words["pid"]
    )
    before = view.status("voluntary_ctxt_switches")
    yield Claim(say("the kernel gives it the processor again"), soon(lambda: view.status("voluntary_ctxt_switches") != before))


PAUSED = FaultScenario(
    name="paused",
    story=Bilingual(
        "{name} ticks ten times a second. It was not stopped, and yet no tick has come for a while. What it has counted is "
        "in its memory alone: it must not be started anew. Its last line:",
        "{name} 每秒嘀嗒十次。没有人停止过它，可是有一阵子没有新的嘀嗒了。它数到多少只存在内存里，不能重新启动。最后一行：",
    ),
    cause=Bilingual(
        "It was paused: the kernel's freezer holds all processes of its cgroup where they are, alive and "
        "without a processor. "
        "`docker ps` says so behind its time.",
        "它被暂停了：内核的 freezer 把它 cgroup 里的所有进程冻结在原地，活着，却得不到处理器。`docker ps` "
        "在运行时间后面标明了这一点。",
    ),
    by_docker=True,
    breaks=_still,
    claims=_goes_on,
)
