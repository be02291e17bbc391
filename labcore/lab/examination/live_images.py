"""Live questions of lessons 3 and 6: layers, digests, names, an image's command, and a stream's frames."""

import hashlib
import json
import random
from typing import Final

from labcore.engine.create import command
from labcore.images import Config
from labcore.lab.examination.live import Live, Site, Words
from labcore.lab.examination.live_kernel import IN_MEMORY, NAMES
from labcore.language import Bilingual as T
from labcore.spec import CreateOptions, Reference

# --- lesson 3: which layer's file is seen

STACK: Final = """\
for name in "abcd":
    os.mkdir(name)
for name in {files!r}:
    open(f"{{name}}/file", "w").write(name)
os.mknod("{mark}/file", 0o600 | stat.S_IFCHR, os.makedev(0, 0))
os.mkdir("view")
mount("overlay", "view", "overlay", 0, "lowerdir={order}")
print(open("view/file").read() if os.path.exists("view/file") else "none")"""


def _stack(lots: random.Random) -> Words:
    order = lots.sample("abcd", 4)
    files = sorted(lots.sample(order[1:], 2))
    mark = lots.choice([each for each in order if each not in files])
    code = STACK.format(files=files, mark=mark, order=":".join(order))
    return {"order": ":".join(order), "files": ", ".join(files), "mark": mark, "code": code}


# --- lesson 3: what a blob is called, and an image


def _blob(lots: random.Random) -> Words:
    return {"text": f"{lots.choice(NAMES)} {lots.randrange(10**6)}"}


def _digest(words: Words, site: Site) -> str:  # noqa: ARG001  nobody has to be asked
    return f"sha256:{hashlib.sha256(words['text'].encode()).hexdigest()}"


def _name(lots: random.Random) -> Words:
    word, team, tag = lots.choice(NAMES), lots.choice(NAMES), lots.choice(("", f":{lots.randint(1, 9)}.{lots.randrange(30)}"))
    host = f"{lots.choice(NAMES)}:{lots.randint(1024, 9999)}/"
    return {"name": lots.choice((word, f"{team}/{word}", f"{host}{word}", f"localhost/{word}", f"{team}.example/{word}")) + tag}


def _full(words: Words, site: Site) -> str:  # noqa: ARG001
    name = Reference.parse(words["name"])
    return f"{name.registry}/{name.repository}:{name.tag}"


# --- lesson 6: what runs


def _words_of_an_image(lots: random.Random) -> Words:
    entrypoint = lots.choice(([], ["ping", "-c1"], ["/bin/sh", "-c"]))
    arguments = lots.sample(NAMES, 2)
    options = lots.choice(("", "", "--entrypoint echo "))
    given = lots.choice(([], arguments[:1], ["-n", arguments[1]]))
    return {
        "entrypoint": json.dumps(entrypoint or None),
        "command": json.dumps([arguments[0], "-v"]),
        "options": options,
        "given": " ".join(["", *given]),
    }


def _runs(words: Words, site: Site) -> str:  # noqa: ARG001
    config = Config(
        "", (), entrypoint=tuple(json.loads(words["entrypoint"]) or ()), command=tuple(json.loads(words["command"]))
    )
    wanted = CreateOptions(
        image="it", command=tuple(words["given"].split()), entrypoint=("echo",) if words["options"] else None
    )
    return json.dumps(command(config, wanted))


# --- lesson 6: frames


def _frames(lots: random.Random) -> Words:
    said = [(lots.choice((1, 2)), lots.choice(NAMES).encode() + b"\n") for _ in range(3)] + [(2, b"end\n")]
    lots.shuffle(said)
    framed = [bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for stream, data in said]
    return {"frames": "\n".join(b"".join(framed).hex(" ")[at : at + 72].strip() for at in range(0, 200, 72)).strip()}


def _standard_error(words: Words, site: Site) -> str:  # noqa: ARG001
    left, found = bytes.fromhex(words["frames"].replace("\n", " ")), b""
    while left:
        size = int.from_bytes(left[4:8], "big")
        found += left[8 : 8 + size] if left[0] == 2 else b""
        left = left[8 + size :]
    return found.decode().strip()


LIVE: Final = {
    "stack": Live(
        3,
        T(
            "Of the directories a, b, c and d two, {files}, have a file `file` that holds the directory's name; in {mark} "
            "`file` is a character device 0/0. An overlay is mounted on `view`, with `lowerdir={order}`. What does "
            "`cat view/file` print? (`none` if there is no such file.)",
            "目录 a、b、c、d 中，{files} 里各有一个文件 `file`，内容是目录名；{mark} 里的 `file` 是字符设备 0/0。"
            "以 `lowerdir={order}` 把 overlay 挂载到 `view`。`cat view/file` 打印什么？（没有这个文件就答 `none`。）",
        ),
        _stack,
        lambda words, site: site.helped(f"import stat\n{IN_MEMORY}{words['code']}"),
        T("The topmost that has it counts, and a mark hides what lies below.", "最上面有它的那层算数，标记则遮住下面的一切。"),
        ("limits", "overlay"),
    ),
    "blob": Live(
        3,
        T(
            "Under which digest does a store keep these bytes, without an end of line: `{text}`? (With all its digits: any "
            "command of your machine may help.)",
            "镜像存储里，这些字节（不含换行）用什么摘要命名：`{text}`？（要写全；机器上的命令都可以用。）",
        ),
        _blob,
        _digest,
        T("`printf %s '…' | sha256sum`: the name is the content's.", "`printf %s '…' | sha256sum`：名字由内容决定。"),
    ),
    "full name": Live(
        3,
        T(
            "`docker pull {name}`: what is the image called in full, with registry, repository and tag?",
            "`docker pull {name}`：镜像的全名是什么？要有 registry、仓库和标签。",
        ),
        _name,
        _full,
        T(
            "Only what looks like a host is a registry; else it is Docker Hub's.",
            "第一段看起来像主机名才是 registry，否则就是 Docker Hub。",
        ),
    ),
    "command": Live(
        6,
        T(
            'An image\'s config has `"Entrypoint": {entrypoint}, "Cmd": {command}`. Which words does '
            "`docker run {options}it{given}` run? (As a JSON list.)",
            '镜像 it 的配置里有 `"Entrypoint": {entrypoint}, "Cmd": {command}`。`docker run {options}it{given}` '
            "运行哪些词？（写成 JSON 列表。）",
        ),
        _words_of_an_image,
        _runs,
        T(
            "What is given replaces Cmd; another entry point makes the image's Cmd void, too.",
            "给出的词代替 Cmd；换了入口，镜像的 Cmd 也作废。",
        ),
    ),
    "frames": Live(
        6,
        T(
            "An attached client without a terminal reads these bytes. What does it write on its standard error? (ASCII: "
            "`printf '\\x66'` shows a byte's letter.)\n\n{frames}",
            "没有终端的 attach 客户端读到了下面这些字节。它往标准错误写了什么？（ASCII：`printf '\\x66'` "
            "可显示一个字节的字母。）\n\n{frames}",
        ),
        _frames,
        _standard_error,
        T("A head of eight bytes: the stream, three zeros, the length.", "八个字节的头：哪个流，三个零，长度。"),
    ),
}
