"""Questions of lesson 4: a machine's requirements, devices, exit codes, processors."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "needs": Question(
        T("What does a machine need to run containers?", "机器要运行容器需要什么？"),
        (
            T("Docker", "Docker"),
            T("a Linux kernel with namespaces, cgroups and overlayfs", "带命名空间、cgroup 和 overlayfs 的 Linux 内核"),
            T("a processor that helps with virtualisation", "支持虚拟化的处理器"),
        ),
        1,
        T("Docker is a comfort; the kernel does the work.", "Docker 带来方便，干活的是内核。"),
    ),
    "why try": Question(
        T(
            "Why does `preflight` try things in place of reading the kernel's version?",
            "`preflight` 为什么实际去试，而不是看内核版本？",
        ),
        (
            T("it is faster", "更快"),
            T("what a kernel has may be forbidden here", "内核有的功能，在这里可能被禁止"),
            T("the version is secret", "版本是保密的"),
        ),
        1,
        T(
            "Limits, security modules and a container around it say no, not the version.",
            "说“不”的是上限、安全模块或外层容器，与版本无关。",
        ),
    ),
    "ENOSPC": Question(
        T("clone says ENOSPC. What is full?", "clone 返回 ENOSPC，什么满了？"),
        (T("the disk", "磁盘"), T("the memory", "内存"), T("the number of namespaces that is allowed", "允许的命名空间数量")),
        2,
        T("/proc/sys/user/max_*_namespaces says how many.", "/proc/sys/user/max_*_namespaces 规定个数。"),
    ),
    "dev null": Question(
        T("Without /dev/null a script writes `> /dev/null`. What happens?", "没有 /dev/null，脚本写了 `> /dev/null`，会怎样？"),
        (
            T("an ordinary file is made, and grows", "新建一个普通文件，越写越大"),
            T("the kernel throws it away all the same", "内核照样丢弃"),
            T("the script stops", "脚本停止"),
        ),
        0,
        T("Only a device node with the numbers 1/3 swallows what is written.", "只有编号 1/3 的设备节点才会吞掉写入的内容。"),
    ),
    "numbers": Question(
        T("What makes /dev/zero what it is?", "/dev/zero 之所以是它，靠的是什么？"),
        (T("its name", "名字"), T("its major and minor number", "主、次设备号"), T("its content", "内容")),
        1,
        T("The kernel looks at the numbers; the name is for us.", "内核看编号，名字是给人看的。"),
    ),
    "dev pts": Question(
        T("Why does a container have a devpts of its own?", "容器为什么要有自己的 devpts？"),
        (
            T("so that it does not see the machine's terminals", "这样就看不到宿主机的终端"),
            T("because ps reads it", "因为 ps 要读它"),
            T("for its network", "为了网络"),
        ),
        0,
        T("Each mount of devpts is a set of terminals apart.", "每挂载一次 devpts，就是一组独立的终端。"),
    ),
    "umask": Question(
        T("Why is the umask set to 0 while devices are made?", "创建设备时为什么把 umask 设为 0？"),
        (
            T("it would take permissions away from their modes", "否则它会去掉权限位"),
            T("mknod needs it", "mknod 要求如此"),
            T("to be faster", "为了更快"),
        ),
        0,
        T("And it is set back to 022 for the program.", "之后要改回 022，留给程序用。"),
    ),
    "125": Question(
        T("`docker run` ends with 125. Who failed?", "`docker run` 以 125 结束，是谁失败了？"),
        (
            T("the program in the container", "容器里的程序"),
            T("Docker itself, before the program ran", "Docker 自己，程序还没运行"),
            T("a signal killed it", "被信号杀死"),
        ),
        1,
        T(
            "126: it cannot be executed; 127: it is not there; 128 + n: ended by a signal.",
            "126：不能执行；127：找不到；128 + n：被信号结束。",
        ),
    ),
    "machine": Question(
        T("A program for arm64 is started on x86-64. Who says no?", "在 x86-64 上启动 arm64 程序，谁拒绝？"),
        (
            T("the processor, in the middle", "处理器，运行到一半"),
            T("the kernel, by the file's head", "内核，根据文件头部"),
            T("Docker, by the image's name", "Docker，根据镜像名"),
        ),
        1,
        T("ENOEXEC: bytes 18 and 19 name another machine.", "ENOEXEC：第 18、19 字节写的是另一种机器。"),
    ),
    "mac": Question(
        T("Docker on a Mac: on which kernel do its containers run?", "Mac 上的 Docker，容器运行在哪个内核上？"),
        (
            T("on macOS's", "macOS 的"),
            T("on that of a small Linux virtual machine", "一台小 Linux 虚拟机的"),
            T("on none", "不用内核"),
        ),
        1,
        T("A Linux container needs a Linux kernel.", "Linux 容器需要 Linux 内核。"),
    ),
}
