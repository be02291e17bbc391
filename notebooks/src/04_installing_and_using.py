# %% [markdown] lang="en" id="title"
# # 4. Installing and using it
#
# Docker is quickly installed, if the machine fits: what its containers are made of is not in the package, it is in the kernel. In this
# lesson you ask a machine what it has, take things away from it and see what breaks, fill a container's `/dev`, and turn your
# `my_runtime.py` into a command for the terminal: `python my_runtime.py run busybox sh`. The core takes about 70 minutes.

# %% [markdown] lang="zh" of="e42cfd6d"
# # 4. 安装和使用
#
# 只要机器满足前提条件，安装 Docker 很快：容器所用的东西不在安装包里，而在内核里。这一课你要查明一台机器具备什么，
# 故意拿走一些，看看会坏在哪里，为容器准备 `/dev`，最后把你的 `my_runtime.py` 变成终端里的命令：
# `python my_runtime.py run busybox sh`。主线约 70 分钟。

# %% [markdown] lang="en" id="first"
# ## Nothing was installed
#
# This runs a container, and no Docker is here. So what must be there? Name three things before you go on.

# %% [markdown] lang="zh" of="0ffc9cfc"
# ## 什么也没安装
#
# 下面这格会运行一个容器，而这里并没有安装 Docker。那么，必须具备的到底是什么？先写下三样，再往下看。

# %%
from labcore.lab.vocabulary import *
lab.begin(4)
lab.guess("needs")

# %%
show(labcore.plan("busybox", ["uname", "-sm"]))

# %% [markdown] lang="en" id="limit"
# Two kinds of conditions are known from Docker's own manual: the machine's **architecture** (`x86_64` above, or what yours says; more
# of that below) and the **kernel**, which must have namespaces, control groups, an overlay. What does it look like when one of
# them is missing? Each user namespace has numbers of its own that say how many namespaces of a kind may be made in it. So let us make
# one, write 0 for one kind, and ask for that. Which error do you expect?

# %% [markdown] lang="zh" of="deb473df"
# Docker 的官方文档列出两类前提条件：机器的**体系架构**（上面的 `x86_64`，或者你机器上显示的那个；后面细说）和**内核**：
# 要有命名空间、控制组（cgroup）、overlay。缺了其中一样会是什么样子？每个用户命名空间都有自己的上限，规定里面每种命名空间最多能建几个。
# 我们就新建一个，把其中一种的上限写成 0，再去要它。你预计会出现什么错误？

# %%
lab.guess("errno")

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWUSER)
open("/proc/sys/user/max_uts_namespaces", "w").write("0")
with expect(errno.ENOSPC):
    unshare(CloneFlag.NEWUTS)

# %%
lab.outcome("errno")

# %% [markdown] lang="en" id="preflight-step"
# *No space left on device*, and no disk is full: kernel errors are numbers, and there are not enough of them. A tool that begins
# by looking can say it better.
#
# **Your first step**, `preflight`, tries what containers need and returns a dictionary: what is missing, and its cure. For each of
# the names below, a list of ops; `show(Plan(…))` carries it out; `except OSError as error` catches what fails, and its
# `error.cure` is a sentence. (A plan need not end in a program: without an `ops.Execve` the new process ends, with code 0, when its
# ops are done. That is all that is wanted here.)
#
# - `"pid namespace"` and so on, for each `kind` in `NAMESPACES`: `[ops.Clone(NAMESPACE_FLAGS[kind])]`
# - `"overlay"`: `tray` is a directory that has `upper`, `work` and `view` in it (`lab.tray` makes it, as in lesson 3). After the clone
#   (with `NEWNS`) and the usual private `ops.Mount`, `ops.Chdir(tray)`, and there an overlay on `view`:
#   `lowerdir=view,upperdir=upper,workdir=work`
# - `"cgroups"`: `Path("/sys/fs/cgroup").glob("**/cgroup.procs")` finds nothing where none are mounted (`any(…)`); the cure is to
#   mount them

# %% [markdown] lang="zh" of="401da3d7"
# “设备上没有剩余空间”，可是磁盘并没有满：内核的错误只是编号，而编号不够用。先检查再动手的工具，能把话说得更明白。
#
# **你的第一步** `preflight` 把容器需要的东西逐一试一遍，返回一个字典：缺什么，怎么补救。下面每个名字对应一串操作；
# `show(Plan(…))` 执行它；`except OSError as error` 接住失败，`error.cure` 就是一句补救办法。
# （计划不一定要以程序结尾：没有 `ops.Execve`，新进程做完这些操作就以退出码 0 结束。这里要的正是这样。）
#
# - `"pid namespace"` 等等，对 `NAMESPACES` 里的每个 `kind`：`[ops.Clone(NAMESPACE_FLAGS[kind])]`
# - `"overlay"`：`tray` 目录里有 `upper`、`work`、`view`（由 `lab.tray` 创建，同第 3 课）。clone（带 `NEWNS`）、照例设为私有的 `ops.Mount` 之后，
#   `ops.Chdir(tray)`，再在 `view` 上挂一个 overlay：`lowerdir=view,upperdir=upper,workdir=work`
# - `"cgroups"`：没有挂载时，`Path("/sys/fs/cgroup").glob("**/cgroup.procs")` 什么也找不到（用 `any(…)` 判断）；补救办法就是挂载它

