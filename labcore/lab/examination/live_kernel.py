"""Live questions of lessons 1, 2 and 4: what the kernel does, tried in a helper process."""

import random
from typing import Final

from labcore.lab.examination.live import Live, Site, Words
from labcore.language import Bilingual as T

NAMES: Final = ("ant", "bee", "crow", "dove", "eel", "fox", "gnu", "hare", "ibis", "jay", "koi", "lynx")
KINDS: Final = ("NEWUTS", "NEWIPC", "NEWNS")

# --- lesson 1: a host name and its namespace

HOST_NAME: Final = """\
sethostname("{first}")
if os.fork() == 0:
    unshare(CloneFlag.{one})
    sethostname("{second}")
    if os.fork() == 0:
        unshare(CloneFlag.{two})
        sethostname("{third}")
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
print(os.uname().nodename)"""


def _host_names(lots: random.Random) -> Words:
    first, second, third = lots.sample(NAMES, 3)
    one, two = lots.choice([("NEWUTS", "NEWIPC"), ("NEWIPC", "NEWUTS"), ("NEWNS", "NEWIPC"), ("NEWUTS", "NEWUTS")])
    return _with_code(HOST_NAME, first=first, second=second, third=third, one=one, two=two)


# --- lesson 1: the numbers of a process

NUMBERS: Final = """\
for kind in {kinds}:
    unshare(getattr(CloneFlag, kind))
    if os.fork():
        os.wait()
        os._exit(0)
print([line for line in open("/proc/self/status") if line.startswith("NSpid")])"""


def _kinds(lots: random.Random) -> Words:
    kinds = [lots.choice(("NEWPID", "NEWPID", "NEWUTS", "NEWIPC")) for _ in range(lots.randint(2, 5))]
    return _with_code(NUMBERS, kinds=repr(kinds))


def _how_many(words: Words, site: Site) -> str:
    return str(len(site.helped(words["code"]).replace(r"\n", " ").replace(r"\t", " ").strip("[]'\" ").split()) - 1)


# --- lesson 2: an owner on the other side of a user namespace's map

OWNER: Final = """\
ready, go = os.pipe(), os.pipe()
open("file", "w").close()
os.chown("file", {owner}, {owner})
child = os.fork()
if child == 0:
    unshare(CloneFlag.NEWUSER)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    print(os.stat("file").st_uid, flush=True)
    os._exit(0)
os.read(ready[0], 1)
open(f"/proc/{child}/uid_map", "w").write("{inside} {outside} {count}")
os.write(go[1], b"x")
os.wait()"""


def _owner(lots: random.Random) -> Words:
    inside, outside, count = lots.choice((0, 0, 500)), lots.randrange(10_000, 60_000, 1000), lots.choice((100, 1000))
    owner = outside + lots.choice((0, lots.randrange(count), count - 1, count, count + lots.randrange(50)))
    return {"inside": str(inside), "outside": str(outside), "count": str(count), "owner": str(owner)}


def _seen_owner(words: Words, site: Site) -> str:
    code = OWNER
    for name, value in words.items():
        code = code.replace(f"{{{name}}}", value)
    return site.helped(IN_MEMORY + code)


# --- lesson 2: rights that are left

RIGHTS: Final = {
    "CHOWN": "chown 5 /tmp",
    "MKNOD": "mknod /n c 1 3",
    "SYS_CHROOT": "chroot / true",
    "SYS_ADMIN": "hostname {name}",
    "SYS_ADMIN, too": "mount -t tmpfs none /tmp",
    "none": "kill -0 1",
}


def _rights(lots: random.Random) -> Words:
    dropped = lots.sample(["CHOWN", "MKNOD", "SYS_CHROOT", "NET_RAW", "SETFCAP"], 2)
    tried = lots.sample(sorted(RIGHTS), 4)
    commands = "; ".join(f"{RIGHTS[each].format(name=lots.choice(NAMES))} && n=$((n+1))" for each in tried)
    options = " ".join(f"--cap-drop {each}" for each in dropped)
    return {"line": f"run --rm --network none {options} busybox sh -c 'n=0; {commands}; echo $n'"}


def _last_word(words: Words, site: Site) -> str:
    return (site.docker.quietly(words["line"]).output.split() or [""])[-1]


# --- lesson 4: what a device is

IN_MEMORY: Final = (
    "os.mkdir('/tmp/exam') if not os.path.isdir('/tmp/exam') else None\n"
    "mount('none', '/tmp/exam', 'tmpfs')\nos.chdir('/tmp/exam')\n"
)
DEVICE: Final = """\
os.mknod("{name}", 0o600 | stat.S_IFCHR, os.makedev(1, {minor}))
with open("{name}", "rb", buffering=0) as file:
    print(len(file.read({count})))"""


def _device(lots: random.Random) -> Words:
    minor, name = lots.choice((3, 3, 5, 7, 9)), lots.choice(("null", "zero", "full", "urandom"))
    return _with_code(DEVICE, name=name, minor=str(minor), count=str(lots.randint(3, 90)))


def _with_code(template: str, **words: str) -> Words:
    return {"code": template.format(**words), **words}


def _printed(words: Words, site: Site) -> str:
    return site.helped(words["code"])


LIVE: Final = {
    "host name": Live(
        1,
        T(
            "What does this helper cell print?\n\n{code}",
            "这个辅助单元格会打印什么？\n\n{code}",
        ),
        _host_names,
        _printed,
        T(
            "A name belongs to a UTS namespace, and other kinds change nothing of it.",
            "主机名属于 UTS 命名空间，与其他种类的命名空间无关。",
        ),
        ("namespaces",),
    ),
    "numbers": Live(
        1,
        T(
            "How many numbers does the line that this helper cell prints name?\n\n{code}",
            "这个辅助单元格打印的那一行里有几个进程号？\n\n{code}",
        ),
        _kinds,
        _how_many,
        T("One for each PID namespace that sees the process.", "在每个看得见它的 PID 命名空间里各有一个。"),
        ("namespaces",),
    ),
    "owner": Live(
        2,
        T(
            "A process's uid_map is `{inside} {outside} {count}`. Out here a file belongs to user {owner}. Which number does "
            "`stat -c %u` print for it in there?",
            "某进程的 uid_map 是 `{inside} {outside} {count}`。在外面，一个文件属于 {owner} 号用户。"
            "在里面 `stat -c %u` 打印几号？",
        ),
        _owner,
        _seen_owner,
        T("Who is not on the map is the overflow user, 65534.", "不在映射表里的，一律显示为溢出用户 65534。"),
        ("limits",),
    ),
    "rights": Live(
        2,
        T(
            "Which number is the last word that this prints?\n\ndocker {line}",
            "这条命令最后打印的数是几？\n\ndocker {line}",
        ),
        _rights,
        _last_word,
        T(
            "Each of them needs its capability, or none; some a container never has.",
            "每个动作各需要自己的能力，有的不需要，有的容器本来就没有。",
        ),
        ("overlay", "limits"),
    ),
    "device": Live(
        4,
        T(
            "What does this helper cell print?\n\n{code}",
            "这个辅助单元格会打印什么？\n\n{code}",
        ),
        _device,
        lambda words, site: site.helped(f"import stat\n{IN_MEMORY}{words['code']}"),
        T("The numbers make a device what it is; its name is for us.", "决定设备的是设备号，名字只是给人看的。"),
        ("limits",),
    ),
}
