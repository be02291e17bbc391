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
# 从上往下逐格运行（Shift+Enter），每次先猜，再看结果。主线大约一小时，标着**进阶**的可以以后再做。
# 你写的代码都会存进你自己的 `my_runtime.py`：到第 10 课，真正的 `docker` 命令就能靠它来运行容器。

# %% [markdown] lang="en" id="first"
# ## A container in one line
#
# An **image** is what a container is started from: files, and a word on what to run. `busybox` is a small one, with a single program
# that is a shell, `ls`, `ps` and two hundred others; it was made on this machine, so nothing is downloaded, and no server waits in
# the background. How long will the start take? Pick an answer; what was measured follows further below.
#
# (The first line brings in the names that the lessons use. `labcore` is the container system, and `lab` the laboratory around it;
# `labcore.plan` writes down what a start is to do, and `show` does it and shows what was printed.)

# %% [markdown] lang="zh" of="5121387d"
# ## 一行代码，一个容器
#
# **镜像**（image）是启动容器的依据：一些文件，再加上“运行什么”的说明。`busybox` 是个很小的镜像，里面只有一个程序，
# 它既是 shell，又是 `ls`、`ps` 和另外两百来个命令；搭建实验环境时就在本机做好了：不用下载，后台也没有服务在等着。
# 启动要多久？先选一个答案，后面会实测。
#
# （第一行引入这些课要用的名字：`labcore` 是容器系统，`lab` 是围绕它的实验室；`labcore.plan` 写下启动要做的事，
# `show` 照着做，并显示打印出来的内容。）

# %%
from labcore.lab.vocabulary import *
lab.begin(1)
lab.guess("start")

# %%
hello = show(labcore.plan("busybox", ["echo", "hello from a container"]))

# %% [markdown] lang="en" id="hostname-by-hand"
# ## A name of one's own
#
# Every machine has a host name, by which it is known. Could a process have one to itself? The kernel keeps the name in a
# **namespace**: whoever is in the same namespace sees the same name. A program asks the kernel for things by **system calls**;
# the one called `unshare` gives the caller a namespace of its own, a copy at first. A flag says of which kind: `NEWUTS` is the kind
# that holds the host name (Unix calls the names of a system its UTS names).
#
# A `%%helper` cell runs in a fresh process, where you may make such calls as you like: it is gone, with all it did, when the cell
# ends. Will your machine be called `box` afterwards?

# %% [markdown] lang="zh" of="45ec69a9"
# ## 自己的名字
#
# 每台机器都有主机名，别人就用它来称呼这台机器。能不能让某个进程独享一个？内核把主机名放在一个**命名空间**（namespace）里：
# 在同一个命名空间里的进程，看到的名字都一样。程序通过**系统调用**请内核办事，其中的 `unshare` 会给调用者换一个新的命名空间，
# 内容先照抄旧的。换哪一种，由标志指明：`NEWUTS` 就是放主机名的那一种（Unix 把系统的这些名字叫作 UTS）。
#
# `%%helper` 单元格在一个全新的进程里运行，里面可以随意做系统调用：单元格一结束，这个进程连同它做过的一切都会消失。
# 运行之后，你这台机器会改叫 `box` 吗？

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWUTS)
sethostname("box")
print("in here:", os.uname().nodename)

# %% tags=["nbval-check-output"]
os.uname().nodename == "box"

# %% [markdown] lang="en" id="hostname-step"
# No: your machine has kept its name. (A helper cell is kept apart in any case; that the namespace alone suffices, the check below
# will show from outside.) A **runtime**, the program that starts containers, does not make such calls itself: it writes down a **plan**,
# a list of small operations ("ops") that a new process carries out. You write the plan in **stages**, functions from a description of
# the container (`spec`) to a list of ops.
#
# **Your first stage.** Replace the dots: one line that returns a list with one op, `ops.SetHostname(...)`, for the name in
# `spec.hostname`. Run the cell, then the check below it. A blank is no obstacle: labcore's own version stands in for it.