# %% tags=["exercise"] zh="试一遍容器需要的东西；返回缺什么，各带补救办法（12 行）。" of="efa6ac4a"
@lab.step
def preflight(tray):
    """Try what containers need; return what is missing, each with its cure (12 lines)."""
    ...

# %% tags=["check"]
lab.check(preflight)

# %% [markdown] lang="en" id="doctor"
# The check took namespaces, cgroups and the overlay away, another choice each time. And here, in front of you?

# %% [markdown] lang="zh" of="13e54687"
# 检查时，命名空间、cgroup、overlay 被拿走了几样，每次都不同。那么你面前的这台机器呢？

# %% tags=["nbval-check-output"]
preflight(lab.tray("preflight"))

# %% [markdown] lang="en" id="doctor-lines"
# An empty dictionary: nothing is missing. `labcore doctor` does the same more thoroughly; this is its part on the kernel. ✓ was
# tried and works; `!` works, with something to know; ✗ was tried and does not; `?` was not tried. Each line says what was seen, and
# what depends on it.

# %% [markdown] lang="zh" of="88988137"
# 字典是空的：什么也不缺。`labcore doctor` 做的是同样的事，只是更全面；下面是它关于内核的部分。✓ 试过，可用；`!` 可用，但有需要知道的地方；
# ✗ 试过，不可用；`?` 没有试。每一行写着看到了什么，以及什么依赖于它。

# %%
lab.doctor()

# %%
lab.outcome("needs")

# %% [markdown] lang="en" id="check-config"
# ## The list that Docker looks at
#
# Docker's source has a script for this, `contrib/check-config.sh` (the repository is called *moby* by now). It tries nothing: it
# reads how the kernel was **built**, in `/proc/config.gz` or `/boot/config-…`. `=y` is built in, `=m` is a module that is loaded
# when it is needed. This is what it asks for, and who needs it:
#
# | options | for |
# | --- | --- |
# | `NAMESPACES`, `PID_NS`, `NET_NS`, `IPC_NS`, `UTS_NS` | a view of one's own: lesson 1 |
# | `CGROUPS`, `MEMCG`, `CPUSETS`, `CGROUP_PIDS`, `CGROUP_DEVICE`, `CGROUP_FREEZER` | limits, and `docker pause`: lessons 2 and 7 |
# | `OVERLAY_FS` (a storage driver; others: btrfs, zfs) | layers: lesson 3 |
# | `VETH`, `BRIDGE`, `NF_NAT`, `IP_NF_FILTER` and others | networks and published ports: lesson 7 |
# | `KEYS`, `POSIX_MQUEUE` | keyrings and queues of one's own |
# | *optional*: `USER_NS`, `SECCOMP`, `VXLAN`, … | containers without root, filters, networks over several machines |

# %% [markdown] lang="zh" of="7ee1a179"
# ## Docker 检查的清单
#
# Docker 源码里有一个检测脚本 `contrib/check-config.sh`（这个仓库现在叫 *moby*）。它什么也不试，只读内核是怎样**编译**的：
# `/proc/config.gz` 或 `/boot/config-…`。`=y` 表示编进了内核，`=m` 表示是模块，用到时才加载。它查的选项，以及谁需要它们：
#
# | 选项 | 用途 |
# | --- | --- |
# | `NAMESPACES`、`PID_NS`、`NET_NS`、`IPC_NS`、`UTS_NS` | 独立的视角：第 1 课 |
# | `CGROUPS`、`MEMCG`、`CPUSETS`、`CGROUP_PIDS`、`CGROUP_DEVICE`、`CGROUP_FREEZER` | 限额，以及 `docker pause`：第 2、7 课 |
# | `OVERLAY_FS`（一种存储驱动；还有 btrfs、zfs） | 层：第 3 课 |
# | `VETH`、`BRIDGE`、`NF_NAT`、`IP_NF_FILTER` 等 | 网络和端口映射：第 7 课 |
# | `KEYS`、`POSIX_MQUEUE` | 独立的密钥环和消息队列 |
# | **可选**：`USER_NS`、`SECCOMP`、`VXLAN` 等 | 不用 root 的容器、系统调用过滤、跨机器的网络 |

