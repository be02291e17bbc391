"""Questions of lesson 5: client and server, requests, the daemon's parts, its socket."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "who runs": Question(
        T(
            "You type `docker run`. Which program starts the container's process?",
            "你输入 `docker run`，是哪个程序启动容器的进程？",
        ),
        (
            T("the command docker", "docker 命令"),
            T("the daemon, or what it starts for that", "守护进程，或者它为此启动的程序"),
            T("the shell", "shell"),
        ),
        1,
        T("The command only asks, and shows what is answered.", "命令只负责请求，并显示应答。"),
    ),
    "how many": Question(
        T("How many requests is `docker run -d`, at least?", "`docker run -d` 至少包含几个请求？"),
        (T("one", "一个"), T("two: create and start", "两个：create 和 start"), T("one for each layer", "每层一个")),
        1,
        T("There is no request “run”: it is the client that puts it together.", "没有叫 run 的请求：run 是客户端拼出来的。"),
    ),
    "after create": Question(
        T("A container was created, and not started. What is there?", "容器 create 了，还没有 start。这时有什么？"),
        (
            T("a process that sleeps", "一个睡眠的进程"),
            T("a record, and a read-write layer", "一条记录和一个读写层"),
            T("nothing", "什么都没有"),
        ),
        1,
        T("No process: that is why a stopped container can be started again.", "没有进程：所以停掉的容器还能再启动。"),
    ),
    "whose fault": Question(
        T("A status of 404, 409, 500: whose fault is it?", "状态 404、409、500，分别是谁的问题？"),
        (
            T("always the daemon's", "都是守护进程的"),
            T("4xx: the asker's, 5xx: the daemon's", "4xx 是请求方的，5xx 是守护进程的"),
            T("the network's", "网络的"),
        ),
        1,
        T("404: there is no such thing; 409: not in this state.", "404：没有这个东西；409：当前状态不允许。"),
    ),
    "wait before start": Question(
        T("Why does the client ask for `wait` before it asks for `start`?", "客户端为什么先请求 `wait`，再请求 `start`？"),
        (
            T("to miss no end, however soon it comes", "不管容器多快结束，都不会错过"),
            T("because the alphabet says so", "按字母顺序"),
            T("to be faster", "为了更快"),
        ),
        0,
        T("A container may have ended before a later question arrives.", "等晚一步的请求到达时，容器可能已经结束了。"),
    ),
    "version": Question(
        T("What is `/v1.47` in front of a path?", "路径前面的 `/v1.47` 是什么？"),
        (
            T("Docker's version", "Docker 的版本"),
            T("the version of the API that both ends know", "双方都懂的 API 版本"),
            T("the kernel's", "内核的版本"),
        ),
        1,
        T("The client learns it from the answer to `_ping`.", "客户端从 `_ping` 的应答里得知。"),
    ),
    "read-only socket": Question(
        T(
            "A container has the socket mounted read-only (`:ro`). What can it do?",
            "容器以只读方式（`:ro`）挂载了套接字，它能做什么？",
        ),
        (T("only list", "只能查看"), T("everything that it could do before", "照样什么都能做"), T("nothing", "什么也不能做")),
        1,
        T("Read-only is the file system, not what is said through the socket.", "只读的是文件系统，不是通过套接字说的话。"),
    ),
    "group": Question(
        T("Somebody is in the group `docker`. What is he on that machine?", "某人在 `docker` 组里。他在那台机器上相当于什么？"),
        (T("an ordinary user", "普通用户"), T("root", "root"), T("a guest", "访客")),
        1,
        T("He may have any directory mounted into a container, as root.", "他可以把任何目录以 root 身份挂进容器。"),
    ),
    "daemon killed": Question(
        T("The daemon is killed. What keeps its containers running?", "守护进程被杀死，靠什么让容器继续运行？"),
        (
            T("the kernel restarts them", "内核重启它们"),
            T("each has a monitor of its own (a shim)", "每个容器有自己的监控进程（shim）"),
            T("the client", "客户端"),
        ),
        1,
        T("The monitor holds the output, and learns the exit code.", "监控进程接着输出，也知道退出码。"),
    ),
    "drivers": Question(
        T("Which driver makes the read-write layer of a container?", "容器的读写层由哪个驱动准备？"),
        (T("the exec driver", "ExecDriver"), T("the network driver", "NetworkDriver"), T("the graph driver", "GraphDriver")),
        2,
        T("Today it is called storage driver, or snapshotter.", "如今叫存储驱动，或者 snapshotter。"),
    ),
    "who pulls": Question(
        T("`docker pull`: who talks to the registry?", "`docker pull` 时，是谁在和 Registry 通信？"),
        (T("the command", "命令"), T("the daemon", "守护进程"), T("the container", "容器")),
        1,
        T(
            "The image is needed where the daemon is, which may be another machine.",
            "镜像要存到守护进程那里，它可能在另一台机器上。",
        ),
    ),
}