# %% [markdown] lang="zh" of="74cc9fbd"
# 没有：你这台机器的名字没变。（辅助单元格本来就是隔开的；单靠命名空间就够，下面的检查会从外面证明这一点。）
# **运行时**（runtime）就是启动容器的程序。它不会自己逐个发起这些系统调用，而是先写好一份**计划**（plan）：
# 一串小操作（op），由新进程照着执行。计划分成若干**阶段**（stage），每个阶段是一个函数：
# 输入是对容器的描述 `spec`，输出是一串操作。
#
# **你的第一个阶段。** 把省略号换成一行：返回一个列表，里面只有一个操作 `ops.SetHostname(...)`，名字取自
# `spec.hostname`。先运行这一格，再运行下面的检查。空着也没关系：labcore 会先用自己的版本顶上。

# %% tags=["exercise"] zh="返回给容器起名 `spec.hostname` 的操作（1 行）。" of="ab8a2a90"
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
# Is `unshare` free for all? Let us give up being root first, and become user 65534, who owns nothing. The kernel refuses by a
# number that has a name: `EPERM` is "not permitted". We expect it, and say so with `expect`:

# %% [markdown] lang="zh" of="a6f19797"
# 检查时，你的函数在另一个进程里运行，用的是刚刚随机起的名字，然后我们从外面观察那个进程。
# 光把正确答案打印出来是没有用的。
#
# ## 不是谁都有权限
#
# 谁都能调用 `unshare` 吗？先放弃 root 身份，变成一无所有的 65534 号用户。内核拒绝时给出一个编号，编号有名字：
# `EPERM` 的意思是“不允许”。我们预计会碰到它，用 `expect` 声明这一点：

# %% tags=["nbval-check-output"]
# %%helper
import errno
os.setuid(65534)
with expect(errno.EPERM):
    unshare(CloneFlag.NEWUTS)

# %% [markdown] lang="en" id="einval-threads"
# There is one kind of namespace that an ordinary user may make, the *user* namespace; containers without root ("rootless") begin
# with it. But this notebook cannot: it has threads, and a user namespace belongs to a whole process. (`native` makes a system call right
# here, in the notebook's own process.) `EINVAL` is "invalid":

# %% [markdown] lang="zh" of="1e5c9b10"
# 有一种命名空间普通用户也能创建：**用户命名空间**，不用 root 的容器（rootless）就从它开始。不过在这个笔记本进程里不行：
# 它有多个线程，而用户命名空间属于整个进程。（`native` 就在这里，在笔记本自己的进程里做系统调用。）`EINVAL` 的意思是“无效”：

# %%
with lab.expect(errno.EINVAL):
    native.unshare(CloneFlag.NEWUSER)

# %% [markdown] lang="en" id="pid-one"
# ## Who is number one?
#
# Every process has a number, its PID. Now a **PID namespace**: `clone` makes a child process with new namespaces right from its
# start. Which number will the child see, and which one does it have out here?

# %% [markdown] lang="zh" of="4a131a94"
# ## 谁是一号进程？
#
# 每个进程都有编号，叫 PID。现在轮到 **PID 命名空间**：`clone` 创建的子进程，一出生就在新的命名空间里。
# 它看到的自己是几号？在外面又是几号？

# %%
lab.guess("pid")

# %% tags=["nbval-check-output"]
# %%helper
def who():
    print("inside, I am process", os.getpid())
child = clone(who, flags=CloneFlag.NEWPID)
child.wait()
print("out here it was", "process 1" if child.pid == 1 else "another number")

# %%
lab.outcome("pid")

# %% [markdown] lang="en" id="namespaces-step"
# One process, a number in each namespace it can be seen from. Inside it is process 1, the first of its world, and it cannot name
# any process outside. (The very first container of this lesson had two numbers, too: write `hello` into a new cell.)
#
# **Your second stage** makes the process. `spec.namespaces` is a tuple of kinds, such as `("mount", "pid", "uts")`;
# `NAMESPACE_FLAGS["pid"]` is `CloneFlag.NEWPID`, and so on. Join the flags with `|` and return `[ops.Clone(flags)]`.

# %% [markdown] lang="zh" of="36cca85c"
# 同一个进程，在每个看得见它的命名空间里各有一个编号。在里面它是 1 号，是它那个世界里的第一个进程，外面的进程它一个也看不到。
# （本课的第一个容器也是这样：在新的单元格里输入 `hello` 看看。）
#
# **你的第二个阶段**负责创建进程。`spec.namespaces` 是由种类名组成的元组，例如 `("mount", "pid", "uts")`；
# `NAMESPACE_FLAGS["pid"]` 就是 `CloneFlag.NEWPID`，以此类推。用 `|` 把这些标志合起来，返回 `[ops.Clone(flags)]`。