# %%
import gzip
kept = [Path("/proc/config.gz"), Path(f"/boot/config-{os.uname().release}")]
text = next((path.read_bytes() for path in kept if path.exists()), b"")
text = gzip.decompress(text) if text.startswith(b"\x1f\x8b") else text
wanted = ("PID_NS", "MEMCG", "OVERLAY_FS", "VETH", "USER_NS", "NF_NAT")
[line for line in text.decode().splitlines() if line[7:].split("=")[0] in wanted]

# %% [markdown] lang="en" id="built-or-allowed"
# (An empty list: this kernel keeps its configuration to itself.) In the first helper cell `UTS_NS` was built in, and yet there was no
# namespace to be had. What a kernel *could* do and what you *may* do are two questions: that is why `preflight` tries.
#
# ## What is in `/dev`?
#
# Your container of lesson 3 has an empty `/dev`. Does it matter? Every shell script throws things into `/dev/null`. Here is a
# container without devices. What will `ls` show?

# %% [markdown] lang="zh" of="829a2da8"
# （列表是空的，说明这个内核没有公开它的配置。）在第一个辅助单元格里，`UTS_NS` 明明编进了内核，却得不到命名空间。
# 内核“能”做什么，和你“可以”做什么，是两个问题：所以 `preflight` 要动手试。
#
# ## `/dev` 里有什么？
#
# 第 3 课的容器，`/dev` 是空的。要紧吗？几乎每个 shell 脚本都会往 `/dev/null` 里扔东西。下面是一个没有设备的容器，`ls` 会显示什么？

# %%
lab.guess("dev")

# %%
bare = {"devices": None, "protection": None}
script = "echo lost > /dev/null; ls -l /dev/null; cat /dev/null"
show(labcore.plan("busybox", ["sh", "-c", script], stages=bare))
lab.outcome("dev")

# %% [markdown] lang="en" id="mknod"
# The shell made a plain file, and nothing is thrown away any more. A **device** is a file with two numbers in place of content: the
# *major* names the driver, the *minor* what is meant by it. Let us make one by hand, for everybody to read and write (`0o666`).
# What goes wrong?

# %% [markdown] lang="zh" of="78dd83f9"
# shell 建了一个普通文件，扔进去的东西都留着。**设备**是一种文件，内容的位置上是两个编号：
# **主设备号**指明驱动，**次设备号**指明其中的哪一个。我们亲手做一个，人人可读可写（`0o666`）。哪里不对劲？

# %%
tray = lab.tray()

# %%
# %%helper
import contextlib, stat
unshare(CloneFlag.NEWNS)
mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
mount("tmpfs", f"{tray}/view", "tmpfs")
os.chdir(f"{tray}/view")
with contextlib.suppress(PermissionError):  # a lab without root
    os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
os.system("echo lost > null; ls -l null; wc -c < null")

# %% [markdown] lang="en" id="devices-step"
# It swallows what it is given (unless your lab runs without root: nobody may make devices there, and yours is a plain file). But look
# at the letters: `rw-r--r--`. The process's **umask** took the right to write away from all but root. A plan sets it to 0 while it
# makes devices, and back to `0o022` afterwards.
#
# **Your second step** fills `dev` (a path without a slash in front: we stand in the new root, and the old one is still there).
#
# | device | numbers | what it does |
# | --- | --- | --- |
# | `null`, `zero` | 1:3, 1:5 | swallows all; gives zeros without end |
# | `full` | 1:7 | always answers "no space left on device": for tests |
# | `random`, `urandom` | 1:8, 1:9 | random bytes |
# | `tty` | 5:0 | whichever terminal you sit at |
# | `ptmx`, `pts/…` | 5:2, 136:… | makes terminals: `docker run -t` asks here |
#
# - `ops.Umask(0)`, then a tmpfs on `dev`: `ops.Mount("tmpfs", "dev", "tmpfs", MountFlag.NOSUID, "mode=755")` (`NOSUID`: no program
#   in it gains the rights of its owner)
# - `ops.MakeDevices(…)` takes a tuple of `(path, major, minor)`; each of `spec.devices` has `path` (with the slash), `major`, `minor`
# - `dev/pts`: `ops.MakeDirectories(("dev/pts",))`, and on it a file system of its own, `"devpts"`, with `data="ptmxmode=666"`
#   (each mount of it is a set of terminals apart from the machine's, and here everybody may ask for one)
# - `ops.MakeLinks((("dev/ptmx", "pts/ptmx"),))`, and the umask back
# - in a user namespace nobody may make devices. You are in one if `confined()` is true, which asks whether this notebook's root is one
#   of a user namespace only (a lab without root), or if `"user"` is in `spec.namespaces`. Then put `lab.bound_devices(spec)`, a list of
#   ops that binds the machine's own devices, in the place of `[ops.MakeDevices(…)]`

