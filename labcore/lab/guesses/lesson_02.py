"""Guesses of lesson 2."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "milliseconds": Guess(T("How many milliseconds does each of three starts take?", "三次启动，每次多少毫秒？")),
    "memory": Guess(
        T("How does the program end that wants more than 16 MB?", "程序要的内存超过 16 MB，结局如何？"),
        (
            T("its allocation fails, and it goes on", "申请失败，程序继续"),
            T("it is killed", "被杀死"),
            T("it becomes slow", "变慢"),
        ),
        1,
        T("The kernel kills in that cgroup when it cannot take any page back.", "内核在这个 cgroup 里收不回内存页，就杀进程。"),
    ),
    "bomb": Guess(
        T(
            "A fork bomb goes off in a cgroup for 24 processes. What do you notice?",
            "fork 炸弹在只容 24 个进程的 cgroup 里爆炸，你会察觉到什么？",
        ),
        (
            T("nothing: forks fail in there", "没什么：里面 fork 失败"),
            T("the machine stands still", "整台机器卡死"),
            T("the container is killed at once", "容器立刻被杀死"),
        ),
        0,
        T(
            "From the 25th process on, fork says EAGAIN, in that cgroup only.",
            "从第 25 个进程起，fork 返回 EAGAIN，只影响这个 cgroup。",
        ),
    ),
    "attacks": Guess(
        T("How many of the four attacks get through from lesson 1's container?", "在第 1 课的容器里，四种攻击有几种得手？"),
        (T("none", "零种"), T("one", "一种"), T("two", "两种"), T("all four", "四种全部")),
    ),
    "vm": Guess(
        T("How many times as long as your run does a virtual machine take to start?", "虚拟机的启动时间是你的 run 的多少倍？"),
        (
            T("about as long", "差不多"),
            T("about 10 times", "约 10 倍"),
            T("about 100 times", "约 100 倍"),
            T("about 1000 times", "约 1000 倍"),
        ),
    ),
    "density": Guess(
        T(
            "How many idle containers fit where one idle virtual machine does?",
            "一台空闲虚拟机占的内存，放得下多少个空闲容器？",
        ),
        (T("2", "2"), T("about 20", "约 20"), T("about 100", "约 100"), T("some hundred", "几百")),
    ),
    "outage": Guess(T("For how many milliseconds is the service away?", "服务中断多少毫秒？")),
}
