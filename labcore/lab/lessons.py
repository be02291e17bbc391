"""Lessons: their order, their steps, and their requirements of the machine."""

from typing import Final

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.language import Language, language
from labcore.record import Record


class Lesson(Record):
    """One lesson.

    `slug` names its files; `steps` are the functions that `my_runtime.py` gains, in order; `challenges` the harder ones, which
    no later lesson needs. A step may stand in an earlier lesson too: then it is written anew, and does what the earlier one did
    as well. `requires` are names of labcore.lab.session.NEEDS.
    """

    number: int
    slug: str
    titles: dict[Language, str]
    steps: tuple[str, ...]
    challenges: tuple[str, ...] = ()
    requires: tuple[str, ...] = ("root", "namespaces")

    @property
    def title(self) -> str:
        """Its title, in the reader's language."""
        return self.titles[language()]

    @property
    def file(self) -> str:
        """The notebook's file name."""
        return f"{self.number:02}_{self.slug}.ipynb"


LESSONS = (
    Lesson(
        1,
        "what_is_docker",
        titles={"en": "What is Docker?", "zh": "Docker 是什么？"},
        steps=("hostname", "namespaces", "rootfs", "run"),
        challenges=("outside_pid", "read_only"),
    ),
    Lesson(
        2,
        "advantages",
        titles={"en": "Advantages of Docker", "zh": "Docker 的优势"},
        steps=("limits", "confine", "run"),
        requires=("root", "namespaces", "limits"),
    ),
    Lesson(
        3,
        "image_container_repository",
        titles={"en": "Image, container, repository", "zh": "镜像、容器、仓库"},
        steps=("digest", "layers", "overlay", "rootfs", "pull", "run"),
        challenges=("whiteouts", "dig"),
        requires=("root", "namespaces", "overlay"),
    ),
    Lesson(
        4,
        "installing_and_using",
        titles={"en": "Installing and using it", "zh": "安装和使用"},
        steps=("preflight", "devices", "rootfs", "main"),
        challenges=("machine_of",),
        requires=("root", "namespaces", "overlay", "cgroups"),
    ),
    Lesson(
        5,
        "architecture",
        titles={"en": "Architecture", "zh": "Docker 架构"},
        steps=("route", "ping", "create", "start", "wait"),
        challenges=("list_containers", "remove"),
        requires=("root", "namespaces", "overlay", "cgroups"),
    ),
    Lesson(
        6,
        "how_the_parts_cooperate",
        titles={"en": "How the parts work together", "zh": "组件如何协作"},
        steps=("command", "create", "images_create", "attach"),
        challenges=("normalize",),
        requires=("root", "namespaces", "overlay", "cgroups"),
    ),
    Lesson(
        7,
        "common_commands",
        titles={"en": "Common commands", "zh": "常用命令"},
        steps=("start", "pause", "exec_start", "bridge", "connect", "run", "publish"),
        challenges=("create", "unpause", "exec_create", "inspect", "exec_inspect"),
        requires=("root", "namespaces", "overlay", "limits", "network"),
    ),
    Lesson(
        8,
        "what_is_a_dockerfile",
        titles={"en": "What is a Dockerfile?", "zh": "Dockerfile 是什么"},
        steps=("logical_lines", "value_of", "instruction", "parse"),
        challenges=("heredoc", "escape"),
        requires=("root", "namespaces", "overlay", "cgroups"),
    ),
    Lesson(
        9,
        "instructions",
        titles={"en": "Instructions", "zh": "Dockerfile 常用的指令"},
        steps=("expand", "apply", "overlay", "layer", "run_step"),
        challenges=("copy_step", "reaper"),
        requires=("root", "namespaces", "overlay", "cgroups"),
    ),
    Lesson(
        10,
        "building_one",
        titles={"en": "Building one", "zh": "构建 Dockerfile"},
        steps=("cache_key", "add_layer", "carry_out", "image", "build"),
        challenges=("reads", "ignored"),
        requires=("root", "namespaces", "overlay", "limits", "network"),
    ),
)
MY_RUNTIME: Final = "my_runtime.py"  # the learner's file
_BEGUN: list[int] = []  # the lesson whose notebook this is


def lesson(number: int) -> Lesson:
    """Return a lesson by its number. Raises InvalidInput, naming those that there are."""
    for found in LESSONS:
        if found.number == number:
            return found
    numbers = ", ".join(str(each.number) for each in LESSONS)
    raise InvalidInput(say("there is no lesson {number} yet; there are: {numbers}", number=number, numbers=numbers))


def enter(number: int) -> None:
    """Remember that this process is a lesson's notebook."""
    _BEGUN[:] = [number]


def current() -> int | None:
    """Return the number of the lesson whose notebook this is; None outside of one."""
    return _BEGUN[0] if _BEGUN else None


def all_steps() -> list[str]:
    """Return the names of all steps and challenges, each once, in the order in which they are first written."""
    return list(dict.fromkeys(name for each in LESSONS for name in (*each.steps, *each.challenges)))


def lessons_of(step: str) -> list[Lesson]:
    """Return the lessons in which a step is written. Raises InvalidInput for a name that is no step's."""
    if found := [each for each in LESSONS if step in each.steps + each.challenges]:
        return found
    raise InvalidInput(say("{step} is no step: the steps are {steps}", step=step, steps=", ".join(all_steps())))


def lesson_of(step: str, at: int | None = None) -> Lesson:
    """Return the lesson whose version of a step counts in lesson `at`, or (None) in the end: the last that was written by then.

    Raises InvalidInput for a name that is no step's.
    """
    first, *later = lessons_of(step)
    return [first, *(each for each in later if at is None or each.number <= at)][-1]