# %% [markdown] lang="zh" of="18102b96"
# 给它的东西确实被吞掉了（除非你的实验室不以 root 运行：那里谁也不能建设备，你看到的是普通文件）。但看那几个字母：`rw-r--r--`。进程的 **umask** 拿掉了 root 以外所有人的写权限。
# 所以计划在建设备时把它设为 0，之后再改回 `0o022`。
#
# **你的第二步**是填好 `dev`（前面没有斜杠：我们站在新根里，旧根还在）。
#
# | 设备 | 编号 | 作用 |
# | --- | --- | --- |
# | `null`、`zero` | 1:3、1:5 | 吞掉一切；给出无穷多个零 |
# | `full` | 1:7 | 永远回答“设备上没有剩余空间”：测试用 |
# | `random`、`urandom` | 1:8、1:9 | 随机数 |
# | `tty` | 5:0 | 你正坐在哪个终端前，就是哪个 |
# | `ptmx`、`pts/…` | 5:2、136:… | 创建终端：`docker run -t` 就向它要 |
#
# - `ops.Umask(0)`，然后在 `dev` 上挂一个 tmpfs：`ops.Mount("tmpfs", "dev", "tmpfs", MountFlag.NOSUID, "mode=755")`
#   （`NOSUID`：里面的程序都得不到其所有者的权力）
# - `ops.MakeDevices(…)` 接受由 `(path, major, minor)` 组成的元组；`spec.devices` 的每一项都有 `path`（带斜杠）、`major`、`minor`
# - `dev/pts`：`ops.MakeDirectories(("dev/pts",))`，在上面挂它自己的文件系统 `"devpts"`，带 `data="ptmxmode=666"`
#   （每挂载一次，就是一组与本机无关的终端；这里谁都可以申请一个）
# - `ops.MakeLinks((("dev/ptmx", "pts/ptmx"),))`，最后把 umask 改回来
# - 在用户命名空间里，谁也不能建设备。`confined()` 为真（它检查本笔记本的 root 是否只是用户命名空间里的 root，即实验室不以 root 运行），
#   或者 `spec.namespaces` 里有 `"user"`，就属于这种情况：用 `lab.bound_devices(spec)`（一串操作，把机器自己的设备绑定进来）
#   代替 `[ops.MakeDevices(…)]`

# %% tags=["exercise"] zh="返回填好 `dev` 的操作，这时旧根还在（12 行）。" of="419b58c1"
@lab.step
def devices(spec):
    """Return the ops that fill `dev`, while the old root is still there (12 lines)."""
    ...

# %% tags=["check"]
lab.check(devices)

# %% [markdown] lang="en" id="rootfs-step"
# No disk is among them, and no memory of the machine: what is not there cannot be opened. (Docker also forbids unknown numbers by a
# cgroup, in case somebody in there calls `mknod`.) `/dev/shm` and `/dev/mqueue` are tmpfs-like mounts that Docker adds.
#
# **Your third step**: `rootfs` once more, with one line: `*devices(spec)`, before the turn (`ops.PivotRoot`), while the old root is
# still there. Take your text from lesson 3 (or the solution there). If it mounts `/proc` behind the turn, move that line as well, to
# `ops.Mount("proc", "proc", "proc")` before it: further down your container starts in a user namespace, and needs it there.

# %% [markdown] lang="zh" of="e81f74d3"
# 里面没有磁盘，也没有机器的内存：不存在的东西是打不开的。（Docker 还用 cgroup 禁掉不认识的设备号，防止里面有人自己调用 `mknod`。）
# Docker 另外还会挂上 `/dev/shm` 和 `/dev/mqueue`。
#
# **你的第三步**：再写一次 `rootfs`，只多一行：`*devices(spec)`，放在换根（`ops.PivotRoot`）之前，这时旧根还在。
# 其余照抄你第 3 课的代码（或那里的参考答案）。如果你是在换根之后挂载 `/proc` 的，就把那一行也挪到换根之前，写成
# `ops.Mount("proc", "proc", "proc")`：后面有一次要在用户命名空间里启动你的容器，非这样不可。

# %% tags=["exercise"] zh="返回建立根的操作，带 /proc，现在还有 /dev（新增 1 行）。" of="54e55c13"
@lab.step
def rootfs(spec):
    """Return the ops that make the root, with /proc, and now with /dev (1 new line)."""
    ...

# %% tags=["check"]
lab.check(rootfs)

