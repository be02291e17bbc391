"""Questions of lesson 2: limits, privileges, containers against virtual machines."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "what limits": Question(
        T("Which part of the kernel says how much memory a container may use?", "内核的哪部分决定容器能用多少内存？"),
        (T("namespaces", "命名空间"), T("control groups", "控制组（cgroup）"), T("capabilities", "能力（capability）")),
        1,
        T("Namespaces decide what is seen, control groups how much is used.", "命名空间决定看到什么，cgroup 决定用多少。"),
    ),
    "join first": Question(
        T("Why does a process join its cgroup before the clone?", "进程为什么在 clone 之前就加入 cgroup？"),
        (
            T("so that no child is ever outside of it", "这样没有一个子进程会落在外面"),
            T("the kernel forbids it later", "之后内核就不允许了"),
            T("it is faster", "这样更快"),
        ),
        0,
        T("What a child uses before it is moved would be counted elsewhere.", "移动之前用掉的会算在别处。"),
    ),
    "over memory": Question(
        T("What happens at the limit of memory, when nothing can be taken back?", "内存到了上限又收不回来，会怎样？"),
        (
            T("malloc returns NULL", "malloc 返回 NULL"),
            T("a process of the cgroup is killed", "cgroup 里有进程被杀死"),
            T("the machine swaps", "整机开始换页"),
        ),
        1,
        T("The OOM killer looks in that cgroup only.", "OOM killer 只在这个 cgroup 里挑。"),
    ),
    "over pids": Question(
        T("What does fork say in a cgroup that is full (pids.max)?", "cgroup 满了（pids.max），fork 会返回什么？"),
        (T("ENOMEM", "ENOMEM"), T("EAGAIN", "EAGAIN"), T("EPERM", "EPERM")),
        1,
        T("As at any limit on processes: try again later.", "与其他进程数限制一样：稍后再试。"),
    ),
    "root outside": Question(
        T(
            "Without a user namespace, who is a container's root on the machine?",
            "没有用户命名空间时，容器的 root 在宿主机上是谁？",
        ),
        (T("nobody", "nobody"), T("root", "root"), T("the user who started it", "启动它的用户")),
        1,
        T(
            "With fewer rights perhaps, but with number 0: root's files are his.",
            "权利也许少一些，但编号是 0：root 的文件都归他。",
        ),
    ),
    "map": Question(
        T(
            "`uid_map` holds `0 100000 65536`. Who owns a file out here that user 5 in there makes?",
            "`uid_map` 是 `0 100000 65536`。里面 5 号用户新建的文件，在外面属于谁？",
        ),
        (T("user 5", "5 号用户"), T("user 100005", "100005 号用户"), T("user 100000", "100000 号用户")),
        1,
        T("Inside from 0, outside from 100000, 65536 of them.", "里面从 0 起，外面从 100000 起，共 65536 个。"),
    ),
    "bounding set": Question(
        T("What does the bounding set decide?", "bounding set（边界集）决定什么？"),
        (
            T("what a process may do now", "进程现在能做什么"),
            T("what it can gain by executing a program", "执行程序最多能获得什么"),
            T("what its children inherit of open files", "子进程继承哪些打开的文件"),
        ),
        1,
        T("A setuid program gives no capability that is missing in it.", "边界集里没有的能力，setuid 程序也给不了。"),
    ),
    "seccomp": Question(
        T("What does a seccomp filter look at?", "seccomp 过滤器检查什么？"),
        (
            T("paths of files", "文件路径"),
            T("the number and the arguments of each system call", "每个系统调用的编号和参数"),
            T("network packets", "网络数据包"),
        ),
        1,
        T("Not at what a pointer points to: a path is beyond it.", "指针指向的内容它不看，所以看不到路径。"),
    ),
    "why fast": Question(
        T("Why does a container start so much faster than a virtual machine?", "容器为什么比虚拟机启动快得多？"),
        (
            T("its image is smaller", "镜像更小"),
            T("no kernel boots and no devices are found", "不用启动内核，也不用探测设备"),
            T("it uses all processors", "它用上了所有处理器"),
        ),
        1,
        T("The kernel that serves it has been running for long.", "为它服务的内核早就在运行了。"),
    ),
    "still stronger": Question(
        T("What does a virtual machine keep apart that a container shares?", "哪样东西虚拟机是隔开的，容器却是共用的？"),
        (T("the kernel", "内核"), T("the network", "网络"), T("the files", "文件")),
        0,
        T("A hole in the kernel is a hole in the wall between containers.", "内核的漏洞就是容器之间围墙的漏洞。"),
    ),
    "no loss": Question(
        T("Which work can be slower in a container than outside?", "哪类工作在容器里可能更慢？"),
        (
            T("arithmetic", "算术"),
            T("writing a file for the first time, on an overlay", "第一次改写 overlay 上的文件"),
            T("sorting in memory", "内存里排序"),
        ),
        1,
        T("The file is copied up first; arithmetic meets no kernel at all.", "文件要先复制上来；算术根本不经过内核。"),
    ),
}
