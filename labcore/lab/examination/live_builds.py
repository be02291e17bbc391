"""Live questions of lessons 8, 9 and 10: what a Dockerfile says, what an image's config is, what a cache knows again."""

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from labcore.builder.image_config import apply, argv
from labcore.builder.parser import parse
from labcore.builder.parser.instructions import Cmd
from labcore.builder.variables import environment_of
from labcore.client import connect
from labcore.client.build_events import StepEnded
from labcore.images import Config
from labcore.lab.examination.live import MARKED, Live, Site, Words
from labcore.lab.examination.live_kernel import NAMES
from labcore.language import Bilingual as T

# --- lesson 8: what the lines are


def _lines(lots: random.Random) -> Words:
    one, two, three = lots.sample(NAMES, 3)
    pieces = [
        f"RUN echo {one} && \\\n    echo {two}",
        f"RUN echo {one} \\\n# and then\n    {three}",
        f"# ENV {one}={two}",
        f"env {two}={three} \\\n    {one}={two}",
        f'LABEL {three}="# {one}"',
        f"COPY {one} \\\n\n     /{two}/",
        f"RUN <<END\necho {one}\necho {two}\nEND",
    ]
    chosen = lots.sample(pieces, 4)
    return {"text": "\n".join(["# syntax of lesson 8", "FROM busybox", *chosen, f"CMD {three}"])}


def _count(words: Words, site: Site) -> str:  # noqa: ARG001  the builder's parser is asked
    return str(len(parse(words["text"]).instructions))


def _form(lots: random.Random) -> Words:
    one, two = lots.sample(NAMES, 2)
    forms = (
        f'["{one}", "-{two[0]}"]',
        f"['{one}', '{two}']",
        f'[ "{one}" , "{two}"]',
        f"{one} -{two[0]} $HOME",
        f'["{one}", {two}]',
    )
    return {"line": f"{lots.choice(('CMD', 'cmd', 'Cmd'))} {lots.choice(forms)}"}


def _program(words: Words, site: Site) -> str:  # noqa: ARG001
    (instruction,) = parse(words["line"]).instructions
    assert isinstance(instruction, Cmd)
    return json.dumps(argv(instruction.command, Config("", ())))


# --- lesson 9: what the config is in the end


def _applied(text: str) -> Config:
    """Return the config after all instructions of a Dockerfile but FROM."""
    config = Config("", ())
    has_command = False
    for each in parse(text).instructions:
        if each.name != "FROM":
            config = apply(each, config, environment_of(config), has_command=has_command)
            has_command |= isinstance(each, Cmd)
    return config


def _variables(lots: random.Random) -> Words:
    one, two, three, four = lots.sample(NAMES, 4)
    last = lots.choice(("A=${B}-$C", "A=${D:-none}", "A='$B'", "A=$B$C", "A=${B:+yes}", r"A=\$B"))
    middle = lots.choice((f"ENV B={two} C=$B", f"ENV B={two}\nENV C=$B", f"ENV C={four}\nENV B={two}-$C"))
    return {"text": f"FROM scratch\nENV B={one} D=\n{middle}\nENV {last}\nENV B={three}"}


def _value_of_a(words: Words, site: Site) -> str:  # noqa: ARG001
    return environment_of(_applied(words["text"]))["A"]


def _directories(lots: random.Random) -> Words:
    lines = [f"WORKDIR /{lots.choice(NAMES)}"]
    for _ in range(lots.randint(2, 4)):
        word = lots.choice(NAMES)
        lines.append(
            f"WORKDIR {lots.choice((word, word, f'../{word}', f'/{word}', '..', f'./{word}/../{lots.choice(NAMES)}'))}"
        )
    return {"text": "\n".join(["FROM scratch", *lines])}


def _directory(words: Words, site: Site) -> str:  # noqa: ARG001
    return _applied(words["text"]).workdir


def _pair(lots: random.Random) -> Words:
    one, two, three = lots.sample(NAMES, 3)
    entrypoint = lots.choice((f'ENTRYPOINT ["{one}"]', f"ENTRYPOINT {one}"))
    command = lots.choice((f'CMD ["{two}", "-v"]', f"CMD {two} -v"))
    lines = lots.choice(
        ([entrypoint, command], [command, entrypoint], [command, f'CMD ["{three}"]'], [entrypoint, command, f"CMD {three}"])
    )
    return {"text": "\n".join(["FROM scratch", *lines])}