# %% [markdown] lang="en" id="dev-inside"
# `run` is that of lesson 3; it needs an image in the lesson's store. What will `full` say?

# %% [markdown] lang="zh" of="86930296"
# `run` 还是第 3 课的那个；它需要课程的存储里有镜像。`full` 会说什么？

# %%
store = lab.new_store("busybox")
from my_runtime import run
run("busybox", ["sh", "-c", "ls -l /dev; echo lost > /dev/null; echo full > /dev/full"])

# %% [markdown] lang="en" id="main-step"
# ## A command
#
# So far your runtime works in a notebook. **Your fourth step** makes it a program. `words` is what follows `python my_runtime.py` on
# the command line: `["run", "busybox", "sh", "-c", "exit 3"]`.
#
# - fewer than three words, or another first one: say how it is used (`print(…, file=sys.stderr)`) and return 2
# - ask `preflight(lab.tray("preflight"))` before anything is started; print a line for each thing that is missing, with its cure, and
#   return 125
# - else `run(words[1], words[2:])`, and return what it returns
#
# (125 is what `docker run` returns when Docker itself has failed. It has two more codes of its own, which you need not write: 126
# where the program is there and cannot be run, 127 where it is not there. Anything else is the program's.)

# %% [markdown] lang="zh" of="72102462"
# ## 一条命令
#
# 到现在，你的运行时只能在笔记本里用。**你的第四步**把它变成一个程序。`words` 就是命令行上跟在 `python my_runtime.py` 后面的词：
# `["run", "busybox", "sh", "-c", "exit 3"]`。
#
# - 不足三个词，或者第一个不是 `run`：说明用法（`print(…, file=sys.stderr)`），返回 2
# - 启动任何东西之前，先问 `preflight(lab.tray("preflight"))`；缺什么就逐行打印出来，带上补救办法，然后返回 125
# - 否则 `run(words[1], words[2:])`，它返回什么就返回什么
#
# （125 是 Docker 自身出错时 `docker run` 的退出码。它自己的退出码还有两个，你不必写：126 表示程序在、但无法执行，127 表示程序不存在。其他都是程序自己的。）

# %% tags=["exercise"] zh="按 `run IMAGE PROGRAM…` 的要求去做；返回退出码（8 行）。" of="8e2d42f0"
@lab.step
def main(words):
    """Do what `run IMAGE PROGRAM…` asks for; return the exit code (8 lines)."""
    ...

# %% tags=["check"]
lab.check(main)

# %% [markdown] lang="en" id="terminal"
# Open a terminal (*File › New › Terminal*: it begins in your folder) and type `python my_runtime.py run busybox sh`. That is a shell in
# your container; `exit` ends it. From here we call it as a terminal would, with a command that is shorter (`$?` is the exit code):

# %% [markdown] lang="zh" of="e65d05ba"
# 打开一个终端（*File › New › Terminal*，一开始就在你的目录里），输入 `python my_runtime.py run busybox sh`：这就是你的容器里的一个 shell，
# `exit` 退出。在这里，我们像终端那样调用它，换一条短一点的命令（`$?` 是退出码）：

# %% tags=["nbval-check-output"]
command = f"{sys.executable} {lab.my_runtime()} run busybox echo it runs; echo code $?"
print(subprocess.check_output(command, shell=True, text=True), end="")

# %% [markdown] lang="en" id="break-cgroups"
# ## Break it, mend it
#
# Three times something that you know by now is taken away, in a helper cell that is a world of its own; then it is given back. First:
# something covers `/sys/fs/cgroup`, as on a machine where nobody mounted it. What will your command say?

# %% [markdown] lang="zh" of="20ed998c"
# ## 弄坏，再修好
#
# 下面三次，各拿走一样你已经认识的东西，然后还回去；都在辅助单元格里，那是一个独立的世界。
# 第一次：`/sys/fs/cgroup` 被盖住了，就像没有人挂载它一样。你的命令会说什么？

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWNS)
mount("none", "/sys/fs/cgroup", "tmpfs")
os.system(command)
umount2("/sys/fs/cgroup")
os.system(command)

# %% [markdown] lang="en" id="break-overlay"
# Docker's daemon does not start either where it finds no cgroups. Second: the directory for layers lies on an overlay. That happens
# whenever somebody runs Docker *in* a container: its root is an overlay, and an overlay's upper layer must not be one.

# %% [markdown] lang="zh" of="aa536468"
# 找不到 cgroup，Docker 的守护进程同样拒绝启动。第二次：放层的目录本身就在一个 overlay 上。在容器里面再跑 Docker 就会碰到：
# 容器的根是 overlay，而 overlay 的上层不能又是 overlay。

