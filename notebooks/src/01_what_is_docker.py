# %% [markdown] lang="en" id="title"
# # 1. What is Docker?
#
# You have run virtual machines; a container is often drawn as a smaller one. In this lesson you take a container apart, put one
# together yourself, and find something simpler: **an ordinary process** to which the kernel shows less of the machine.
#
# Run the cells from top to bottom (Shift+Enter), and guess before you look. The core takes about an hour; what is marked
# *further* can wait. What you write is kept in a file of your own, `my_runtime.py`: by lesson 10 the `docker` command runs on it.

# %% [markdown] lang="zh" of="48785f79"
# # 1. Docker 是什么？
#
# 虚拟机你大概用过，容器则常被画成一台“小号虚拟机”。这一课我们把容器拆开看，再亲手拼一个出来，你会发现事情简单得多：
# 容器就是**一个普通进程**，只不过内核让它看到的东西少一些。
#
# 从上往下逐格运行（Shift+Enter），每次先猜，再看结果。主线大约一小时，标着*进阶*的可以以后再做。
# 你写的代码都会存进你自己的 `my_runtime.py`：到第 10 课，真正的 `docker` 命令就能靠它来运行容器。

# %% [markdown] lang="en" id="first"
# ## A container in three lines
#
# `busybox` is an image with one program in it; it was made on this machine, nothing is downloaded, and no daemon is running. How
# long will the start take: a minute, a second, a few milliseconds? Write your guess down; the answer is measured further below.

# %% [markdown] lang="zh" of="018bd882"
# ## 三行代码，一个容器
#
# `busybox` 是只装了一个程序的镜像，搭建实验环境时就在本机做好了：不用下载，也没有守护进程。
# 猜猜启动要多久：一分钟，一秒，还是几毫秒？把你的猜测写下来，后面会实测。

# %%
from labcore.lab.vocabulary import *
lab.begin(1)
show(labcore.plan("busybox", ["echo", "hello from a container"]))

# %% [markdown] lang="en" id="hostname-by-hand"
# ## A name of one's own
#
# Every machine has a host name. Could a process have one to itself? The kernel keeps the name in a **namespace**, and `unshare`
# gives the caller a new one, a copy at first. A `%%helper` cell runs in a fresh process, where you may call the kernel as you
# like: it is gone, with all it did, when the cell ends.

# %% [markdown] lang="zh" of="6c36ba68"
# ## 自己的名字
#
# 每台机器都有主机名。能不能让某个进程独享一个？内核把主机名放在一个**命名空间**（namespace）里，`unshare`
# 会给调用者换一个新的，内容先照抄旧的。`%%helper` 单元格在一个全新的进程里运行，里面可以随意做系统调用：
# 单元格一结束，这个进程连同它做过的一切都会消失。

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWUTS)
sethostname("box")
print("in here:", os.uname().nodename)

# %% [markdown] lang="en" id="hostname-step"
# Your machine has kept its name. (A helper cell is kept apart in any case; that the namespace alone suffices, the check below will
# show from outside.) In a runtime we do not make such calls ourselves: we write down a **plan**, a list
# of small operations ("ops") that a new process carries out. You write the plan in **stages**, functions from a description of
# the container (`spec`) to a list of ops.
#
# **Your first stage.** Replace the dots: one line that returns a list with one op, `ops.SetHostname(...)`, for the name in
# `spec.hostname`. Run the cell, then the check below it. A blank is no obstacle: labcore's own version stands in for it.

# %% [markdown] lang="zh" of="e702838f"
# 你这台机器，名字没有变。（辅助单元格本来就是隔开的；单靠命名空间就够，下面的检查会从外面证明这一点。）
# 真正的运行时不会自己逐个发起这些系统调用，而是先写好一份**计划**（plan）：
# 一串小操作（op），由新进程照着执行。计划分成若干**阶段**（stage），每个阶段是一个函数：
# 输入是对容器的描述 `spec`，输出是一串操作。
#
# **你的第一个阶段。** 把省略号换成一行：返回一个列表，里面只有一个操作 `ops.SetHostname(...)`，名字取自
# `spec.hostname`。先运行这一格，再运行下面的检查。空着也没关系：labcore 会先用自己的版本顶上。

