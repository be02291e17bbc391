"""Lab: the notebooks' toolkit, with helper cells, steps and their checks, expected failures, pictures.

    lab.begin(1)                 what the lesson needs is there; where in the ten you are
    @lab.step                    above an exercise's function: it becomes part of my_runtime.py
    lab.check(function)          run it in a fresh process and look at its container from outside
    with lab.expect(errno.EPERM):    a failure that is meant
    lab.reset()                  the machine is as it was when the lesson began

Names are loaded when they are first used: drawing takes a third of a second to import.
"""

import sys
from typing import TYPE_CHECKING

from labcore.lazy import lazy_names

if TYPE_CHECKING:
    from labcore.lab.attacks import attack, attacks, seccomp
    from labcore.lab.building import base, cache, diff_id, nginx
    from labcore.lab.capstones import Certificate, capstone, stages
    from labcore.lab.cgroups import cgroup, cgroup_of, group
    from labcore.lab.checks import NotPassed, Verdict, check
    from labcore.lab.contexts import context
    from labcore.lab.curl_command import curl
    from labcore.lab.daemons import daemon
    from labcore.lab.dashboards import dashboard
    from labcore.lab.docker_command import DockerTookTooLong, docker
    from labcore.lab.dockerfiles import dockerfile
    from labcore.lab.doctor_table import doctor
    from labcore.lab.examination.widget import exam
    from labcore.lab.experiments import builds
    from labcore.lab.failures import NothingHappened, expect
    from labcore.lab.fault_labs import fault
    from labcore.lab.guessing import guess, outcome
    from labcore.lab.helper import HelperFailed, run_helper
    from labcore.lab.hinting import hint
    from labcore.lab.hosts import accept, address, background, dial, free_port, host
    from labcore.lab.http_get import FetchFailed, fetch
    from labcore.lab.image_steps import blob, environment, pairs, workdir_and_user
    from labcore.lab.installing import bound_devices, foreign_program, my_runtime
    from labcore.lab.ip_route import ip
    from labcore.lab.key_chains import chains
    from labcore.lab.lending import lent_python
    from labcore.lab.lesson_images import greeting, image, layer
    from labcore.lab.listening import listen
    from labcore.lab.live_life import life
    from labcore.lab.machines import compare, draw, in_vm, timed
    from labcore.lab.miniature.serving import CannotServe, serve
    from labcore.lab.name_questions import lookups
    from labcore.lab.overheard_commands import commands, commands_page
    from labcore.lab.pages import page
    from labcore.lab.pictures import (
        Picture,
        architecture,
        entry_points,
        mounts,
        namespaces,
        network,
        packet,
        processes,
        repositories,
        stack,
        strip,
        waterfall,
    )
    from labcore.lab.quizzes import quiz
    from labcore.lab.references import reference
    from labcore.lab.registries import push, registry
    from labcore.lab.restore import reset
    from labcore.lab.riddles import riddle
    from labcore.lab.roots import root
    from labcore.lab.running import show
    from labcore.lab.session import LessonStopped, begin
    from labcore.lab.stand_ins import flask_example
    from labcore.lab.stepping import step_through
    from labcore.lab.steps import step
    from labcore.lab.stores import manifest, new_store, store, tag, tray
    from labcore.lab.tracing import trace
    from labcore.lab.widget import tick

