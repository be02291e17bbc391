"""Questions of lesson 7: commands, what they ask, and what the kernel does for them."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "run is two": Question(
        T("By which calls does `docker run -d` have a container run?", "`docker run -d` 靠哪些请求让容器运行起来？"),
        (T("run and wait", "run 和 wait"), T("create and start", "create 和 start"), T("pull and exec", "pull 和 exec")),
        1,
        T("There is no call named run.", "没有名为 run 的请求。"),
    ),
    "paused": Question(
        T("What stops a paused container's processes?", "暂停的容器，是什么让进程停住的？"),
        (
            T("SIGSTOP to each", "给每个进程发 SIGSTOP"),
            T("the cgroup's freezer", "cgroup 的冻结器"),
            T("the daemon, which holds them", "守护进程拦住了它们"),
        ),
        1,
        T("A word in a file; nobody in there can notice.", "往文件里写一个词；里面谁也察觉不到。"),
    ),
    "exec": Question(
        T("By which system call does `docker exec` get into a container?", "`docker exec` 靠哪个系统调用进入容器？"),
        (T("clone", "clone"), T("setns", "setns"), T("pivot_root", "pivot_root")),
        1,
        T("It joins the namespaces that are there already.", "加入已有的命名空间。"),
    ),
    "pid last": Question(
        T(
            "After `setns` into a PID namespace: which number has the caller in there?",
            "`setns` 进入 PID 命名空间之后，调用者在里面是几号？",
        ),
        (
            T("none: only its children are in it", "没有编号：只有它的子进程在里面"),
            T("1", "1"),
            T("the next free one", "下一个空闲的编号"),
        ),
        0,
        T("So one joins first and clones then.", "所以先加入，再 clone。"),
    ),
    "137": Question(
        T("A container ends with 137 after `docker stop`. Why?", "`docker stop` 之后，容器以 137 结束，为什么？"),
        (
            T("it ran out of memory", "内存用完了"),
            T("SIGTERM did nothing, SIGKILL came", "SIGTERM 没起作用，于是来了 SIGKILL"),
            T("the daemon crashed", "守护进程崩溃了"),
        ),
        1,
        T("128 + 9. Process 1 without a handler ignores SIGTERM.", "128 + 9。没有处理函数的 1 号进程不理会 SIGTERM。"),
    ),
    "logs": Question(
        T("Who writes a container's output down?", "容器的输出由谁记录？"),
        (
            T("the daemon", "守护进程"),
            T("a monitor beside the container", "容器旁边的监视进程"),
            T("the docker command", "docker 命令"),
        ),
        1,
        T("So nothing is lost while the daemon is away.", "所以守护进程不在时也不会丢。"),
    ),
    "cp": Question(
        T(
            "Through which door does `docker cp` reach the files of a container that runs?",
            "`docker cp` 通过哪扇门够到运行中容器的文件？",
        ),
        (
            T("/proc/PID/root", "/proc/PID/root"),
            T("a program inside, tar", "容器里的 tar 程序"),
            T("the image's layers", "镜像的各层"),
        ),
        0,
        T("The archive is made outside: an image needs no tar.", "归档是在外面打的：镜像里不需要有 tar。"),
    ),
    "top": Question(
        T("`docker top` says 4711, `ps` inside says 1. Who is right?", "`docker top` 显示 4711，里面的 `ps` 显示 1，哪个对？"),
        (T("top", "top"), T("ps", "ps"), T("both", "都对")),
        2,
        T("One process, a number in each PID namespace.", "同一个进程，在每个 PID 命名空间里各有一个编号。"),
    ),
    "rm": Question(
        T("What is lost by `docker stop`, and what by `docker rm`?", "`docker stop` 会丢掉什么？`docker rm` 呢？"),
        (
            T("stop: the files; rm: the image", "stop：文件；rm：镜像"),
            T("stop: the processes; rm: what was written, too", "stop：进程；rm：连写入的文件一起"),
            T("both: everything", "两者都丢掉一切"),
        ),
        1,
        T("The writable layer stays until rm.", "可写层一直留到 rm。"),
    ),
    "update": Question(
        T(
            "`docker update -m 32m` on a container that runs: when does it count?",
            "对运行中的容器 `docker update -m 32m`，何时生效？",
        ),
        (
            T("at once: the kernel reads the cgroup's file", "立刻：内核看的就是 cgroup 的文件"),
            T("after a restart", "重启之后"),
            T("never", "永远不会"),
        ),
        0,
        T("No process has to agree.", "不需要任何进程同意。"),
    ),
    "refused": Question(
        T(
            "A connection is refused at once, another gets no answer until it times out. Which one has reached the other machine?",
            "一个连接马上被拒绝，另一个一直没有答复直到超时。哪一个到达了对方机器？",
        ),
        (T("the refused one", "被拒绝的那个"), T("the other", "另一个"), T("neither", "都没有")),
        0,
        T("A refusal is an answer: look for who listens, not for the cable.", "拒绝也是答复：该查谁在监听，而不是查网线。"),
    ),
    "cable": Question(
        T("A container ends. What becomes of its end of the veth pair?", "容器结束了，它那一端的 veth 会怎样？"),
        (
            T("it stays, and must be removed", "留着，要人去删"),
            T("it goes with the network namespace, and the other end with it", "随网络命名空间消失，另一端也一起消失"),
            T("it falls back to the host", "掉回宿主机"),
        ),
        1,
        T("A pair has two ends or none.", "veth 要么成对，要么没有。"),
    ),
    "port": Question(
        T(
            "`-p 8080:80`, and 8080 is in use on the machine. When does docker say so?",
            "`-p 8080:80`，而机器的 8080 已被占用。docker 什么时候报错？",
        ),
        (
            T("at create", "create 时"),
            T("at start: the container is there, and does not run", "start 时：容器已经有了，但没有运行"),
            T("at the first connection", "第一次有人连接时"),
        ),
        1,
        T("That is why `docker ps -a` shows one more, *Created*.", "所以 `docker ps -a` 里会多出一个 *Created* 的容器。"),
    ),
    "which network": Question(
        T(
            "Two containers, started without `--network`. Do they find each other by name?",
            "两个容器启动时都没有给 `--network`。它们能用名字找到对方吗？",
        ),
        (
            T("yes", "能"),
            T("no: names are for networks that one has made", "不能：要在自己建的网络里，名字才管用"),
            T("only with -p", "要有 -p 才行"),
        ),
        1,
        T("`docker network create`, and both with `--network`.", "先 `docker network create`，两个都带上 `--network`。"),
    ),
}