# %% tags=["exercise"]
@lab.step
def hostname(spec):
    """Return the ops that name the box `spec.hostname` (1 line)."""
    ...

# %% tags=["check"]
lab.check(hostname)

# %% [markdown] lang="en" id="eperm"
# The check ran your function in a process of its own, with a name it had just made up, and then looked at that process *from
# outside*. Printing the right answer would not have helped.
#
# ## Not everybody may
#
# Is `unshare` free for all? Let us give up being root first. We expect to be refused, and say so with `expect`:

# %% [markdown] lang="zh" of="42f9d42e"
# 检查时，你的函数在另一个进程里运行，用的是刚刚随机起的名字，然后我们*从外面*观察那个进程。
# 光把正确答案打印出来是没有用的。
#
# ## 不是谁都有权限
#
# 谁都能调用 `unshare` 吗？先放弃 root 身份再试。预计会被拒绝，用 `expect` 声明这一点：

# %% tags=["nbval-check-output"]
# %%helper
import errno
os.setuid(65534)
with expect(errno.EPERM):
    unshare(CloneFlag.NEWUTS)

# %% [markdown] lang="en" id="einval-threads"
# There is one kind of namespace that an ordinary user may make, the *user* namespace; "rootless" containers begin with it. But this
# notebook cannot: it has threads, and a user namespace belongs to a whole process.

# %% [markdown] lang="zh" of="c6ffbde1"
# 有一种命名空间普通用户也能创建：*用户命名空间*，“rootless 容器”就从它开始。不过在这个笔记本进程里不行：
# 它有多个线程，而用户命名空间属于整个进程。

# %%
with lab.expect(errno.EINVAL):
    native.unshare(CloneFlag.NEWUSER)

# %% [markdown] lang="en" id="pid-one"
# ## Who is number one?
#
# Now a **PID namespace**. `clone` makes a child with new namespaces right from its start. Which number will the child see, and
# which one does it have out here?

# %% [markdown] lang="zh" of="c7028e17"
# ## 谁是一号进程？
#
# 现在轮到 **PID 命名空间**。`clone` 创建的子进程，一出生就在新的命名空间里。它看到的自己是几号？在外面又是几号？

# %% tags=["nbval-check-output"]
# %%helper
def who():
    print("inside, I am process", os.getpid())
child = clone(who, flags=CloneFlag.NEWPID)
child.wait()
print("out here it was", "process 1" if child.pid == 1 else "another number")

# %% [markdown] lang="en" id="namespaces-step"
# One process, a number in each namespace it can be seen from. Inside it is process 1, the first of its world, and it cannot name
# any process outside.
#
# **Your second stage** makes the process. `spec.namespaces` is a tuple of kinds, such as `("mount", "pid", "uts")`;
# `NAMESPACE_FLAGS["pid"]` is `CloneFlag.NEWPID`, and so on. Join the flags with `|` and return `[ops.Clone(flags)]`.

# %% [markdown] lang="zh" of="f7d8d323"
# 同一个进程，在每个看得见它的命名空间里各有一个编号。在里面它是 1 号，是它那个世界里的第一个进程，外面的进程它一个也看不到。
#
# **你的第二个阶段**负责创建进程。`spec.namespaces` 是由种类名组成的元组，例如 `("mount", "pid", "uts")`；
# `NAMESPACE_FLAGS["pid"]` 就是 `CloneFlag.NEWPID`，以此类推。用 `|` 把这些标志合起来，返回 `[ops.Clone(flags)]`。

# %% tags=["exercise"]
@lab.step
def namespaces(spec):
    """Return the op that makes the process, with all of `spec.namespaces` (4 lines)."""
    ...

# %% tags=["check"]
lab.check(namespaces)

# %% [markdown] lang="en" id="sharing"
# ## Two sides of one process
#
# Let us hold a container alive and look. Which of the kernel's namespaces does it share with this notebook?