__all__ = [
    "CannotServe",
    "Certificate",
    "DockerTookTooLong",
    "FetchFailed",
    "HelperFailed",
    "LessonStopped",
    "NotPassed",
    "NothingHappened",
    "Picture",
    "Verdict",
    "accept",
    "address",
    "architecture",
    "attack",
    "attacks",
    "background",
    "base",
    "begin",
    "blob",
    "bound_devices",
    "builds",
    "cache",
    "capstone",
    "cgroup",
    "cgroup_of",
    "chains",
    "check",
    "commands",
    "commands_page",
    "compare",
    "context",
    "curl",
    "daemon",
    "dashboard",
    "dial",
    "diff_id",
    "docker",
    "dockerfile",
    "doctor",
    "draw",
    "entry_points",
    "environment",
    "exam",
    "expect",
    "fault",
    "fetch",
    "flask_example",
    "foreign_program",
    "free_port",
    "greeting",
    "group",
    "guess",
    "hint",
    "host",
    "image",
    "in_vm",
    "ip",
    "layer",
    "lent_python",
    "life",
    "listen",
    "lookups",
    "manifest",
    "mounts",
    "my_runtime",
    "namespaces",
    "network",
    "new_store",
    "nginx",
    "outcome",
    "packet",
    "page",
    "pairs",
    "processes",
    "push",
    "quiz",
    "reference",
    "registry",
    "repositories",
    "reset",
    "riddle",
    "root",
    "run_helper",
    "seccomp",
    "serve",
    "show",
    "stack",
    "stages",
    "step",
    "step_through",
    "store",
    "strip",
    "tag",
    "tick",
    "timed",
    "trace",
    "tray",
    "waterfall",
    "workdir_and_user",
]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.lab.session": ("LessonStopped", "begin"),
        "labcore.lab.checks": ("NotPassed", "Verdict", "check"),
        "labcore.lab.docker_command": ("DockerTookTooLong", "docker"),
        "labcore.lab.dockerfiles": ("dockerfile",),
        "labcore.lab.doctor_table": ("doctor",),
        "labcore.lab.experiments": ("builds",),
        "labcore.lab.examination.widget": ("exam",),
        "labcore.lab.failures": ("NothingHappened", "expect"),
        "labcore.lab.fault_labs": ("fault",),
        "labcore.lab.attacks": ("attack", "attacks", "seccomp"),
        "labcore.lab.key_chains": ("chains",),
        "labcore.lab.pages": ("page",),
        "labcore.lab.lending": ("lent_python",),
        "labcore.lab.building": ("base", "cache", "diff_id", "nginx"),
        "labcore.lab.capstones": ("Certificate", "capstone", "stages"),
        "labcore.lab.cgroups": ("cgroup", "cgroup_of", "group"),
        "labcore.lab.listening": ("listen",),
        "labcore.lab.machines": ("compare", "draw", "in_vm", "timed"),
        "labcore.lab.contexts": ("context",),
        "labcore.lab.curl_command": ("curl",),
        "labcore.lab.miniature.serving": ("CannotServe", "serve"),
        "labcore.lab.daemons": ("daemon",),
        "labcore.lab.overheard_commands": ("commands", "commands_page"),
        "labcore.lab.live_life": ("life",),
        "labcore.lab.hinting": ("hint",),
        "labcore.lab.hosts": ("accept", "address", "background", "dial", "free_port", "host"),
        "labcore.lab.ip_route": ("ip",),
        "labcore.lab.name_questions": ("lookups",),
        "labcore.lab.http_get": ("FetchFailed", "fetch"),
        "labcore.lab.image_steps": ("blob", "environment", "pairs", "workdir_and_user"),
        "labcore.lab.installing": ("bound_devices", "foreign_program", "my_runtime"),
        "labcore.lab.stand_ins": ("flask_example",),
        "labcore.lab.guessing": ("guess", "outcome"),
        "labcore.lab.helper": ("HelperFailed", "run_helper"),
        "labcore.lab.lesson_images": ("greeting", "image", "layer"),
        "labcore.lab.pictures": (
            "Picture",
            "architecture",
            "entry_points",
            "mounts",
            "namespaces",
            "network",
            "packet",
            "processes",
            "repositories",
            "stack",
            "strip",
            "waterfall",
        ),
        "labcore.lab.quizzes": ("quiz",),
        "labcore.lab.references": ("reference",),
        "labcore.lab.registries": ("push", "registry"),
        "labcore.lab.restore": ("reset",),
        "labcore.lab.riddles": ("riddle",),
        "labcore.lab.roots": ("root",),
        "labcore.lab.running": ("show",),
        "labcore.lab.stepping": ("step_through",),
        "labcore.lab.steps": ("step",),
        "labcore.lab.stores": ("manifest", "new_store", "store", "tag", "tray"),
        "labcore.lab.tracing": ("trace",),
        "labcore.lab.dashboards": ("dashboard",),
        "labcore.lab.widget": ("tick",),
    },
)


def __dir__() -> list[str]:
    return __all__


if "IPython" in sys.modules:  # in a notebook: the language of the folder, and the cell magic
    from labcore.lab.notebook import enter as enter_notebook

    enter_notebook()