# %% tags=["exercise"] zh="返回创建进程的操作，带上 `spec.namespaces` 的全部种类（4 行）。" of="721fb40e"
@lab.step
def namespaces(spec):
    """Return the op that makes the process, with all of `spec.namespaces` (4 lines)."""
    ...

# %% tags=["check"]
lab.check(namespaces)

# %% [markdown] lang="en" id="sharing"
# ## Two sides of one process
#
# Let us hold a container alive and look: `spawn` starts a plan as `show` does, and does not wait for its end; `sleep` runs in the
# background (`&`), and `cat` waits for input that does not come. Which of the kernel's namespaces does the container share with this
# notebook? (The long numbers name the namespaces: equal numbers, one namespace.)

# %% [markdown] lang="zh" of="e0c66e0f"
# ## 同一个进程的两面
#
# 让一个容器保持运行，仔细看看：`spawn` 和 `show` 一样启动计划，但不等它结束；`sleep` 在后台运行（`&`），`cat` 等着永远不来的输入。
# 内核的这些命名空间里，哪些是它和本笔记本共用的？
# （长数字是命名空间的名字：数字相同，就是同一个。）

# %%
waits = labcore.plan("busybox", ["sh", "-c", "sleep 600 & cat"], hostname="box")
held = spawn(waits, stdin=PIPE, stdout=DEVNULL)
lab.namespaces(os.getpid(), held, labels=["notebook", "container"])

# %% [markdown] lang="en" id="both-sides"
# Where the boxes are joined there is only one of the thing, and both use it. The notebook's others are the machine's: so has every
# process to which nobody gave new ones. And the processes themselves, seen from both sides? (The shell that was started has
# become `cat`: a shell replaces itself by its last command.)

# %% [markdown] lang="zh" of="91fc5164"
# 连在一起的格子表示只有一份，两边共用。笔记本的其他命名空间都是本机的：没有另外得到新命名空间的进程，用的都是这些。
# 那么进程本身呢？从两边看过去是什么样？
# （启动的那个 shell 已经变成了 `cat`：shell 会用最后一条命令替换掉自己。）

# %%
lab.processes(held)

# %% [markdown] lang="en" id="same-kernel"
# On the left, two more processes of your machine, with parents like any other; on the right, the whole world of the container. A
# **virtual machine** would look different: it imitates hardware, and on that a kernel of its own boots, with a complete system
# above it. From out here you would see one process, the emulator, and nothing of what runs in it. And a container? `uname -r` names
# the kernel.

# %% [markdown] lang="zh" of="c513f6ae"
# 左边：你机器上多了两个进程，和别的进程一样有父进程；右边：容器里的整个世界。**虚拟机**就不是这样了：
# 它模拟出一套硬件，在上面启动自己的内核，再往上是一整套操作系统。从外面只能看到一个进程，也就是模拟器，
# 里面跑着什么完全看不见。容器呢？`uname -r` 会显示内核的版本。

# %%
lab.guess("kernel")

# %%
show(labcore.plan("busybox", ["uname", "-r"]))
print(os.uname().release)
held.close()
lab.outcome("kernel")

# %% [markdown] lang="en" id="vm-look"
# Twice the same: a container brings no kernel, one serves both. And in a virtual machine, made from the same `busybox`? We start
# one, ask three questions and end it again.

# %% [markdown] lang="zh" of="7298c481"
# 两行一模一样：容器不带内核，同一个内核为两边服务。那么虚拟机里呢？用同样的 `busybox` 启动一台，问它三个问题，再关掉。

# %%
dmesg = "dmesg | grep -m 2 -e Linux -e DMI | cut -c 1-72"
lab.in_vm("uname -r", dmesg, "ps -o pid,comm | head -3")