# %% [markdown] lang="zh" of="552e4ffd"
# ## 同一个进程的两面
#
# 让一个容器保持运行，仔细看看。内核的这些命名空间里，哪些是它和本笔记本共用的？

# %%
waits = labcore.plan("busybox", ["sh", "-c", "sleep 600 & cat"], hostname="box")
held = spawn(waits, stdin=PIPE, stdout=DEVNULL)
lab.namespaces(os.getpid(), held, labels=["notebook", "container"])

# %% [markdown] lang="en" id="both-sides"
# Where the boxes are joined there is only one of the thing, and both use it. And the processes themselves, seen from both sides?
# (The shell that was started has become `cat`: a shell replaces itself by its last command.)

# %% [markdown] lang="zh" of="a36e29a2"
# 连在一起的格子表示只有一份，两边共用。那么进程本身呢？从两边看过去是什么样？
# （启动的那个 shell 已经变成了 `cat`：shell 会用最后一条命令替换掉自己。）

# %%
lab.processes(held)

# %% [markdown] lang="en" id="same-kernel"
# On the left, two more processes of your machine, with parents like any other; on the right, the whole world of the container. A
# **virtual machine** would look different: it imitates hardware, and on that a kernel of its own boots, with a complete system
# above it. From out here you would see one process, the emulator, and nothing of what runs in it. A container brings no kernel:

# %% [markdown] lang="zh" of="b49905fd"
# 左边：你机器上多了两个进程，和别的进程一样有父进程；右边：容器里的整个世界。**虚拟机**就不是这样了：
# 它模拟出一套硬件，在上面启动自己的内核，再往上是一整套操作系统。从外面只能看到一个进程，也就是模拟器，
# 里面跑着什么完全看不见。而容器不带内核：

# %%
show(labcore.plan("busybox", ["uname", "-r"]))
print(os.uname().release)
held.close()

# %% [markdown] lang="en" id="vm-look"
# Twice the same: one kernel serves both. And in a virtual machine, made from the same `busybox`? We start one, ask three questions
# and end it again.

# %% [markdown] lang="zh" of="1a572ab2"
# 两行一模一样：同一个内核为两边服务。那么虚拟机里呢？用同样的 `busybox` 启动一台，问它三个问题，再关掉。

# %%
dmesg = "dmesg | grep -m 2 -e Linux -e DMI | cut -c 1-72"
lab.in_vm("uname -r", dmesg, "ps -o pid,comm | head -3")

# %% [markdown] lang="en" id="vm-then-now"
# Another version, a `dmesg` that begins with a machine being found, and processes that nobody here can see: from outside there is
# one, qemu. (No virtual machine? Then a card says how to get one; lesson 2 compares the two.)
#
# So an application and its libraries travel in a container, the operating system's kernel does not; a virtual machine carries all
# three. The common claim that a virtual machine takes all the memory it was promised as soon as it is switched on has aged:
# hypervisors hand memory out page by page when it is touched and take it back with balloons. What stays true is that a container
# has nothing to hand back: it *is* processes, and uses what they use.

# %% [markdown] lang="zh" of="fcb9408d"
# 版本不同，`dmesg` 从“发现一台机器”讲起，里面的进程从这里一个也看不到：外面只有一个 qemu。
# （没有虚拟机？会有一张卡片告诉你怎样得到；第 2 课会把两者放在一起比。）
#
# 所以，容器里装的是应用和它的库，不装内核；虚拟机三样都得带上。常听说虚拟机一开机就把预分配的资源全部占住，
# 这话如今已不准确：虚拟机管理程序是用到哪一页才给哪一页内存，还能用气球驱动（balloon）收回来。
# 不变的是：容器没有什么可“归还”的，它*就是*一组进程，进程用多少，它就占多少。

# %% [markdown] lang="en" id="root-ebusy"
# ## A root of one's own
#
# Names and numbers were easy. The files are the heart of it: a container must see *its* `/`, not yours. `lab.root()` is a directory
# with busybox's files in it. The call that makes a directory the root is `pivot_root`. Just call it?