# %%
trays = str(Path(lab.tray("preflight")).parent)

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWNS)
mount("tmpfs", "/mnt", "tmpfs")
os.mkdir("/mnt/upper"), os.mkdir("/mnt/work")
options = f"lowerdir={trays},upperdir=/mnt/upper,workdir=/mnt/work"
mount("overlay", trays, "overlay", data=options)
os.system(command)
umount2(trays)
os.system(command)

# %% [markdown] lang="en" id="break-limit"
# That is why `docker:dind`, the image of a Docker in a container, declares a volume for `/var/lib/docker`. Third: the limit of the
# beginning, on PID namespaces now. (This time the user namespace has the tables of lesson 2: whoever starts containers in it has to
# be root there. `setgroups` must be denied first, or the table of groups may not be written.) Hardened machines set `max_user_namespaces` to 0 like this, and Ubuntu 24.04 has AppArmor in the
# way of ordinary users.

# %% [markdown] lang="zh" of="f9400bc7"
# 所以 `docker:dind`（容器里的 Docker）这个镜像为 `/var/lib/docker` 声明了一个卷。第三次：开头的那种上限，这回是 PID 命名空间。
# （这次给用户命名空间写上第 2 课的对照表：在里面启动容器的人，必须是那里的 root。要先禁用 `setgroups`，才允许写用户组的表。）
# 做过安全加固的机器就是这样把 `max_user_namespaces` 设为 0 的；Ubuntu 24.04 则用 AppArmor 拦住普通用户。

# %% tags=["nbval-check-output"]
# %%helper
unshare(CloneFlag.NEWUSER)
for file, text in ("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1"):
    open(f"/proc/self/{file}", "w").write(text)
limit = "/proc/sys/user/max_pid_namespaces"
open(limit, "w").write("0")
os.system(command)
open(limit, "w").write("100")
os.system(command)

# %% [markdown] lang="en" id="riddles"
# ## Four riddles
#
# The kernel says only a number. Each of these plans fails at the line that is marked. Guess why, and what would help; then open
# *Why?*

# %% [markdown] lang="zh" of="62ebbffa"
# ## 四道谜题
#
# 内核只给一个编号。下面每个计划都在标出的那一行失败。先猜原因和补救办法，再点开“为什么？”

# %%
private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
own = [ops.Clone(CloneFlag.NEWNS), private]
lab.riddle(Plan([*own, ops.Mount("tmpfs", "/menu", "tmpfs")]))

# %%
lab.riddle(Plan([*own, ops.Chdir(lab.root()), ops.PivotRoot(".", ".")]))

# %% [markdown] lang="en" id="riddles-more"
# Two that are harder. In the first, all directories are there. In the second, whoever makes a user namespace is root in it.

# %% [markdown] lang="zh" of="7fe69440"
# 再来两道难一些的。第一道里，目录全都存在。第二道里，创建用户命名空间的进程在里面就是 root。

# %%
data = "lowerdir=view,upperdir=upper,workdir=upper/work"
made = ops.MakeDirectories(("upper/work",))
stack = ops.Mount("overlay", "view", "overlay", data=data)
lab.riddle(Plan([*own, ops.Chdir(lab.tray("riddle")), made, stack]))

# %%
user = ops.Clone(CloneFlag.NEWUSER | CloneFlag.NEWNS)
lab.riddle(Plan([user, private, ops.Mount("proc", "/proc", "proc")]))

# %% [markdown] lang="en" id="architecture"
# ## For which machine?
#
# A container brings no kernel, and no processor either. Every program says in its header for which machine it was made: an ELF
# file (the format of Linux programs) at byte 18. What happens if two bytes there are changed, and nothing else?

# %% [markdown] lang="zh" of="fd787e34"
# ## 为哪种机器？
#
# 容器不带内核，也不带处理器。每个程序都在文件头里写着自己是为哪种机器编译的：ELF 文件（Linux 程序的格式）写在第 18 字节处。
# 如果只改那里的两个字节，别的都不动，会怎样？

# %%
lab.guess("processor")

# %%
foreign = lab.foreign_program()
for program in (f"{lab.root()}/bin/busybox", foreign):
    head = Path(program).read_bytes()[:20]
    print(head[:4], "machine", hex(int.from_bytes(head[18:20], "little")))
with lab.expect(errno.ENOEXEC):
    show(Plan([ops.Clone(), ops.Execve((foreign,), (), (foreign,))]))
lab.outcome("processor")

# %% [markdown] lang="en" id="platforms"
# *Exec format error*: the commonest trouble with images on a laptop with an Arm processor. `0x3e` is x86-64, `0xb7` is arm64. Docker began
# on x86-64 alone; today its packages and most official images are there for arm64, too, and many for 32-bit Arm, ppc64le, s390x and
# RISC-V. An image says for which platform it is, and one *name* may stand for several: then it leads to an **index**, a list of
# manifests with a platform each, and `docker pull` takes the one that fits. (Docker Desktop runs foreign ones all the same: an
# emulator, qemu, is registered with the kernel's `binfmt_misc` for their headers. It is slow.)

