"""Catalogue of guesses: the predictions that lessons ask for before a cell answers them, in both languages."""

from typing import Final

from labcore.language import Bilingual as T
from labcore.record import Record


class Guess(Record):
    """A question with options to pick, or none: then it is typed.

    `answer` is the option that is right on every machine, None where a cell measures it; `why` a word on it.
    """

    question: T
    options: tuple[T, ...] = ()
    answer: int | None = None
    why: T | None = None


GUESSES: Final[dict[str, Guess]] = {
    # --- lesson 1
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
    # --- lesson 2
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
    # --- lesson 3
    "next container": Guess(
        T("What does the next container of busybox find of /etc and /home?", "下一个 busybox 容器里，/etc 和 /home 还在吗？"),
        (T("both are gone", "都没了"), T("both are there", "都在"), T("they are there, and empty", "在，但是空的")),
        1,
        T("What a container writes or deletes lies in a layer of its own.", "容器写的、删的，都在它自己的那一层里。"),
    ),
    "diff id": Guess(
        T("Of what is a `diff_id` the digest?", "`diff_id` 是什么的摘要？"),
        (
            T("of the blob as it was sent", "传输时那个 blob"),
            T("of the layer's archive, unpacked from its compression", "解压后的层归档"),
            T("of the manifest", "清单"),
        ),
        1,
        T("It stays the same however a registry compresses the layer.", "无论仓库怎么压缩，它都不变。"),
    ),
    "soup": Guess(
        T(
            "Two layers have `menu/soup`. Which one is seen through the overlay?",
            "两层里都有 `menu/soup`，透过 overlay 看到哪一个？",
        ),
        (T("the upper layer's", "上层的"), T("the lower layer's", "下层的"), T("both, one behind the other", "两个接在一起")),
        0,
        T(
            "A name is looked up from the top; the first layer that has it counts.",
            "从最上层往下找，第一个有这个名字的层算数。",
        ),
    ),
    "latest": Guess(
        T("`cafe:v1` was pushed. What comes if one asks for `cafe`?", "推送的是 `cafe:v1`；只写 `cafe` 会拉到什么？"),
        (
            T("cafe:v1, the newest", "cafe:v1，最新的"),
            T("nothing: there is no such tag", "什么也没有：没有这个标签"),
            T("all tags", "所有标签"),
        ),
        1,
        T("`latest` is a tag like any other: somebody has to push it.", "`latest` 只是个普通标签：得有人推送它。"),
    ),
    "moved tag": Guess(
        T("The tag v1 is moved. What does whoever wrote down the digest get?", "标签 v1 被移走了，记下摘要的人拉到什么？"),
        (T("the new image", "新镜像"), T("the old image", "旧镜像"), T("an error", "报错")),
        1,
        T("A digest names content, and content does not move.", "摘要指的是内容，内容不会移动。"),
    ),
    # --- lesson 4
    "needs": Guess(
        T("Which three things must a machine have to run a container?", "运行容器，机器上必须有哪三样东西？"),
        why=T(
            "A kernel with namespaces, control groups and an overlay; the right to use them; and a root file system for the "
            "container's processor.",
            "支持命名空间、控制组和 overlay 的内核；使用它们的权限；适合本机处理器的根文件系统。",
        ),
    ),
    "errno": Guess(
        T("One kind of namespace may not be made. Which errno do you expect?", "某种命名空间不许创建，你预计是哪个 errno？"),
        (
            T("EPERM, not permitted", "EPERM，不允许"),
            T("ENOSPC, no space left on device", "ENOSPC，设备上没有剩余空间"),
            T("EINVAL, invalid", "EINVAL，无效"),
            T("ENOENT, no such file", "ENOENT，没有这个文件"),
        ),
        1,
        T(
            "A limit of zero is reached at once; the kernel says ENOSPC then, though no disk is full.",
            "上限为零，一开始就到顶；内核返回 ENOSPC，虽然没有磁盘满了。",
        ),
    ),
    "dev": Guess(
        T(
            "A container without devices: `echo x > /dev/null`, and then `ls -l /dev/null`. What is shown?",
            "没有设备的容器：先 `echo x > /dev/null`，再 `ls -l /dev/null`，会看到什么？",
        ),
        (T("a character device", "字符设备"), T("an ordinary file", "普通文件"), T("no such file", "没有这个文件")),
        1,
        T("The shell creates what is not there: a file that grows.", "文件不存在，shell 就新建一个，它会越写越大。"),
    ),
    "processor": Guess(
        T(
            "Two bytes in a program's header name another processor. What happens?",
            "把程序头部表示处理器的两个字节改成别的，会怎样？",
        ),
        (
            T("it runs all the same", "照样运行"),
            T("the kernel refuses it", "内核拒绝执行"),
            T("it crashes in the middle", "运行到一半崩溃"),
        ),
        1,
        T("The kernel reads the header first, and says ENOEXEC.", "内核先看头部，返回 ENOEXEC。"),
    ),
    # --- lesson 5
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
    # --- lesson 6
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
    # --- lesson 7
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