# %% [markdown] lang="zh" of="7b528bd3"
# ## 自己的根目录
#
# 名字和编号都好办，文件才是核心：容器看到的 `/` 必须是*它自己的*，不能是你的。`lab.root()` 是一个目录，里面放着 busybox 的文件。
# 把一个目录变成根的系统调用叫 `pivot_root`。直接调用行不行？

# %%
root = lab.root()
sorted(os.listdir(root))[:6]

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
os.chdir(root)
with expect(errno.EBUSY, errno.EINVAL):
    pivot_root(".", ".")

# %% [markdown] lang="en" id="root-einval"
# A plain directory cannot become the root, only a **mount** can. Binding the directory onto itself makes it one. But on most
# machines a second obstacle waits: systemd makes all mounts *shared*, so that what is mounted here appears elsewhere too.

# %% [markdown] lang="zh" of="8959e0f1"
# 普通目录当不了根，只有**挂载点**才行。把目录绑定挂载（bind）到它自己上，它就成了一个挂载点。不过多数机器上还有第二道坎：
# systemd 把所有挂载都设成*共享*（shared），在这里挂载的东西，别处也会冒出来。

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
mount(None, "/", flags=MountFlag.REC | MountFlag.SHARED)
mount(root, root, flags=MountFlag.BIND)
os.chdir(root)
with expect(errno.EINVAL):
    pivot_root(".", ".")

# %% [markdown] lang="en" id="root-works"
# Now with the cure for both: make the whole tree private, bind, enter, turn. `pivot_root(".", ".")` stacks the old root on top of
# the new one; it must be taken away again, or all of your files would still be there to be found. One surprise is left.

# %% [markdown] lang="zh" of="79110ac9"
# 两个问题一起解决：先把整棵挂载树设为私有，再绑定、进入、切换。`pivot_root(".", ".")` 会把旧根叠在新根上面；
# 必须再把它卸掉，否则你的全部文件还留在里面，总能被翻出来。不过，还有一个意外。

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
mount(root, root, flags=MountFlag.BIND | MountFlag.REC)
os.chdir(root)
pivot_root(".", ".")
with expect(errno.EBUSY):
    umount2(".")
umount2(".", UnmountFlag.DETACH)
print("all there is:", sorted(os.listdir("/")))

# %% [markdown] lang="en" id="rootfs-step"
# **Your third stage**, the longest of this lesson: the same as ops. `spec.root.directory` is the directory.
#
# | call | op |
# | --- | --- |
# | `mount(source, target, fstype, flags)` | `ops.Mount(source, target, fstype, flags)` |
# | `os.chdir(path)` | `ops.Chdir(path)` |
# | `pivot_root(".", ".")` | `ops.PivotRoot(".", ".")` |
# | `umount2(".", flags)` | `ops.Unmount(".", flags)` |
#
# Afterwards, `ops.Chdir("/")` and a fresh `/proc`: `ops.Mount("proc", "/proc", "proc")`. Without it `ps` would have nothing to read.

# %% [markdown] lang="zh" of="24e7bc5e"
# **你的第三个阶段**，本课最长的一个：把刚才那些调用写成操作。目录在 `spec.root.directory` 里。
#
# | 系统调用 | 操作 |
# | --- | --- |
# | `mount(source, target, fstype, flags)` | `ops.Mount(source, target, fstype, flags)` |
# | `os.chdir(path)` | `ops.Chdir(path)` |
# | `pivot_root(".", ".")` | `ops.PivotRoot(".", ".")` |
# | `umount2(".", flags)` | `ops.Unmount(".", flags)` |
#
# 最后再加上 `ops.Chdir("/")` 和一个新的 `/proc`：`ops.Mount("proc", "/proc", "proc")`。没有它，`ps` 就没有数据可读。

# %% tags=["exercise"]
@lab.step
def rootfs(spec):
    """Return the ops that make `spec.root.directory` the root, with /proc (10 lines)."""
    ...