# %% [markdown] lang="zh" of="4ee48d6f"
# *Exec format error*（可执行文件格式错误）：在 Arm 处理器的笔记本电脑上使用镜像，最常见的就是它。`0x3e` 是 x86-64，`0xb7` 是 arm64。
# Docker 一开始只支持 x86-64；如今它的安装包和大多数官方镜像也有 arm64 版，不少还有 32 位 Arm、ppc64le、s390x 和 RISC-V 版。
# 镜像写明自己适用的平台，而一个名字可以代表好几个：这时它指向一份**索引**（index），列出各平台的清单，`docker pull` 选取合适的那个。
# （Docker Desktop 也能运行外来平台的程序：通过内核的 `binfmt_misc`，为那种文件头登记了模拟器 qemu。只是很慢。）

# %%
image = lab.manifest(store, "busybox")["config"]["digest"].replace(":", "/")
config = json.loads(Path(store, "blobs", image).read_bytes())
print(config["os"], config["architecture"], "on", os.uname().machine)

# %% [markdown] lang="en" id="editions"
# ## Docker's editions, then and now
#
# This notebook does not install Docker: that would change your machine. Here is what you would do. Look at the date of whatever you
# read about it first, for names and terms have changed:
#
# | | at the end of 2019 | today |
# | --- | --- | --- |
# | free | Docker **CE**, *Community Edition*: a release every half year, each looked after for 7 months | **Docker Engine**, package `docker-ce`; the letters have stayed in its name only |
# | paid | Docker **EE**, *Enterprise Edition*: security in the foreground, 24 months for a release | sold to Mirantis in November 2019, there *Mirantis Container Runtime* |
# | Mac, Windows | Docker Desktop, free | Docker Desktop; paid for in larger companies since 2021; a small Linux machine inside |
# | source | moby/moby, docker/cli | the same; the container part is *containerd*, the last step *runc* |
# | without a daemon | Podman 1.x | Podman, with the same commands: `podman run …` |
#
# What is supported just now, the manual says: docs.docker.com/engine/install (the article's address, docs.docker.com/install, leads there).

# %% [markdown] lang="zh" of="e320b14c"
# ## Docker 的版本：当年与现在
#
# 本笔记本不会安装 Docker，那会改动你的机器。这里只讲该怎么做。凡是读到安装教程，先看日期，因为名称和条款都变过：
#
# | | 2019 年底 | 现在 |
# | --- | --- | --- |
# | 免费 | Docker **CE**（社区版）：每半年一版，每版支持 7 个月 | **Docker Engine**，包名仍叫 `docker-ce`；这两个字母只留在包名里了 |
# | 付费 | Docker **EE**（企业版）：强调安全，每版支持 24 个月 | 2019 年 11 月卖给了 Mirantis，现名 *Mirantis Container Runtime* |
# | Mac、Windows | Docker Desktop，免费 | Docker Desktop；2021 年起较大的公司要付费；里面是一台小小的 Linux 虚拟机 |
# | 源码 | moby/moby、docker/cli | 不变；其中管理容器的部分是 *containerd*，最后一步是 *runc* |
# | 不要守护进程 | Podman 1.x | Podman，命令相同：`podman run …` |
#
# 目前支持哪些系统，以官方文档为准：docs.docker.com/engine/install（文章给的 docs.docker.com/install 会转到那里）。

# %% [markdown] lang="en" id="commands"
# ## The commands, line by line
#
# Once the conditions are met, it is simple. In 2019 one would have done this on CentOS 7:
#
# | line | what it does | today |
# | --- | --- | --- |
# | `yum remove docker docker-common docker-engine …` | takes away the old packages, which had other names; images stay in `/var/lib/docker` | `dnf remove …`; on Debian and Ubuntu `apt-get remove docker.io podman-docker …` |
# | `yum install -y yum-utils device-mapper-persistent-data lvm2` | a tool for repositories, and what the *devicemapper* storage driver needed | out of date: devicemapper is gone since Docker 25, overlay needs nothing |
# | `yum-config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo` | tells yum where Docker's own packages are | the same with `dnf config-manager`; apt wants a key and a file in `/etc/apt/sources.list.d` |
# | `yum install docker-ce docker-ce-cli containerd.io` | daemon, client, and the part that holds containers | the same, and `docker-buildx-plugin docker-compose-plugin` |
# | `systemctl start docker` | starts the daemon now; `enable` does so at each boot | the same; Debian and Ubuntu do it by themselves |
# | `docker run hello-world` | tries the whole way: client, daemon, registry, container | the same |
#
# CentOS 7 itself came to its end in June 2024, and CentOS 8 even before: use Rocky, Alma, Fedora, Debian or Ubuntu. The short cut
# `curl -fsSL https://get.docker.com | sh` runs somebody else's script as root: read it before. And whoever may talk to the daemon
# (the group `docker`) is root on that machine: `docker run -v /:/host …` shows all of it.
#
# The last line of the table is not tried here: the stock `docker` command needs a daemon. You write one in lesson 5, and `docker run` is
# its first guest.

