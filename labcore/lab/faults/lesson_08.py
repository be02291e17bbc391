"""Faults of lesson 8: Dockerfiles that are refused, or that say another thing than they seem to."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from labcore.builder.parser import parse
from labcore.errors import InvalidInput
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.contexts import context
from labcore.lab.dockerfiles.built import image_of, layers_of
from labcore.lab.faults.scenario import Claims, FaultScenario, Site
from labcore.lab.messages import say
from labcore.language import Bilingual

GREETINGS: Final = ("good morning", "here we are", "at your service")
MISSPELT: Final = (("EVN", "ENV"), ("ENTRYPIONT", "ENTRYPOINT"), ("WROKDIR", "WORKDIR"), ("FORM", "FROM"))


def _breaks(site: Site, text: str) -> None:
    """Write a Dockerfile into a directory of its own, build it, and start what has come of that."""
    name = site.words["name"] = site.named("card")
    directory = site.words["directory"] = context({"Dockerfile": text}, name)
    site.undo.callback(shutil.rmtree, directory, ignore_errors=True)
    site.typed += [f"$ cat {directory}/Dockerfile", *text.splitlines()]
    _types(site, f"build -q -t {name} {directory}")
    _types(site, f"run --rm --network none --pull never {name}")


def _types(site: Site, line: str) -> None:
    """Type a line as the user did; what the client says of its own builder, up to an empty line, is not told."""
    done = site.docker.quietly(line)
    said = done.output.partition("\n\n")[2] if done.output.startswith("DEPRECATED") else done.output
    if not said.startswith("sha256:"):
        site.typed += [f"$ {site.docker.program} {line}", *said.splitlines()]
    else:
        site.typed.append(f"$ {site.docker.program} {line}")


def _greeting(site: Site) -> str:
    text = site.words["text"] = f"{site.lots.choice(GREETINGS)} {site.lots.randint(100, 999)}"
    return text


def _says(**config: object) -> Claims:
    """Return what claims that an image was built of the file, that its container says the text, and fields of its config."""

    def claims(site: Site) -> Iterator[Claim]:
        name, place = site.words["name"], Path(site.words["directory"], "Dockerfile")
        image = image_of(site.daemon, name)
        text = say("the image has a step for each instruction of {file}", file=place)
        try:
            yield Claim(text, bool(layers_of(site.daemon, name, parse(place.read_bytes()))))
        except InvalidInput as error:
            yield Claim(text, False, str(error).partition("\n")[0])
        done = site.docker.quietly(f"run --rm --network none --pull never {name}")
        yield equal(say("what its container says"), site.words["text"], done.output.strip())
        for field, wanted in config.items():
            yield equal(say("the config's {field}", field=field), wanted, image.config.run_json().get(field))

    return claims


# --- a name that is none


def _misspell(site: Site) -> None:
    text = _greeting(site)
    wrong, right = site.lots.choice(MISSPELT)
    site.words |= {"wrong": wrong, "right": right}
    lines = [
        "FROM busybox",
        f'ENV CARD="{text}"',
        "WORKDIR /srv/cards",
        'ENTRYPOINT ["sh", "-c"]',
        'CMD ["echo $CARD"]',
    ]
    _breaks(site, "\n".join(line.replace(right, wrong, 1) for line in lines) + "\n")


# --- quotes that are none of JSON's


def _misquote(site: Site) -> None:
    words = _greeting(site).split()
    _breaks(site, f'FROM busybox\n# the program, and what it is given\nENTRYPOINT ["echo"]\nCMD {words}\n')


# --- a line that goes on too long


def _run_on(site: Site) -> None:
    text = _greeting(site)
    lines = [
        "FROM busybox",
        "RUN mkdir -p /srv/cards && \\",
        f"    echo {text} > /srv/cards/card \\",
        "",
        "# where the program starts",
        "WORKDIR /srv/cards",
        'CMD ["cat", "card"]',
    ]
    _breaks(site, "\n".join(lines) + "\n")


# --- an end that is none


def _indent(site: Site) -> None:
    text = _greeting(site)
    end = site.words["end"] = site.lots.choice(["END", "EOF", "DONE"])
    _breaks(site, f'FROM busybox\nRUN <<{end}\n  echo {text} > /card\n  {end}\nCMD ["cat", "/card"]\n')


SCENARIOS: Final = (
    FaultScenario(
        name="continued",
        story=Bilingual(
            "The Dockerfile in {directory} is built, without an error, and the container of {name} is to say `{text}`. "
            "Mend the file, and build {name} again:",
            "{directory} 里的 Dockerfile 构建得好好的，没有报错；{name} 的容器应该说 `{text}`。请改好文件，重新构建 {name}：",
        ),
        cause=Bilingual(
            "A backslash ends the last line of RUN: blank lines and comments do not end an instruction, and so "
            "WORKDIR has become a word of `echo`. Take it away.",
            "RUN 最后一行末尾多了一个反斜杠：空行和注释并不结束指令，于是 WORKDIR 成了 `echo` 的参数。删掉它就好。",
        ),
        breaks=_run_on,
        claims=_says(WorkingDir="/srv/cards", Cmd=["cat", "card"]),
    ),
    FaultScenario(
        name="quotes",
        story=Bilingual(
            "The container of {name} is to say `{text}`, and says more than that. Mend the Dockerfile in {directory}, "
            "and build {name} again:",
            "{name} 的容器应该只说 `{text}`，却说了别的。请改好 {directory} 里的 Dockerfile，重新构建 {name}：",
        ),
        cause=Bilingual(
            "JSON knows double quotes only. With single ones it is no array, so it is the shell form: `/bin/sh -c` and the "
            "text, as arguments of the entry point.",
            "JSON 只认双引号。用了单引号就不是数组，而是 shell 形式：`/bin/sh -c` 加上那段文本，成了入口程序的参数。",
        ),
        breaks=_misquote,
        claims=_says(Entrypoint=["echo"]),
    ),
    FaultScenario(
        name="misspelt",
        story=Bilingual(
            "The container of {name} is to say `{text}`. Its Dockerfile, in {directory}, is refused. "
            "Mend it, and build {name}:",
            "{name} 的容器应该说 `{text}`，可是 {directory} 里的 Dockerfile 通不过。请改好它，构建出 {name}：",
        ),
        cause=Bilingual(
            "{wrong} is no instruction: {right} was meant. The parser knows the names, "
            "and nothing has been built yet when it stops.",
            "{wrong} 不是指令，想写的是 {right}。指令名解析器都认得；它停下来的时候，还什么都没有构建。",
        ),
        breaks=_misspell,
        claims=_says(WorkingDir="/srv/cards", Entrypoint=["sh", "-c"]),
    ),
    FaultScenario(
        name="heredoc",
        story=Bilingual(
            "The container of {name} is to say `{text}`. Its Dockerfile, in {directory}, is refused. "
            "Mend it, and build {name}:",
            "{name} 的容器应该说 `{text}`，可是 {directory} 里的 Dockerfile 通不过。请改好它，构建出 {name}：",
        ),
        cause=Bilingual(
            "A heredoc ends at a line that is {end} and nothing else: blanks before it are not allowed. "
            "(`<<-{end}` allows tabs.)",
            "heredoc 结束于只有 {end} 的那一行，前面不能有空格。（`<<-{end}` 允许制表符。）",
        ),
        breaks=_indent,
        claims=_says(Cmd=["cat", "/card"]),
    ),
)
