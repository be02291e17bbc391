"""Messages of lesson 2: its checks, and the comparison with virtual machines."""

CHINESE = {
    # limits
    "it was born in a cgroup of its own": "它一出生就在自己的 cgroup 里",
    "most processes in its cgroup (pids.max)": "它的 cgroup 最多容纳的进程数（pids.max）",
    "its memory has no limit of its own, for the spec asks for none": "内存没有另设上限，因为 spec 没有要求",
    "bytes of memory that its cgroup allows ({file})": "它的 cgroup 允许的内存字节数（{file}）",
    # confine
    "what it may do now": "现在能做的",
    "what it could claim": "可以申领的",
    "what it can ever gain": "将来可能得到的",
    "{n} in all": "共 {n} 项",
    "{words}: the capabilities that were asked for, no other": "{words}：正是要求保留的能力，没有多余的",
    "a filter looks at its system calls": "有过滤器检查它的系统调用",
    "no user namespace, for the spec does not ask for one": "没有用户命名空间，因为 spec 没有要求",
    "{file}: inside, outside, how many": "{file}：里面、外面、个数",
    "the user outside that root inside is": "里面的 root 在外面的用户编号",
    "the group outside that root's inside is": "里面 root 的组在外面的编号",
    "what it hands on to programs": "它能传给别的程序的",
    "and no path is that the spec does not name": "spec 没有提到的路径都不是只读的",
    "for `Resources()` there is no op, for nothing is asked for": "对 `Resources()` 没有任何操作，因为什么也没要求",
    "and without `pids` no limit on processes": "没有给 `pids`，就不限制进程数",
    "a limit that the kernel refuses is an error, not passed over in silence": "内核拒绝的限制会报错，而不是悄悄略过",
    "{path} is read-only": "{path} 是只读的",
    # containers against virtual machines
    "this comparison has no {what}: measure it first": "这份对比数据里没有 {what}：请先测量",
    "How long a start takes": "启动要多久",
    "from the command to the first process's first word; one dot is one start, the line is the median": (
        "从发出命令到第一个进程输出第一个字；一个点是一次启动，竖线是中位数"
    ),
    "How much memory one takes": "每个实例占多少内存",
    "MiB of one that idles, with all that stands beside it; what is shared counts in parts (PSS)": (
        "一个空闲实例及其附属进程占用的 MiB；共享的部分按份额计算（PSS）"
    ),
    "What work inside costs": "在里面干活要付出多少代价",
    "times as long as in a process of the host (1×)": "相对于宿主机上普通进程的耗时倍数（1×）",
    "a container's whole start, to this scale": "同一比例下，一次完整的容器启动",
    "milliseconds": "毫秒",
    "{time} s": "{time} 秒",
    "{time} ms": "{time} 毫秒",
    "container": "容器",
    "virtual machine": "虚拟机",
    "a process": "普通进程",
    "container: labcore, from Python": "容器：labcore（Python 调用）",
    "container: your own run": "容器：你自己的 run",
    "container: labcore run": "容器：labcore run 命令",
    "container: crun": "容器：crun",
    "container: podman run": "容器：podman run",
    "container: docker run": "容器：docker run",
    "VM: microvm, small guest": "虚拟机：microvm，最小系统",
    "VM: PC, small guest": "虚拟机：PC，最小系统",
    "VM: virt, small guest": "虚拟机：virt，最小系统",
    "VM: PC, qemu by hand": "虚拟机：PC，手动启动 qemu",
    "VM: labcore vm run": "虚拟机：labcore vm run 命令",
    "VM: PC, Debian with systemd": "虚拟机：PC，完整的 Debian",
    "arithmetic": "算术运算",
    "a system call (getpid)": "一次系统调用（getpid）",
    "a look at a file (stat)": "查看一个文件（stat）",
    "a file made and removed": "新建并删除一个文件",
    "a byte there and back (pipe)": "一个字节往返（管道）",
    "a process made and ended": "创建并结束一个进程",
    "qemu: the machine is made": "qemu：造出机器",
    "qemu, firmware, kernel decompressed": "qemu、固件、解压内核",
    "firmware": "固件",
    "kernel": "内核",
    "kernel: decompressed": "内核：解压",
    "kernel: memory": "内核：内存",
    "kernel: processors, interrupts": "内核：处理器、中断",
    "kernel: buses (PCI, ACPI)": "内核：总线（PCI、ACPI）",
    "kernel: first root unpacked": "内核：解包初始根文件系统",
    "kernel: drivers": "内核：驱动程序",
    "kernel and first process": "内核与第一个进程",
    "first process": "第一个进程",
    "first root: finds the disk": "初始根文件系统：找到磁盘",
    "systemd and its services": "systemd 及其各项服务",
    "virtual machines emulated (TCG), without KVM": "虚拟机由软件模拟（TCG），没有使用 KVM",
    "virtual machines run by KVM": "虚拟机使用 KVM",
    # what it says in words
    "The quickest container here: {container}. The quickest virtual machine: {machine}, {n:,.0f} times as long.":
        "这里最快的容器：{container}。最快的虚拟机：{machine}，是前者的 {n:,.0f} 倍。",
    "One idle virtual machine takes as much as {n:,.0f} idle containers.":
        "一台空闲的虚拟机占的内存，等于 {n:,.0f} 个空闲的容器。",
    "Into the memory that is free here would go, by division: {counts}.":
        "按除法算，这台机器的空闲内存里能放下：{counts}。",
    "In the container these took longer: {names}.": "在容器里用时更长的：{names}。",
    "Inside and outside cannot be told apart by these samples: {names}.":
        "凭这些样本分不出里外的：{names}。",
    "These were faster inside than outside: {names}. No container makes them so: the processes ran on other processors, or "
    "the machine was busy.":
        "里面反而比外面快的：{names}。这不是容器的功劳：进程换了处理器，或者机器正忙着别的事。",
    "The samples of these lie far apart, the slowest so many times the fastest: {names}. Something else "
    "kept the machine busy, or a first start had to read its files: measure again before you believe their medians.":
        "下面这些样本相差很大（括号里是最慢与最快之比）：{names}。机器当时在忙别的，或者第一次启动要先读文件：先重测一次，再相信它们的中位数。",
    "A container's rows are ops of its plan, short ones together, their number in brackets.":
        "容器的各行是计划里的操作，短的合在一起，括号里是个数。",
    "{subject} took {time}: {parts}.": "{subject}用时 {time}：{parts}。",
    "the program alone, without a container: what all others are compared with":
        "不用容器，只有程序本身：其他各项都和它比",
    "a Python that is running already calls labcore, as this notebook does":
        "由已经在运行的 Python 调用 labcore，和本笔记本一样",
    "`run` of your `my_runtime.py`, timed to the end of its program":
        "你的 `my_runtime.py` 里的 `run`，计时到程序结束",
    "the same by a command, for which Python itself has to start first":
        "同样的事，用命令来做：Python 自己要先启动",
    "an OCI runtime in C, as a command; podman uses it": "用 C 写的 OCI 运行时，以命令方式启动；podman 用的就是它",
    "the command, with all that it does around its runtime: storage, network, records":
        "整条命令，包括运行时以外的工作：存储、网络、记录",
    "the command; it asks a daemon, which asks containerd, which starts runc":
        "整条命令：它请求守护进程，守护进程请求 containerd，再由后者启动 runc",
    "qemu's smallest machine: hardly any devices, and busybox as its system":
        "qemu 最小的机器：几乎没有设备，系统只有 busybox",
    "qemu's ordinary PC, with firmware, buses and disks to look for; the same busybox":
        "qemu 的普通 PC：有固件，要查找总线和磁盘；系统同样是 busybox",
    "qemu's ordinary machine for this processor; the same busybox":
        "qemu 为这种处理器准备的普通机器；系统同样是 busybox",
    "qemu called without labcore: the difference is what labcore adds":
        "不经过 labcore，直接调用 qemu：差值就是 labcore 增加的开销",
    "the command, for which Python itself has to start first": "整条命令：Python 自己要先启动",
    "a whole Debian with systemd, as servers have it": "带 systemd 的完整 Debian，和服务器上的一样",
    "adds numbers, and never calls the kernel": "只做加法，从不调用内核",
    "the smallest system call, over and over: what a filter costs is seen here":
        "反复做最小的系统调用：过滤器的代价在这里看得最清楚",
    "asks for the size and the date of a file: through all layers of the container's root":
        "询问一个文件的大小和日期：要穿过容器根文件系统的各层",
    "in memory, on the container's topmost layer": "在内存里，容器最上面的一层",
    "two processes wake one another up in turn; on which processors they run matters more than all else":
        "两个进程轮流唤醒对方；它们在哪个处理器上运行，比什么都要紧",
    "the parent waits for its child to end": "父进程等待子进程结束",
    "the emulator starts and makes memory, processor and devices": "模拟器启动，造出内存、处理器和设备",
    "the machine's own first program finds the kernel": "机器自带的第一个程序，由它找到内核",
    "the kernel unpacks itself": "内核给自己解压",
    "it takes stock of the memory": "清点内存",
    "it starts the processors and their clocks": "启动各个处理器和时钟",
    "it looks for devices": "查找设备",
    "it unpacks its first root file system, in memory": "在内存里解包第一个根文件系统",
    "each driver looks for what it drives": "每个驱动程序寻找自己的设备",
    "number 1 starts and says its first word": "1 号进程启动，输出第一个字",
    "the system's services start": "系统的各项服务启动",
    "{median} (from {least} to {most})": "{median}（从 {least} 到 {most}）",
    "all that comes before the first word of the kernel": "内核输出第一个字之前的一切",
    "from the first word of the kernel to that of its first process": "从内核的第一个字到第一个进程的第一个字",
    "a first, small system finds and mounts the disk": "先由一个小系统找到并挂载磁盘",
}  # fmt: skip
