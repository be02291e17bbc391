"""Guesses of lesson 6."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "requests": Guess(
        T("How many requests does the client send for it?", "客户端为此要发几个请求？"),
        (T("one", "一个"), T("two", "两个"), T("about seven", "七个左右"), T("about fifty", "五十个左右")),
        2,
        T("Greeting, create, pull, create again, attach, wait, start.", "问候、创建、拉取、再创建、attach、wait、start。"),
    ),
    "who pulls": Guess(
        T("The image is not here. Who decides that it is downloaded?", "本地没有这个镜像。由谁决定下载？"),
        (T("the client", "客户端"), T("the daemon", "守护进程"), T("the registry", "注册服务器")),
        0,
        T(
            "The daemon only says that it is not here. The client asks it to pull, and to create once more.",
            "守护进程只说没有。是客户端请它拉取，再请它创建一次。",
        ),
    ),
    "longest": Guess(
        T("Which of the client's calls takes longest, before the program runs?", "在程序运行之前，客户端的哪个请求用时最长？"),
        (
            T("the pull", "拉取镜像"),
            T("to create the container", "创建容器"),
            T("to start it", "启动容器"),
        ),
    ),
    "damaged": Guess(
        T("With which status is the request for the pull answered?", "拉取镜像的请求，得到的状态码是多少？"),
        (
            T("200 OK", "200 OK"),
            T("404 Not Found", "404 Not Found"),
            T("500 Internal Server Error", "500 Internal Server Error"),
        ),
        0,
        T(
            "The head of the answer had gone when the damage was found; the error is the answer's last line.",
            "发现损坏时，回答的头早已发出；错误写在回答的最后一行。",
        ),
    ),
    "registry down": Guess(
        T("No registry any more. What is still possible?", "注册服务器没了，还能做什么？"),
        (
            T("nothing: each start asks it", "什么都不行：每次启动都要问它"),
            T("to start containers of images that are here", "启动镜像已在本地的容器"),
            T("to pull images that were pulled once", "再次拉取以前拉过的镜像"),
        ),
        1,
        T("A registry is asked when something is pulled or pushed.", "只有拉取和推送才会找注册服务器。"),
    ),
    "no program": Guess(
        T(
            "A program that the image does not have: which request fails, and how does the command end?",
            "镜像里没有的程序：哪个请求失败？命令的退出码是多少？",
        ),
        (
            T("create, with 125", "create，125"),
            T("start, with 127", "start，127"),
            T("none; the container ends with 1", "都不失败；容器以 1 结束"),
        ),
        1,
        T("Only execve looks for the program, and that comes last.", "只有 execve 才去找程序，而它是最后一步。"),
    ),
    "read-only store": Guess(
        T("The image is here, and nothing can be written. Which request fails?", "镜像在本地，但什么也写不了。哪个请求失败？"),
        (T("create", "create"), T("start", "start"), T("none: the image is only read", "都不失败：镜像只需要读")),
        0,
        T(
            "A container is its image and a layer of its own, and that must be made.",
            "容器 = 镜像 + 自己的读写层，这一层得先建出来。",
        ),
    ),
    "no daemon": Guess(
        T("The daemon is stopped. Who writes the message that you will see?", "守护进程停了。你会看到的消息是谁写的？"),
        (T("the kernel", "内核"), T("the client", "客户端"), T("the registry", "注册服务器")),
        1,
        T(
            "Nobody answers on the socket; the client says so, and ends with 125.",
            "套接字上没有人回答；客户端如实报告，以 125 结束。",
        ),
    ),
}