def _starts(words: Words, site: Site) -> str:  # noqa: ARG001
    config = _applied(words["text"])
    return json.dumps([*config.entrypoint, *config.command])


# --- lesson 10: what is carried out once more

STEPS: Final = (
    "COPY {one} /srv/{one}",
    "COPY {two} /srv/{two}",
    "RUN cp /etc/group /copy",
    "ENV WORD={three}",
    "RUN mkdir /more",
)


def _rebuilt(lots: random.Random) -> Words:
    one, two, three = lots.sample(NAMES, 3)
    lines = [each.format(one=one, two=two, three=three) for each in lots.sample(STEPS, 5)]
    return {"text": "\n".join(["FROM busybox", *lines]), "one": one, "two": two, "changed": lots.choice((one, two))}


def _carried_out(words: Words, site: Site) -> str:
    """Build, change the file, build again; return how many steps but FROM were no `Using cache`."""
    with TemporaryDirectory(prefix=f"{MARKED}-") as directory:
        Path(directory, "Dockerfile").write_text(words["text"], encoding="utf-8")
        for name in (words["one"], words["two"]):
            Path(directory, name).write_text(name, encoding="utf-8")
        with connect(site.daemon.url) as client:
            list(client.images.build(directory))
            Path(directory, words["changed"]).write_text("other", encoding="utf-8")
            ended = [each for each in client.images.build(directory) if isinstance(each, StepEnded)]
    return str(sum(not each.is_cached for each in ended[1:]))


LIVE: Final = {
    "instructions": Live(
        8,
        T("How many instructions are in this Dockerfile?\n\n{text}", "这个 Dockerfile 里有几条指令？\n\n{text}"),
        _lines,
        _count,
        T("Comments are none, and lines that are joined are one.", "注释不算，续行合成一条。"),
    ),
    "form": Live(
        8,
        T("`{line}`: which words does the container run? (As a JSON list.)", "`{line}`：容器运行哪些词？（写成 JSON 列表。）"),
        _form,
        _program,
        T("What is no JSON array of strings goes to `/bin/sh -c` as it is.", "不是 JSON 字符串数组的，原样交给 `/bin/sh -c`。"),
    ),
    "variables": Live(
        9,
        T("Which value has A in the image of this Dockerfile?\n\n{text}", "这个 Dockerfile 的镜像里，A 的值是什么？\n\n{text}"),
        _variables,
        _value_of_a,
        T("Within one instruction all values are those from before it.", "同一条指令里，变量都取这条指令之前的值。"),
    ),
    "directories": Live(
        9,
        T("In which directory do the programs of this image start?\n\n{text}", "这个镜像的程序在哪个目录里启动？\n\n{text}"),
        _directories,
        _directory,
        T("A path without a slash in front is added to the last one.", "不以斜杠开头的路径，接在上一个后面。"),
    ),
    "pair": Live(
        9,
        T(
            "Which words does a container of this image run, if nothing else is asked for? (As a JSON list.)\n\n{text}",
            "没有别的要求时，这个镜像的容器运行哪些词？（写成 JSON 列表。）\n\n{text}",
        ),
        _pair,
        _starts,
        T(
            "The entry point, then the command; of two the last; a shell form is three words.",
            "先入口，后命令；写了两条就算最后一条；shell 形式是三个词。",
        ),
    ),
    "rebuilt": Live(
        10,
        T(
            "This Dockerfile is built. Then the file {changed} is changed, and it is built again. How many of its steps, FROM "
            "not counted, are carried out once more?\n\n{text}",
            "先构建这个 Dockerfile，再改动文件 {changed}，重新构建。除 FROM 外，有几步要重新执行？\n\n{text}",
        ),
        _rebuilt,
        _carried_out,
        T("Its COPY, and all that comes after it.", "它的 COPY，以及后面的全部。"),
        ("namespaces", "overlay", "cgroups"),
    ),
}
