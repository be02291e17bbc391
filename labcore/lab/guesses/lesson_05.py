"""Guesses of lesson 5."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "ps": Guess(
        T("`docker ps`: how does the client find out which containers there are?", "`docker ps`：客户端怎么知道有哪些容器？"),
        (
            T("it looks into /proc", "查看 /proc"),
            T("it reads the daemon's files", "读守护进程的文件"),
            T("it asks the daemon, by HTTP", "用 HTTP 问守护进程"),
        ),
        2,
        T("It knows nothing itself: it asks, and prints.", "它自己什么都不知道：问了再打印。"),
    ),
    "run -d": Guess(
        T("Which requests make up `docker run -d busybox …`?", "`docker run -d busybox …` 由哪些请求组成？"),
        (
            T("one: run", "一个：run"),
            T("create and start, with a wait between them", "create 和 start，中间还有 wait"),
            T("one for each namespace", "每个命名空间一个"),
        ),
        1,
        T("“Run” is the client's word; the daemon knows only its parts.", "run 是客户端的说法；守护进程只认识它的各个部分。"),
    ),
    "tcp door": Guess(
        T(
            "Who may talk to a daemon at a port of 127.0.0.1, without TLS?",
            "没有 TLS 时，谁能和 127.0.0.1 某端口上的守护进程说话？",
        ),
        (
            T("root only", "只有 root"),
            T("whoever runs a program on this machine", "这台机器上任何人的程序"),
            T("the whole network", "整个网络"),
        ),
        1,
        T("A port has no owner and no mode, as a file has.", "端口不像文件，没有所有者和权限。"),
    ),
    "daemon killed": Guess(
        T("The daemon is killed with SIGKILL. What becomes of its containers?", "守护进程被 SIGKILL 杀死，它的容器会怎样？"),
        (T("they end with it", "跟着结束"), T("they go on", "继续运行"), T("they are paused", "暂停")),
        1,
        T(
            "Each has a monitor of its own, and the next daemon asks that.",
            "每个容器都有自己的监控进程，下一个守护进程会去问它。",
        ),
    ),
    "socket": Guess(
        T(
            "A container without any rights has the daemon's socket. What can a thief in it do?",
            "没有任何权力的容器里，有守护进程的套接字。里面的小偷能做什么？",
        ),
        (
            T("see which containers there are", "看看有哪些容器"),
            T("start containers as harmless as its own", "启动和自己一样无害的容器"),
            T("whatever root of the machine can", "宿主机 root 能做的一切"),
        ),
        2,
        T(
            "The daemon is root, and mounts for whoever asks what he asks for.",
            "守护进程是 root，谁来要求，它就替谁挂载。",
        ),
    ),
}