# %% [markdown] lang="en" id="vm-then-now"
# Another version; kernel messages (`dmesg`) that begin with a machine being found; and processes that nobody here can see: from
# outside there is one, qemu, which plays the machine. (No virtual machine? Then a card says how to get one; lesson 2 compares the two.)
#
# So an application and its libraries travel in a container, the operating system's kernel does not; a virtual machine carries all
# three. The common claim that a virtual machine takes all the memory it was promised as soon as it is switched on has aged:
# the programs that run virtual machines (*hypervisors*) hand memory out piece by piece when it is touched, and can take some back.
# What stays true is that a container has nothing to hand back: it *is* a group of processes, and uses what they use.

# %% [markdown] lang="zh" of="ddda4284"
# 版本不同，内核消息（`dmesg`）从“发现一台机器”讲起，里面的进程从这里一个也看不到：外面只有一个 qemu，由它扮演机器。
# （没有虚拟机？会有一张卡片告诉你怎样得到；第 2 课会把两者放在一起比。）
#
# 所以，容器里装的是应用和它的库，不装内核；虚拟机三样都得带上。常听说虚拟机一开机就把预分配的资源全部占住，
# 这话如今已不准确：运行虚拟机的程序（hypervisor，虚拟机管理程序）是用到哪一块才给哪一块内存，还能收回一部分。
# 不变的是：容器没有什么可“归还”的，它就是同一组进程，进程用多少，它就占多少。

# %% [markdown] lang="en" id="root-ebusy"
# ## A root of one's own
#
# Names and numbers were easy. The files are the heart of it: a container must see *its* `/`, not yours. `lab.root()` is a directory
# with busybox's files in it. The call that makes a directory the root is `pivot_root(new, old)`: `new` becomes the root, and what was
# the root is put at `old`. Just call it, with the directory that we stand in, `.`, for both? (`NEWNS` comes first: a namespace for
# what lies where in the tree of files. Without it the whole machine would get that root.)
#
# (A helper cell knows `root`: plain values of the notebook, texts, numbers, lists, go in. Nothing comes back: what a helper cell
# assigns is gone with its process.)

# %% [markdown] lang="zh" of="2aef7951"
# ## 自己的根目录
#
# 名字和编号都好办，文件才是核心：容器看到的 `/` 必须是它自己的，不能是你的。`lab.root()` 是一个目录，里面放着 busybox 的文件。
# 把一个目录变成根的系统调用叫 `pivot_root(新, 旧)`：“新”成为根，原来的根放到“旧”那里。两个都用我们所在的目录 `.`，直接调用行不行？
# （先要 `NEWNS`：它管的是文件树上什么东西在什么位置。没有它，整台机器的根都会被换掉。）
#
# （辅助单元格认得 `root`：笔记本里的普通值，即文本、数字、列表，会带进去。但什么也不会带出来：辅助单元格里赋的值，随它的进程一起消失。）

# %%
root = lab.root()
print(*sorted(os.listdir(root))[:6])
lab.guess("pivot")

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
os.chdir(root)
with expect(errno.EBUSY, errno.EINVAL):
    pivot_root(".", ".")

# %% [markdown] lang="en" id="root-einval"
# A plain directory cannot become the root, only a **mount** can: a place in the tree where a file system begins, as `/` is, or
# a USB stick's folder. A *bind* mount shows a directory at a second place; binding it onto itself makes a mount of it.
#
# A fresh *mount namespace* (`NEWNS`) has a copy of all mounts. But on most machines a second obstacle waits: systemd, their first
# program, makes all mounts *shared*, so that what is mounted in one namespace appears in the others too. The next cell does so on
# purpose. (`REC`: with all that lies below. `"none"` stands where a source would: nothing new is mounted, what is there is changed.)

# %% [markdown] lang="zh" of="50ad3c6d"
# 普通目录当不了根，只有**挂载点**（mount）才行：那是目录树里一个文件系统开始的地方，比如 `/`，或者 U 盘对应的目录。
# **绑定挂载**（bind）让一个目录出现在第二个地方；把它绑定到自己上，它就成了挂载点。
#
# 新的**挂载命名空间**（`NEWNS`）里有全部挂载的一份副本。不过多数机器上还有第二道坎：它们的第一个程序 systemd 把所有挂载都设成**共享**（shared），
# 在一个命名空间里挂载的东西，别的命名空间里也会冒出来。下一格故意照做一遍。（`REC`：连同下面的全部。`"none"` 写在来源的位置上：不挂新东西，只改变已有的。）

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.SHARED)
mount(root, root, flags=MountFlag.BIND)
os.chdir(root)
with expect(errno.EINVAL):
    pivot_root(".", ".")