# %% [markdown] lang="zh" of="5ccc6c12"
# ## 安装命令，逐行解释
#
# 满足前提条件后，安装就非常简单了。2019 年在 CentOS 7 上是这样做的：
#
# | 命令 | 作用 | 现在 |
# | --- | --- | --- |
# | `yum remove docker docker-common docker-engine …` | 卸掉旧包（当时叫别的名字）；镜像仍留在 `/var/lib/docker` | `dnf remove …`；Debian、Ubuntu 上是 `apt-get remove docker.io podman-docker …` |
# | `yum install -y yum-utils device-mapper-persistent-data lvm2` | 管理软件源的工具，以及 *devicemapper* 存储驱动所需的东西 | 已过时：Docker 25 起取消了 devicemapper，overlay 什么也不需要 |
# | `yum-config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo` | 告诉 yum 到哪里找 Docker 官方的包 | 换成 `dnf config-manager`；apt 则要一个密钥，外加 `/etc/apt/sources.list.d` 里的一个文件 |
# | `yum install docker-ce docker-ce-cli containerd.io` | 守护进程、客户端，以及管理容器的部分 | 不变，另加 `docker-buildx-plugin docker-compose-plugin` |
# | `systemctl start docker` | 现在启动守护进程；`enable` 则每次开机都启动 | 不变；Debian、Ubuntu 会自动做 |
# | `docker run hello-world` | 把整条路走一遍：客户端、守护进程、仓库、容器 | 不变 |
#
# CentOS 7 本身已于 2024 年 6 月停止支持，CentOS 8 更早：请用 Rocky、Alma、Fedora、Debian 或 Ubuntu。
# 捷径 `curl -fsSL https://get.docker.com | sh` 是以 root 身份运行别人的脚本：先读一遍。另外，能和守护进程对话的人
# （`docker` 组的成员），就等于那台机器的 root：`docker run -v /:/host …` 能看到一切。
#
# 表中最后一行这里先不试：原装的 `docker` 命令需要守护进程。第 5 课你自己写一个，`docker run` 就是它的第一位客人。

# %% [markdown] lang="en" id="machine-of"
# ## Further: a challenge
#
# **`machine_of`**: the number at bytes 18 and 19 of an ELF file, which begins with `b"\x7fELF"`. Byte 5 says in which order its bytes stand:
# 1 is little-endian, 2 is big-endian (s390x). For anything else, and for a file that is cut off, return `None`.

# %% [markdown] lang="zh" of="3f72e4f3"
# ## 进阶：一道挑战题
#
# **`machine_of`**：返回 ELF 文件第 18、19 字节的数字；ELF 文件以 `b"\x7fELF"` 开头。第 5 字节写着字节顺序：
# 1 是小端，2 是大端（如 s390x）。其他文件，以及被截断的文件，返回 `None`。

# %% tags=["exercise"] zh="返回程序是为哪种机器编译的：一个数字；其他文件返回 None。" of="502d0aba"
@lab.step
def machine_of(path):
    """Return for which machine a program is made: a number; None for another file."""
    ...

# %% tags=["check"]
lab.check(machine_of)

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
# Half a dozen small worlds were broken. And the machine?

# %% [markdown] lang="zh" of="960b9c32"
# ## 什么都没留下
#
# 环境弄坏了好几个。机器本身呢？

# %%
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` has gained `preflight`, `devices`, a `rootfs` with a `/dev`, and `main`. What it does not do that labcore does: look at
# networks and disks, say which distribution's package is missing, give a program a terminal of its own, forbid devices by number.
# In lesson 5 it gets a daemon, and the stock `docker` command talks to it.

# %% [markdown] lang="zh" of="57a8ceef"
# 你的 `my_runtime.py` 多了 `preflight`、`devices`、带 `/dev` 的 `rootfs`，还有 `main`。labcore 会做而它还不会的：
# 检查网络和磁盘，指出缺的是发行版的哪个包，给程序一个自己的终端，按设备号禁止设备。
# 第 5 课，它会有一个守护进程，原装的 `docker` 命令就和它对话。