# %% tags=["check"]
lab.check(rootfs)

# %% [markdown] lang="en" id="run-step"
# ## `run`
#
# All parts are there. **Your `run`** puts the stages one behind the other and lets the process become the program:
#
# - the spec: `ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)`
# - where the program may lie: `tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)`
# - the last op: `ops.Execve(spec.argv, spec.environment, tried)`
# - the plan: `Plan([...])`, with the ops of `namespaces`, `hostname`, `rootfs` and that last one
# - `show(plan)` starts it, shows what it prints and waits; its `.returncode` is what `run` returns

# %% [markdown] lang="zh" of="fb9c9885"
# ## `run`
#
# 零件齐了。**你的 `run`** 把几个阶段接起来，最后让这个进程变成要运行的程序：
#
# - 描述：`ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)`
# - 程序可能在哪里：`tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)`
# - 最后一个操作：`ops.Execve(spec.argv, spec.environment, tried)`
# - 计划：`Plan([...])`，依次放入 `namespaces`、`hostname`、`rootfs` 的操作，再加上最后这一个
# - `show(plan)` 启动它、显示输出并等它结束；`run` 返回它的 `.returncode`

# %% tags=["exercise"]
@lab.step
def run(root, argv, name="box"):
    """Start `argv` in a container on a directory; return its exit code (4 lines)."""
    ...

# %% tags=["check"]
lab.check(run)

# %% [markdown] lang="en" id="run-it"
# And that is a container runtime. Ask it for its name, its number, its processes and its files:

# %% [markdown] lang="zh" of="212f70e2"
# 这就是一个容器运行时了。问问它的名字、编号、进程和文件：

# %%
run(root, ["sh", "-c", "hostname; echo process $$; ps -o pid,comm; ls /"])

# %% [markdown] lang="en" id="mount-trees"
# What did `rootfs` do to the tree of mounts? Before, and inside:

# %% [markdown] lang="zh" of="aceff8a1"
# `rootfs` 把挂载树变成了什么样？左边是之前，右边是容器里面：

# %%
spec = ContainerSpec(root=BindRoot(root), argv=("/bin/cat",), hostname="box")
box = [*namespaces(spec), *hostname(spec), *rootfs(spec)]
plan = Plan([*box, ops.Execve(spec.argv)])
with spawn(plan, stdin=PIPE, stdout=DEVNULL) as mine:
    picture = lab.mounts(os.getpid(), mine)
picture

# %% [markdown] lang="en" id="tick-off"
# ## Which line does what?
#
# Here is your plan once more. Take the tick off a line, press *start*, and see what comes of it. Try the host name first, then
# `mount proc`, then the `umount2` (how many files has `/` then, and whose are they?). Some lines are not missed at once: which?

# %% [markdown] lang="zh" of="4a11d4f6"
# ## 哪一行管什么？
#
# 这还是你的计划。去掉某一行前面的勾，按*启动*，看看会怎样。先试主机名那一行，再试 `mount proc`，最后试 `umount2`
# （这时 `/` 下有多少个文件？是谁的？）。有些行去掉后一时看不出差别：是哪几行？

# %%
look = ("/bin/sh", "-c", "hostname; ps -o pid,comm | tail -n +2; ls / | wc -l")
lab.tick(Plan([*box, ops.Execve(look, spec.environment)]))

# %% [markdown] lang="en" id="travel"
# ## What travels with the application
#
# Why do people want this? Here is a program that was built with a library which this machine does not have (we compiled both and
# kept the library back):

# %% [markdown] lang="zh" of="ed667970"
# ## 什么会跟着应用一起走
#
# 人们为什么需要容器？这里有一个程序，它依赖的库这台机器上没有（两样都是我们刚编译的，库故意没有安装）：

# %%
import subprocess
program = lab.greeting()
failure = subprocess.run([program], capture_output=True, text=True).stderr
print(failure.replace(": ", "\n  ").strip())

# %% [markdown] lang="en" id="travel-image"
# The very same program in an image that also holds its library:

# %% [markdown] lang="zh" of="476a9213"
# 同一个程序，放进一个带着这个库的镜像里：

# %% tags=["nbval-check-output"]
print(labcore.run("greeting").stdout.decode(), end="")

# %% [markdown] lang="en" id="environment"
# That is the point of the whole craft: code, settings and dependencies are one unit, and it behaves the same on the developer's
# laptop, in the test and in production; it can be given a version, copied, shared and changed like source code. People say that
# everything is "packed into one file"; nearly: an image is a stack of layers with a description (lesson 3). They also say that it
# runs "as on a real machine"; with one limit that you have seen: the kernel is the host's, so a container for Linux needs a Linux
# kernel of a suitable version, and its processor.

# %% [markdown] lang="zh" of="707fe552"
# 这正是容器技术的意义：代码、配置和依赖成为一个整体，在开发者的电脑上、测试环境里、生产环境里表现一致；
# 还能像源代码一样打上版本号、复制、分享、修改。人们说这是“打包成一个文件”，大体没错，准确地说，镜像是若干层叠在一起，再加一份描述（第 3 课）。
# 人们还说它“就像在真实的物理机上一样”，这有个前提，你刚刚看到了：内核是宿主机的。所以 Linux 容器要有 Linux 内核，版本和处理器架构也要合适。

# %% [markdown] lang="en" id="agree"
# ## Your plan and labcore's
#
# labcore's own plan for the same container is longer. Does it agree with yours? The clone must be the same, and each of your ops
# must be found in labcore's, in the same order:

# %% [markdown] lang="zh" of="11a1dea2"
# ## 你的计划与 labcore 的计划
#
# 同样一个容器，labcore 的计划更长一些。两者一致吗？clone 应当相同，你的每个操作也都应当按同样的顺序出现在 labcore 的计划里：

# %%
theirs = labcore.plan(rootfs=root, argv=["/bin/cat"], hostname="box")
assert plan.clone == theirs.clone
names = iter(op.name for op in theirs)
assert all(op.name in names for op in plan)
print(theirs)

# %% [markdown] lang="en" id="rest"
# What yours does not do yet: begin a session of its own, let go of inherited files, mount `/dev` and `/sys`, switch on the loopback
# network, hide parts of `/proc`, give up capabilities, filter system calls. Root in *your* container is still root on this machine. Walls come in
# lesson 2.
#
# ## Where the time goes
#
# Every op is time-stamped. One start of the whole plan:

# %% [markdown] lang="zh" of="e645b9f5"
# 你的计划还没有做这些：开启自己的会话，关掉继承来的文件，挂载 `/dev` 和 `/sys`，启用本地回环网络，遮住 `/proc` 的敏感部分，放弃多余的能力（capability），过滤系统调用。
# 在*你的*容器里，root 仍然是这台机器的 root。围墙要到第 2 课才砌。
#
# ## 时间花在哪里
#
# 每个操作都有时间戳。完整计划启动一次的情形：

# %%
process = show(labcore.plan("busybox", ["true"]))
lab.waterfall(process.timeline)

# %% [markdown] lang="en" id="answer"
# ## So what is Docker?
#
# A few milliseconds, most of them for making the namespaces, loading a filter of system calls (lesson 2), mounting the overlay and
# starting the program; nothing was simulated, nothing booted. Containers are a way of **virtualising the operating system**: not a
# machine is imitated, but processes are kept apart. It is tempting to say that the resources a container sees are "virtual"; they
# are the real ones, seen through namespaces. How *much* of them it may use is decided by another part of the kernel, the control
# groups, finely and while it runs (lesson 2).
#
# **Docker** is a tool around that: it writes such plans for you, fetches and stores images, connects networks and keeps account of
# the processes, with a command that is easy to use. Around 2019 it was simply *the* Linux container solution. Since then its parts
# have become standards (the OCI specifications for images, runtimes and registries) and others use them: containerd and CRI-O
# under Kubernetes, Podman without a daemon. On a Mac or Windows, Docker Desktop runs a small Linux virtual machine first; and there
# are runtimes that put each container *into* a very small virtual machine. The two ideas are no rivals any more.

