"""Guesses of lesson 7."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "loopback": Guess(
        T(
            "Can a program in an empty network namespace connect to 127.0.0.1?",
            "在空的网络命名空间里，程序能连上 127.0.0.1 吗？",
        ),
        (
            T("yes, that is itself", "能，那就是它自己"),
            T("no, not even that", "不能，连自己也连不上"),
            T("yes, and that is the machine", "能，那是宿主机"),
        ),
        1,
        T("There is a loopback, and it is switched off.", "回环接口是有的，但没有启用。"),
    ),
    "knock": Guess(
        T("Nobody listens at port 80 of the box. What comes back?", "盒子的 80 端口没有人监听。会得到什么答复？"),
        (
            T("nothing: a timeout", "没有答复：超时"),
            T("the connection is refused", "连接被拒绝"),
            T("the connection is there", "连接建立"),
        ),
        1,
        T("The kernel in there answers for those who do not listen.", "没有人监听，由里面的内核来答复。"),
    ),
    "names": Guess(
        T("How does a container find out who `web` is?", "容器怎么知道 `web` 是谁？"),
        (
            T("all names are in its /etc/hosts", "所有名字都写在它的 /etc/hosts 里"),
            T("it asks a name server", "问域名服务器"),
            T("it asks the daemon's socket", "问守护进程的套接字"),
        ),
        1,
        T(
            "At 127.0.0.11, in its own network namespace; the daemon answers there.",
            "地址是 127.0.0.11，就在它自己的网络命名空间里；在那里答话的是守护进程。",
        ),
    ),
    "two names": Guess(
        T(
            "What is different if `docker image ls` is typed in place of `docker images`?",
            "把 `docker images` 写成 `docker image ls`，请求有什么不同？",
        ),
        (T("the path", "路径不同"), T("nothing", "没有不同"), T("it asks twice", "会请求两次")),
        1,
        T("Two spellings of one call.", "一个请求，两种写法。"),
    ),
    "pause": Guess(
        T("In which state is a paused container's process?", "暂停的容器，进程处于什么状态？"),
        (
            T("T, stopped by a signal", "T，被信号暂停"),
            T("as if it slept, by itself", "像在睡觉，自己却不知道"),
            T("it has ended, and will be started again", "已经结束，之后会重新启动"),
        ),
        1,
        T(
            "The freezer holds it; `T` would be a signal's work.",
            "是冻结器拦住了它；`T` 才是信号造成的。",
        ),
    ),
    "exec": Guess(
        T(
            "How many of the six namespaces has a program started by `docker exec` for itself?",
            "`docker exec` 启动的程序，六种命名空间里有几种是自己独有的？",
        ),
        (T("all six", "六种全有"), T("one: its PIDs", "一种：PID"), T("none", "一种也没有")),
        2,
        T("It joins the container's.", "它加入了容器的命名空间。"),
    ),
    "logs": Guess(
        T("Are there ticks of the time in which the daemon was dead?", "守护进程死掉的那段时间，报数还在吗？"),
        (T("no: a gap", "不在：有缺口"), T("yes", "在"), T("the container has ended with it", "容器也跟着结束了")),
        1,
        T("A monitor beside the container writes them down.", "容器旁边的监视进程在记录。"),
    ),
    "stop": Guess(
        T("How long does `docker stop -t 3` take?", "`docker stop -t 3` 要多久？"),
        (T("no time", "立刻"), T("three seconds", "三秒"), T("until the next tick", "到下一次报数为止")),
        1,
        T("Process 1 does not hear SIGTERM unless it wants to.", "1 号进程不设处理函数，就听不见 SIGTERM。"),
    ),
}
