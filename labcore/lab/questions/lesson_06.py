"""Questions of lesson 6: who asks whom, what a 404 leads to, streams, and how failures look."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "after the 404": Question(
        T(
            "The daemon answers `POST /containers/create` with 404. What does `docker run` do?",
            "守护进程对 `POST /containers/create` 应答 404，`docker run` 会怎么做？",
        ),
        (
            T("it gives up", "放弃"),
            T("it asks for a pull, and then for the container again", "请求拉取镜像，然后再请求创建容器"),
            T("it downloads the image itself", "自己下载镜像"),
        ),
        1,
        T(
            "The client decides, the daemon downloads: `--pull=never` makes it give up.",
            "客户端决定，守护进程下载；加上 `--pull=never` 就会放弃。",
        ),
    ),
    "asked for last": Question(
        T("Which of these does `docker run` ask for last?", "下面哪一个是 `docker run` 最后请求的？"),
        (T("start", "start"), T("attach", "attach"), T("wait", "wait")),
        0,
        T("Whoever wants to miss nothing listens first, and starts then.", "想不漏掉任何东西，就要先接好，再启动。"),
    ),
    "wait asked early": Question(
        T("Why does the client ask to wait before it starts the container?", "客户端为什么在启动容器之前就请求 wait？"),
        (
            T(
                "a short program would be over, and perhaps removed, before it asked",
                "程序很短的话，等它来问时已经结束，甚至已被删除",
            ),
            T("the daemon needs the order", "守护进程要求这个顺序"),
            T("it is faster", "这样更快"),
        ),
        0,
        T("With --rm there would be nobody left to ask for the exit code.", "加了 --rm，就没有容器可问退出码了。"),
    ),
    "head": Question(
        T(
            "A layer comes damaged, half way through a pull. Which status has the answer to `images/create`?",
            "拉取到一半，某一层损坏了。`images/create` 的状态码是多少？",
        ),
        (T("500", "500"), T("404", "404"), T("200", "200")),
        2,
        T(
            "The head had gone before the first line: the error is a line of the body.",
            "头在第一行之前就发出了：错误写在正文的一行里。",
        ),
    ),
    "frames": Question(
        T(
            "What are the eight bytes before each piece of a container's output for?",
            "容器输出的每一段前面那 8 个字节有什么用？",
        ),
        (
            T("they say which stream it is, and how long", "写明是哪个流、有多长"),
            T("they are a checksum", "是校验和"),
            T("they encrypt it", "用来加密"),
        ),
        0,
        T(
            "So standard output and standard error share one connection. With a terminal (-t) there is one stream, and no heads.",
            "这样标准输出和标准错误就能共用一条连接。用终端（-t）时只有一个流，也就没有头。",
        ),
    ),
    "without a registry": Question(
        T("The registry is down. Which containers can still be started?", "注册服务器停了，哪些容器还能启动？"),
        (
            T("none", "都不能"),
            T("those whose image is here", "镜像已在本地的"),
            T("only those that run already", "只有已经在运行的"),
        ),
        1,
        T("It is needed for pulls alone.", "只有拉取才需要它。"),
    ),
    "127": Question(
        T(
            "`docker run busybox nosuch` ends with 127. Which request failed?",
            "`docker run busybox nosuch` 以 127 结束，失败的是哪个请求？",
        ),
        (T("create", "create"), T("start", "start"), T("images/create", "images/create")),
        1,
        T("Nobody looks for the program before execve does.", "在 execve 之前，没有谁去找这个程序。"),
    ),
    "125 daemon": Question(
        T("`Cannot connect to the Docker daemon`: who says that?", "“Cannot connect to the Docker daemon” 这句话是谁说的？"),
        (T("the daemon", "守护进程"), T("the client", "客户端"), T("the kernel", "内核")),
        1,
        T(
            "It has nobody to ask. Look whether the daemon runs, and where its socket is.",
            "它没有人可问了。看看守护进程在不在运行，套接字在哪里。",
        ),
    ),
    "entry point": Question(
        T(
            "An image has the entry point `ping` and the command `localhost`. What does `docker run IMAGE example.org` run?",
            "镜像的入口是 `ping`，命令是 `localhost`。`docker run IMAGE example.org` 运行什么？",
        ),
        (
            T("example.org", "example.org"),
            T("ping example.org", "ping example.org"),
            T("ping localhost example.org", "ping localhost example.org"),
        ),
        1,
        T("What is given takes the place of the command; the entry point stays.", "给出的词代替命令，入口不变。"),
    ),
    "shim": Question(
        T("Since 2016 dockerd starts no container by itself. Who does?", "从 2016 年起，dockerd 不再亲自启动容器。由谁启动？"),
        (
            T("containerd, with a shim and runc for each", "containerd，为每个容器用一个 shim 和 runc"),
            T("systemd", "systemd"),
            T("the registry", "注册服务器"),
        ),
        0,
        T("The shim stays with the container: the daemon may be restarted.", "shim 留在容器身边：守护进程可以重启。"),
    ),
}
