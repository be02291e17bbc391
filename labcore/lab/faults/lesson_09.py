"""Faults of lesson 9: mistakes in a Dockerfile: a swallowed argument, a key in a layer, a directory that is root's."""

import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore.errors import LabcoreError
from labcore.images import Image, ImageStore
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.experiments import write_context
from labcore.lab.faults.scenario import FaultScenario, Site
from labcore.lab.messages import say
from labcore.language import Bilingual
from labcore.spec import Reference

PATIENCE: Final = 100  # looks for the page


def _build(site: Site, image: str, files: dict[str, str]) -> None:
    """Write a Dockerfile and its context, and build it."""
    place = Path(site.daemon.root, "lab", image.partition(":")[0].replace("/", "-"))
    write_context(place, files)
    site.words |= {"image": image, "place": str(place)}
    site.prepares(f"build -q -t {image} {place}")


def _answer(site: Site, *arguments: str) -> str:
    """Return what a container of the image puts out, to its end; empty if it cannot be run."""
    done = site.docker.quietly(" ".join(["run --rm --network none", site.words["image"], *arguments]))
    return done.output.strip() if done.status == 0 else ""


def _image(site: Site) -> Image:
    return ImageStore(Path(site.daemon.root, "images")).get(Reference.parse(site.words["image"]))


# --- an entry point in the shell form


def _swallow(site: Site) -> None:
    name, word = site.named("greet"), site.named("visitor")
    site.words["name"] = name
    script = f'#!/bin/sh\necho "{name} says hello to ${{1:-nobody}}"\n'
    text = f'FROM busybox\nCOPY {name} /usr/local/bin/\nENTRYPOINT {name}\nCMD ["everybody"]\n'
    _build(site, "team/greeting:1.0", {name: script, "Dockerfile": text})
    site.types(f"run --rm --network none {site.words['image']} {word}")


def _greets(site: Site) -> Iterator[Claim]:
    """What it says to somebody who is named, now drawn, and to nobody in particular."""
    name, word = site.words["name"], site.named("guest")
    yield equal(
        say("with {word} behind the image's name it says", word=word), f"{name} says hello to {word}", _answer(site, word)
    )
    yield equal(say("with nothing behind it, it says"), f"{name} says hello to everybody", _answer(site))


# --- a key that is deleted too late


def _leak(site: Site) -> None:
    key = site.words["key"] = f"key-{site.lots.randrange(10**9):09}"
    text = 'FROM busybox\nCOPY key /key\nRUN sha256sum < /key > /stamp\nRUN rm /key\nCMD ["cat", "/stamp"]\n'
    _build(site, "team/stamp:1.0", {"key": key, "Dockerfile": text})
    site.words["stamp"] = _answer(site)
    site.types(f"run --rm --network none {site.words['image']} cat /key")


def _keeps_it(site: Site) -> Iterator[Claim]:
    """The key in no layer and not in the config, and the stamp as it was."""
    image, key = _image(site), site.words["key"].encode()
    store = ImageStore(Path(site.daemon.root, "images"))
    found = [layer.digest for layer in image.layers if _holds(store.blob_path(layer), key)]
    yield Claim(
        say("no layer of {image} holds the key", image=site.words["image"]), not found, " ".join(each[7:19] for each in found)
    )
    yield Claim(say("nor do its config and its history"), key not in image.config.to_bytes())
    yield equal(say("it still says its stamp"), site.words["stamp"], _answer(site))


def _holds(blob: Path, key: bytes) -> bool:
    with tarfile.open(blob) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file and key in file.read():
                return True
    return False


# --- a directory that is not the user's


def _lock(site: Site) -> None:
    folder, name = site.named("notes"), site.named("writer")
    site.words |= {"folder": folder, "name": name}
    script = f"#!/bin/sh\necho noted > /{folder}/page && exec sleep 86400\n"
    text = f'FROM busybox\nCOPY {name} /usr/local/bin/\nWORKDIR /{folder}\nUSER nobody\nCMD ["{name}"]\n'
    _build(site, "team/notes:1.0", {name: script, "Dockerfile": text})
    site.types(f"run -d --name {name} --network none {site.words['image']}")
    with suppress(LabcoreError):
        site.client().containers.wait(name)
    site.types(f"logs {name}")