# %% [markdown] lang="en" id="root-works"
# Now with the cure for both: make the whole tree private, bind, enter, turn. `pivot_root(".", ".")` stacks
# the old root on top of the new one; `umount2` must take it away again, or all of your files would still be there to be found. One
# surprise is left: `EBUSY`, "in use".

# %% [markdown] lang="zh" of="447b3c66"
# 两个问题一起解决：先把整棵挂载树设为私有，再绑定、进入、切换。`pivot_root(".", ".")` 会把旧根叠在新根上面；
# 必须用 `umount2` 再把它卸掉，否则你的全部文件还留在里面，总能被翻出来。不过，还有一个意外：`EBUSY`，“正在使用”。

# %%
# %%helper
import errno
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
mount(root, root, flags=MountFlag.BIND | MountFlag.REC)
os.chdir(root)
pivot_root(".", ".")
with expect(errno.EBUSY):
    umount2(".")
umount2(".", UnmountFlag.DETACH)
print("all there is:", sorted(os.listdir("/")))

# %%
lab.outcome("pivot")

# %% [markdown] lang="en" id="rootfs-step"
# The old root was in use: this very process stood in it. `DETACH` takes it out of the tree now, and the kernel lets it go when
# nobody uses it any more.
#
# **Your third stage**, the longest of this lesson: the same as ops. `spec.root.directory` is the directory.
#
# | call | op |
# | --- | --- |
# | `mount(source, target, fstype, flags)` | `ops.Mount(source, target, fstype, flags)` |
# | `os.chdir(path)` | `ops.Chdir(path)` |
# | `pivot_root(".", ".")` | `ops.PivotRoot(".", ".")` |
# | `umount2(".", flags)` | `ops.Unmount(".", flags)` |
#
# Afterwards, `ops.Chdir("/")` and a fresh `/proc`, the directory in which the kernel shows all processes as files:
# `ops.Mount("proc", "/proc", "proc")`. Without it `ps` would have nothing to read.

# %% [markdown] lang="zh" of="5bddbd49"
# 旧根正被使用：就是这个进程自己站在里面。`DETACH` 现在就把它从树上摘下，等没人再用时，内核才真正放掉它。
#
# **你的第三个阶段**，本课最长的一个：把刚才那些调用写成操作。目录在 `spec.root.directory` 里。
#
# | 系统调用 | 操作 |
# | --- | --- |
# | `mount(source, target, fstype, flags)` | `ops.Mount(source, target, fstype, flags)` |
# | `os.chdir(path)` | `ops.Chdir(path)` |
# | `pivot_root(".", ".")` | `ops.PivotRoot(".", ".")` |
# | `umount2(".", flags)` | `ops.Unmount(".", flags)` |
#
# 最后再加上 `ops.Chdir("/")` 和一个新的 `/proc`（内核在这个目录里把所有进程显示成文件）：
# `ops.Mount("proc", "/proc", "proc")`。没有它，`ps` 就没有数据可读。

# %% tags=["exercise"] zh="返回把 `spec.root.directory` 变成根、并挂上 /proc 的操作（10 行）。" of="19341ebc"
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
# - the last op, by which the process becomes the program: `ops.Execve(spec.argv, spec.environment, tried)`
# - the plan: `Plan([...])`, with the ops of `namespaces`, `hostname`, `rootfs` and that last one
# - `show(plan)` starts it, shows what it prints and waits; its `.returncode`, the number that the program ended with, is what `run` returns

# %% [markdown] lang="zh" of="e84fbda0"
# ## `run`
#
# 零件齐了。**你的 `run`** 把几个阶段接起来，最后让这个进程变成要运行的程序：
#
# - 描述：`ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)`
# - 程序可能在哪里：`tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)`
# - 最后一个操作，进程由此变成那个程序：`ops.Execve(spec.argv, spec.environment, tried)`
# - 计划：`Plan([...])`，依次放入 `namespaces`、`hostname`、`rootfs` 的操作，再加上最后这一个
# - `show(plan)` 启动它、显示输出并等它结束；`run` 返回它的 `.returncode`，即程序结束时的退出码

