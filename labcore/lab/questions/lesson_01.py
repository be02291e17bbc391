"""Questions of lesson 1: processes, namespaces, the root, images."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "what a container is": Question(
        T("What is a container, seen from the machine's side?", "从宿主机这一侧看，容器是什么？"),
        (
            T("one or more ordinary processes", "一个或几个普通进程"),
            T("a small virtual machine", "一台小虚拟机"),
            T("a file that the kernel executes", "一个由内核执行的文件"),
        ),
        0,
        T("They stand in the machine's own process list.", "它们就在宿主机自己的进程列表里。"),
    ),
    "whose kernel": Question(
        T("Which kernel do the processes of a container use?", "容器里的进程使用哪个内核？"),
        (
            T("the one in their image", "镜像里的那个"),
            T("the host's", "宿主机的"),
            T("one that Docker brings", "Docker 自带的"),
        ),
        1,
        T("An image holds no kernel; `uname -r` says the same on both sides.", "镜像里没有内核；`uname -r` 在两边的输出相同。"),
    ),
    "two numbers": Question(
        T("A container's first process: how many process numbers does it have?", "容器的第一个进程有几个进程号？"),
        (
            T("one: 1", "一个：1"),
            T("one, which differs from machine to machine", "一个，各台机器不同"),
            T("one in each PID namespace that sees it", "在每个看得见它的 PID 命名空间里各一个"),
        ),
        2,
        T("1 in its own namespace, another in the machine's.", "在自己的命名空间里是 1，在宿主机上是另一个。"),
    ),
    "hostname outside": Question(
        T(
            "A process in a new UTS namespace sets the host name. What does the machine's `hostname` say?",
            "进程在新的 UTS 命名空间里改了主机名，宿主机的 `hostname` 显示什么？",
        ),
        (T("the new name", "新名字"), T("the old name", "旧名字"), T("nothing", "空")),
        1,
        T("The new namespace began as a copy, and only the copy has changed.", "新命名空间一开始是份拷贝，改的只是拷贝。"),
    ),
    "bind onto itself": Question(
        T(
            "Why is the root's directory bound onto itself before pivot_root?",
            "为什么 pivot_root 之前要把根目录绑定到它自己上？",
        ),
        (
            T("pivot_root takes only a mount", "pivot_root 只接受挂载点"),
            T("it makes the files read-only", "让文件变成只读"),
            T("it copies the files", "为了复制文件"),
        ),
        0,
        T(
            "A plain directory gives EBUSY where it lies on the mount of `/`, and EINVAL elsewhere.",
            "普通目录和 `/` 在同一个挂载上时得到 EBUSY，否则是 EINVAL。",
        ),
    ),
    "private": Question(
        T("Why does `rootfs` make all mounts private first?", "`rootfs` 为什么先把所有挂载设为私有？"),
        (
            T("so that nobody can read them", "不让别人读取"),
            T("so that what is mounted in there does not appear outside", "里面的挂载就不会出现在外面"),
            T("because /proc asks for it", "因为 /proc 有此要求"),
        ),
        1,
        T(
            "A new mount namespace is a copy whose mounts still pass events on where they are shared.",
            "新的挂载命名空间是份拷贝；挂载若是共享的，事件仍会传播出去。",
        ),
    ),
    "old root": Question(
        T("What if the old root is not unmounted after pivot_root?", "pivot_root 之后不卸载旧根会怎样？"),
        (
            T("the container does not start", "容器启动不了"),
            T("nothing: it is out of sight", "没事：反正看不见"),
            T("the machine's files can still be reached", "仍然能访问宿主机的文件"),
        ),
        2,
        T("It lies at the same place, and what is mounted can be found.", "它就在原处，挂着的东西总能找到。"),
    ),
    "detach": Question(
        T(
            "`umount2('.')` says EBUSY, and with MNT_DETACH it works. Why?",
            "`umount2('.')` 返回 EBUSY，加上 MNT_DETACH 就行，为什么？",
        ),
        (
            T("detaching takes it out of the tree now, and frees it when nobody uses it", "先从挂载树上摘下，等没人用时再释放"),
            T("it ends the processes that use it", "它会结束正在使用的进程"),
            T("it ignores all errors", "它忽略一切错误"),
        ),
        0,
        T("The old root is still in use at that moment, by the process itself.", "那一刻旧根还在使用，使用者正是进程自己。"),
    ),
    "proc": Question(
        T("Without a fresh /proc, what does `ps` in a container show?", "没有新挂载的 /proc，容器里的 `ps` 显示什么？"),
        (
            T("all processes of the machine", "宿主机的全部进程"),
            T("nothing: it reads /proc", "什么也没有：它要读 /proc"),
            T("only itself", "只有它自己"),
        ),
        1,
        T("`ps` has no system call of its own: it reads files.", "`ps` 没有专门的系统调用，它读的是文件。"),
    ),
    "user namespace": Question(
        T("Which kind of namespace may an ordinary user make?", "普通用户可以创建哪种命名空间？"),
        (T("PID", "PID"), T("network", "网络"), T("user", "用户"), T("none", "都不行")),
        2,
        T("In it he has all capabilities, and may then make the others.", "在里面他拥有全部能力，然后才能创建其他的。"),
    ),
    "what travels": Question(
        T("What travels with an application in an image?", "镜像里，什么会跟着应用一起走？"),
        (
            T("its libraries and settings", "它的库和设置"),
            T("these and the kernel", "库、设置和内核"),
            T("only the program", "只有程序本身"),
        ),
        0,
        T("So it needs a kernel of a fitting version and processor.", "所以还需要版本和处理器都合适的内核。"),
    ),
}
