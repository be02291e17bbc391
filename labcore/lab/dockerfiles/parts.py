"""The four parts of a Dockerfile, as the article has them: the base image, the maintainer, the image, the container's start."""

from typing import Final

from labcore.builder.parser.instructions import Instruction
from labcore.language import Bilingual
from labcore.record import Record


class Part(Record):
    """A part: its title, its colour, and the names of its instructions."""

    title: Bilingual
    colour: str
    names: tuple[str, ...] = ()


PARTS: Final = (
    Part(Bilingual("base image", "基础镜像"), "#0072b2", ("FROM", "ARG")),
    Part(Bilingual("maintainer", "维护者"), "#cc79a7", ("MAINTAINER",)),
    Part(Bilingual("what the image holds", "镜像操作"), "#009e73"),
    Part(
        Bilingual("how a container starts", "容器启动"), "#d55e00", ("CMD", "ENTRYPOINT", "USER", "STOPSIGNAL", "HEALTHCHECK")
    ),
)
IMAGE: Final = 2  # what has no other part


def part_of(instruction: Instruction) -> int:
    """Return the number of the part that an instruction belongs to, from 0; a label `maintainer` is MAINTAINER of today."""
    if instruction.name == "LABEL" and "maintainer" in instruction.source.lower():
        return 1
    return next((number for number, part in enumerate(PARTS) if instruction.name in part.names), IMAGE)