# %% tags=["exercise"] zh="在容器里、以一个目录为根启动 `argv`；返回它的退出码（4 行）。" of="9aa8b979"
@lab.step
def run(root, argv, name="box"):
    """Start `argv` in a container on a directory; return its exit code (4 lines)."""
    ...

# %% tags=["check"]
lab.check(run)

# %% [markdown] lang="en" id="run-it"
# And that is a container runtime. Ask it for its name, its number (`$$` is a shell's own), its processes and its files:

# %% [markdown] lang="zh" of="19212afe"
# 这就是一个容器运行时了。问问它的名字、编号（`$$` 是 shell 自己的编号）、进程和文件：

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
# Here is your plan once more. Untick a line, press *start*, and see what comes of it. It prints the host name, the processes, and how
# many files there are in `/` and in `/..`. Try the host name first, then `mount proc`, then the `umount2`: the old root lies on top
# then, and `/..` leads into it (whose files are these?). One line can be left out and nothing shows: which?

# %% [markdown] lang="zh" of="3496edfb"
# ## 哪一行管什么？
#
# 这还是你的计划。去掉某一行前面的勾，按“启动”，看看会怎样。它会打印主机名、进程，以及 `/` 和 `/..` 里各有多少个文件。
# 先试主机名那一行，再试 `mount proc`，最后试 `umount2`：这时旧根还叠在上面，`/..` 就通到它里面（那是谁的文件？）。
# 有一行去掉后看不出差别：是哪一行？

# %%
shown = "hostname; ps -o pid,comm | tail -n +2; ls / | wc -l; ls /.. | wc -l"
look = ("/bin/sh", "-c", shown)
lab.tick(Plan([*box, ops.Execve(look, spec.environment)]))

# %% [markdown] lang="en" id="travel"
# (It is the `chdir /`: the process stands in its new root already. The line is there to be sure of it.)
#
# ## What travels with the application
#
# Why do people want this? Here is a program that was built with a library which this machine does not have (we compiled both and
# kept the library back):

# %% [markdown] lang="zh" of="c600d22b"
# （是 `chdir /`：进程本来就站在新根里，这一行只是为了确保。）
#
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
# What yours does not do yet: begin a session of its own, let go of files that were open before, mount `/dev` and `/sys`, switch on
# the network to oneself, hide parts of `/proc`, give up parts of root's power (*capabilities*), filter system calls. Root in *your*
# container is still root on this machine. Walls come in lesson 2.
#
# ## Where the time goes
#
# Every op is time-stamped. One start of the whole plan:

# %% [markdown] lang="zh" of="1e6a3750"
# 你的计划还没有做这些：开启自己的会话，关掉继承来的文件，挂载 `/dev` 和 `/sys`，启用本地回环网络，遮住 `/proc` 的敏感部分，放弃多余的能力（capability），过滤系统调用。
# 在你的容器里，root 仍然是这台机器的 root。围墙要到第 2 课才砌。
#
# ## 时间花在哪里
#
# 每个操作都有时间戳。完整计划启动一次的情形：

# %% tags=["picture-waterfall"]
process = show(labcore.plan("busybox", ["true"]))
lab.waterfall(process.timeline)

# %%
last = process.timeline[-1]
lab.outcome("start", f"{(last.start_us + last.duration_us) / 1000:.1f} ms")

# %% [markdown] lang="en" id="answer"
# ## So what is Docker?
#
# Most of the time goes into a few ops: as a rule into making the namespaces (`clone`), loading a filter of system calls (`seccomp`,
# lesson 2), and starting the program (`execve`). Nothing was simulated, nothing booted. Containers are a way of **virtualising the operating system**: not a
# machine is imitated, but processes are kept apart. It is tempting to say that the resources a container sees are "virtual"; they
# are the real ones, seen through namespaces. How *much* of them it may use is decided by another part of the kernel, the control
# groups, finely and while it runs (lesson 2).
#
# **Docker** is a tool around that: it writes such plans for you, fetches and stores images, connects networks and keeps account of
# the processes, with a command that is easy to use. Around 2019 it was simply *the* Linux container solution. Since then its parts
# have become standards (the OCI specifications for images, runtimes and registries) and others use them: containerd and CRI-O
# under Kubernetes, Podman without a daemon. On a Mac or Windows, Docker Desktop runs a small Linux virtual machine first; and there
# are runtimes that put each container *into* a very small virtual machine. The two ideas are no rivals any more.

