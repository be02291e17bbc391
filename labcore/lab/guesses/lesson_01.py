"""Guesses of lesson 1."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "start": Guess(
        T("How long does the start of a container take?", "启动一个容器要多久？"),
        (
            T("a minute", "一分钟"),
            T("a second", "一秒"),
            T("some hundred milliseconds", "几百毫秒"),
            T("a few milliseconds", "几毫秒"),
        ),
        3,
        T(
            "Nothing boots: a process is made, and made to see less.",
            "没有任何东西要开机：只是创建一个进程，让它看到的少一些。",
        ),
    ),
    "pid": Guess(
        T(
            "Which number does the child see for itself in its new PID namespace?",
            "在新的 PID 命名空间里，子进程看到自己是几号？",
        ),
        (T("the same as out here", "和外面的编号一样"), T("1", "1"), T("0", "0")),
        1,
        T(
            "It is the first process of its namespace, and has another number out here.",
            "它是这个命名空间的第一个进程；在外面，它另有编号。",
        ),
    ),
    "kernel": Guess(
        T("Which kernel does `uname -r` name in a container?", "容器里的 `uname -r` 显示哪个内核？"),
        (T("that of its image", "镜像自带的"), T("that of this machine", "这台机器的"), T("none", "没有内核")),
        1,
        T("An image holds no kernel.", "镜像里没有内核。"),
    ),
    "pivot": Guess(
        T("What happens if a plain directory is made the root with pivot_root?", "直接对一个普通目录调用 pivot_root，会怎样？"),
        (
            T("it becomes the root", "它成为根"),
            T("it fails", "失败"),
            T("the machine's root changes too", "宿主机的根也跟着变"),
        ),
        1,
        T("Only a mount can become the root.", "只有挂载才能成为根。"),
    ),
}