def _writes(site: Site) -> Iterator[Claim]:
    """A container of the image, made now: it runs, is not root's, and has written its page."""
    with site.client() as client:
        made = client.containers.create(image=site.words["image"], network_mode="none")
        site.undo.callback(lambda: site.docker.quietly(f"rm -f {made}"))
        client.containers.start(made)
        path = f"/{site.words['folder']}/page"
        wait = f"i=0; until [ -s {path} ] || [ $((i += 1)) -gt {PATIENCE} ]; do sleep 0.05; done; id -u"
        code = site.docker.quietly(f"exec {made} sh -c '{wait}'")
        page = site.docker.quietly(f"exec {made} cat {path}").output.strip()
        command = client.containers.inspect(made).config.command
        client.containers.remove(made, force=True)
    yield equal(say("its user is still nobody, 65534"), "65534", code.output.strip().splitlines()[-1] if code.output else "")
    yield equal(say("it writes its page"), "noted", page)
    yield equal(say("by the program that it had"), site.words["name"], " ".join(command))


SCENARIOS: Final = (
    FaultScenario(
        name="arguments",
        story=Bilingual(
            "The image {image} is to greet whoever is named behind its name. It greets nobody. Its Dockerfile lies in {place}:",
            "镜像 {image} 应该问候写在它名字后面的人，可是谁也没问候到。它的 Dockerfile 在 {place}：",
        ),
        cause=Bilingual(
            "The entry point is in the shell form: `/bin/sh -c {name}` runs that text, and the words behind it, the arguments "
            'or the CMD, are none of its. `ENTRYPOINT ["{name}"]` hands them on.',
            "入口用的是 shell 形式：`/bin/sh -c {name}` 只运行那段文本，后面的词（参数或 CMD）与它无关。"
            '`ENTRYPOINT ["{name}"]` 才会把它们传下去。',
        ),
        breaks=_swallow,
        claims=_greets,
    ),
    FaultScenario(
        name="secret",
        story=Bilingual(
            "The image {image} is to be published. It needs a key while it is built, and deletes it; all the same somebody has "
            "read {key} in it. Its Dockerfile lies in {place}. The one who built it is sure:",
            "镜像 {image} 就要公开发布。它构建时要用密钥，用完就删了；可是有人还是在里面读到了 {key}。"
            "它的 Dockerfile 在 {place}。构建它的人很有把握：",
        ),
        cause=Bilingual(
            "COPY put {key} into a layer, and a layer never changes: `rm` in a later line only adds a mark. The key must not "
            "get into any layer of {image}: use it in a stage of its own, and take what it made with `COPY --from=`; or mount "
            "it, `RUN --mount=type=secret`.",
            "COPY 把 {key} 放进了一层，而层永远不变：后面一行的 `rm` 只添了一个标记。密钥不能进入 {image} 的任何一层："
            "在单独的阶段里用它，再用 `COPY --from=` 取走结果；或者挂载它：`RUN --mount=type=secret`。",
        ),
        breaks=_leak,
        claims=_keeps_it,
    ),
    FaultScenario(
        name="owner",
        story=Bilingual(
            "The image {image} does not run as root any more, on good advice. Since then its containers end at once. Its "
            "Dockerfile lies in {place}:",
            "镜像 {image} 听了劝，不再以 root 身份运行。从那以后，它的容器一启动就结束。它的 Dockerfile 在 {place}：",
        ),
        cause=Bilingual(
            "WORKDIR stands before USER, and made /{folder} as root's: nobody may not write there. `RUN chown nobody "
            "/{folder}` before USER gives it away; going back to root is no cure.",
            "WORKDIR 写在 USER 前面，建出来的 /{folder} 是 root 的，nobody 不能写。"
            "在 USER 之前加上 `RUN chown nobody /{folder}`，把目录交给它；改回 root 不算修好。",
        ),
        breaks=_lock,
        claims=_writes,
    ),
)