# %% [markdown] lang="zh" of="5731277d"
# ## 那么，Docker 是什么？
#
# 时间大多花在少数几个操作上：通常是创建命名空间（`clone`）、加载系统调用过滤器（`seccomp`，第 2 课）和启动程序（`execve`）。
# 没有模拟任何东西，也没有启动任何系统。容器是一种**操作系统层面的虚拟化**：不是仿造一台机器，而是把进程隔开。
# 人们常说容器接触到的资源都是“虚拟的”，其实资源是真的，只是透过命名空间来看。至于能用多少，由内核的另一套机制，
# 即控制组（cgroup）决定，可以控制得很细，运行当中也能调整（第 2 课）。
#
# **Docker** 是围绕这一切的工具：替你写出这样的计划，下载和保存镜像，连接网络，管理进程，命令又好用。2019 年前后，它就是 Linux
# 容器的代名词。此后，它的各个部分成了标准（镜像、运行时、仓库的 OCI 规范），别人也在用：Kubernetes 下面是 containerd 和
# CRI-O，Podman 则连守护进程都不要。在 Mac 和 Windows 上，Docker Desktop 先启动一台小小的 Linux 虚拟机；还有一些运行时，
# 干脆把每个容器放进一台极小的虚拟机。容器和虚拟机已经不再是对手了。

# %% [markdown] lang="en" id="further"
# ## Further: two challenges
#
# No later lesson needs these. **`outside_pid`**: given the outside number of a container's process 1, and the number that some
# process has *inside*, find that process's number out here, or `None` if there is none. The `NSpid:` line of `/proc/PID/status` lists a process's numbers
# from the outermost namespace to its own; `/proc/PID/task/PID/children` names its children.

# %% [markdown] lang="zh" of="dadc190c"
# ## 进阶：两道挑战题
#
# 后面的课用不到这两题。**`outside_pid`**：已知容器的 1 号进程在外面的编号，以及某个进程在里面的编号，求后者在外面的编号；没有这个进程就返回 `None`。
# `/proc/PID/status` 的 `NSpid:` 一行从最外层到最里层列出一个进程的所有编号；`/proc/PID/task/PID/children` 列出它的子进程。

# %% tags=["exercise"] zh="返回里面 `inside` 号进程在外面的编号；`container` 是 1 号进程在外面的编号。" of="06b96720"
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

# %% tags=["exercise"] zh="返回接在 `rootfs` 之后的操作：只有 /tmp 还能写。" of="3b71ade1"
@lab.step
def read_only(spec):
    """Return the ops, after those of `rootfs`, that leave only /tmp to be written to."""
    ...

# %% tags=["check"]
lab.check(read_only)

# %% [markdown] lang="en" id="questions"
# ## Five questions
#
# Answer without scrolling up. The button draws others.

# %% [markdown] lang="zh" of="25dc3afd"
# ## 五道题
#
# 不要往上翻，直接作答。按钮可以换一组题。

# %%
lab.quiz()

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
# Your `my_runtime.py` now holds `hostname`, `namespaces`, `rootfs` and `run`: open it. That starts a container, and nothing holds it in
# yet: it may take all memory, and its root is the machine's. In lesson 2 it gets limits and walls; then come images (3), a command (4),
# a daemon that the `docker` command talks to (5 to 7), and a builder (8 to 10).

# %% [markdown] lang="zh" of="a4dfee38"
# 现在你的 `my_runtime.py` 里有了 `hostname`、`namespaces`、`rootfs` 和 `run`：打开看看。它能启动容器了，但还没有什么管得住容器：
# 内存随它用光，里面的 root 就是宿主机的 root。第 2 课要给它加上限额和围墙；之后是镜像（第 3 课）、命令（第 4 课）、
# 能和 `docker` 命令对话的守护进程（第 5～7 课）、构建器（第 8～10 课）。