# %% [markdown] lang="zh" of="166bb3bf"
# ## 那么，Docker 是什么？
#
# 几毫秒，大部分花在创建命名空间、加载系统调用过滤器（第 2 课）、挂载 overlay 和启动程序上；没有模拟任何东西，也没有启动任何系统。容器是一种**操作系统层面的虚拟化**：不是仿造一台机器，而是把进程隔开。
# 人们常说容器接触到的资源都是“虚拟的”，其实资源是真的，只是透过命名空间来看。至于能用*多少*，由内核的另一套机制——
# 控制组（cgroup）——决定，可以控制得很细，运行当中也能调整（第 2 课）。
#
# **Docker** 是围绕这一切的工具：替你写出这样的计划，下载和保存镜像，连接网络，管理进程，命令又好用。2019 年前后，它就是 Linux
# 容器的代名词。此后，它的各个部分成了标准（镜像、运行时、仓库的 OCI 规范），别人也在用：Kubernetes 下面是 containerd 和
# CRI-O，Podman 则连守护进程都不要。在 Mac 和 Windows 上，Docker Desktop 先启动一台小小的 Linux 虚拟机；还有一些运行时，
# 干脆把每个容器*放进*一台极小的虚拟机。容器和虚拟机已经不再是对手了。

# %% [markdown] lang="en" id="further"
# ## Further: two challenges
#
# No later lesson needs these. **`outside_pid`**: given the outside number of a container's process 1, and the number that some
# process has *inside*, find that process's number out here. The `NSpid:` line of `/proc/PID/status` lists a process's numbers
# from the outermost namespace to its own; `/proc/PID/task/PID/children` names its children.

# %% [markdown] lang="zh" of="b562bb7b"
# ## 进阶：两道挑战题
#
# 后面的课用不到这两题。**`outside_pid`**：已知容器的 1 号进程在外面的编号，以及某个进程在*里面*的编号，求后者在外面的编号。
# `/proc/PID/status` 的 `NSpid:` 一行从最外层到最里层列出一个进程的所有编号；`/proc/PID/task/PID/children` 列出它的子进程。

# %% tags=["exercise"]
@lab.step
def outside_pid(container, inside):
    """Return the number of process `inside` out here; `container` is process 1's."""
    ...

# %% tags=["check"]
lab.check(outside_pid)

# %% [markdown] lang="en" id="read-only"
# **`read_only`**: the ops that follow those of `rootfs` and let nothing of the root be written, but `/tmp`, which becomes a `tmpfs`.
# A bind mount is made read-only by mounting it again with `BIND | REMOUNT | RDONLY`.

# %% [markdown] lang="zh" of="818ecd20"
# **`read_only`**：接在 `rootfs` 之后的操作，让整个根文件系统不可写，只有 `/tmp` 例外，它变成一个 `tmpfs`。
# 要把绑定挂载改成只读，就带着 `BIND | REMOUNT | RDONLY` 再挂载一次。

# %% tags=["exercise"]
@lab.step
def read_only(spec):
    """Return the ops, after those of `rootfs`, that leave only /tmp to be written to."""
    ...

# %% tags=["check"]
lab.check(read_only)

# %% [markdown] lang="en" id="reset"
# ## Nothing is left
#
# A container that ends takes its mounts, its names and its processes with it. Compare the machine with how it was at the start:

# %% [markdown] lang="zh" of="9e4c7149"
# ## 什么都没留下
#
# 容器结束时，会带走它的挂载、名字和进程。把这台机器和开始时比一比：

# %%
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` now holds `hostname`, `namespaces`, `rootfs` and `run`: open it. In lesson 2 it gets limits and walls.

# %% [markdown] lang="zh" of="26d20c6b"
# 现在你的 `my_runtime.py` 里有了 `hostname`、`namespaces`、`rootfs` 和 `run`：打开看看。第 2 课要给它加上限额和围墙。
