# %% [markdown] lang="en" id="title"
# # 2. Advantages of Docker
#
# Docker starts in seconds, a virtual machine in minutes; it takes next to no memory; it costs no speed; but it keeps things apart
# less well, and root in a container is root on the machine. So one often reads. Here **each of these claims is put to the
# test, on your machine**: you guess, measure, and look at a plot. On the way `my_runtime.py`, whose containers of lesson 1 nothing holds
# in yet, learns to set limits and to take rights away. The core takes 75 minutes; what is marked *further* can wait.

# %% [markdown] lang="zh" of="0e1870fe"
# # 2. Docker 的优势
#
# Docker 启动是秒级，虚拟机要几分钟；占内存极少；几乎没有性能损耗；但隔离性更弱，容器里的 Root 等同于宿主机的 Root。
# 常见的说法就是这样。这一课把**每一条说法都放到你的机器上检验**：先猜，再测，再看图。
# 同时，第 1 课的 `my_runtime.py` 还管不住自己的容器，这一课它会学会限制资源、收回权限。主线约 75 分钟，标着**进阶**的可以以后再做。

# %% [markdown] lang="en" id="first"
# ## Seconds?
#
# Three starts of a container, from the call until its program has ended. Guess first: how many milliseconds does each take?

# %% [markdown] lang="zh" of="fe2d40e3"
# ## 秒级？
#
# 连续启动三次容器，从调用开始，到里面的程序结束为止。先猜：每次多少毫秒？

# %%
from labcore.lab.vocabulary import *
lab.begin(2)
lab.guess("milliseconds")

# %%
times = lab.timed(lambda: labcore.run("busybox", ["true"]), 3)
lab.outcome("milliseconds", times)

# %% [markdown] lang="en" id="memory-by-hand"
# Not seconds: milliseconds, for nothing boots. We come back to that with a virtual machine beside it.
#
# ## A share, and no more
#
# A virtual machine has as much memory as it was built with. A container is processes: what keeps one from taking all? A **control
# group** (cgroup), which is a directory. To write a number into one of its files is to set a limit, and a process that is started
# in it (`ops.JoinCgroup`) stays in it with all its children.
#
# `lab.cgroup` makes one. Its limits lie in two directories: `group["memory"]`, where the file `MEMORY_MAX` limits memory, and
# `group["pids"]`, where `pids.max` limits the number of processes. This one may have 16 MB, and its program doubles a text until it
# ends. How will it end?

# %% [markdown] lang="zh" of="75bd1d9e"
# 不是几秒，是几毫秒：因为没有什么要“开机”。后面会把虚拟机放在旁边再比。
#
# ## 只给一份，多了没有
#
# 虚拟机有多少内存，造它的时候就定了。容器只是进程，怎样防止它吃光内存？靠**控制组**（cgroup），它就是一个目录：
# 往里面的某个文件写一个数字，就设了一个上限；在里面启动的进程（`ops.JoinCgroup`）连同它的子孙都留在里面。
#
# `lab.cgroup` 新建一个。它的上限在两个目录里：`group["memory"]` 里的文件 `MEMORY_MAX` 限制内存，
# `group["pids"]` 里的 `pids.max` 限制进程数。这个控制组只有 16 MB，程序不停地把一段文本翻倍。它会怎样结束？

# %%
lab.guess("memory")

# %%
group = lab.cgroup("hungry")
Path(group["memory"], MEMORY_MAX).write_text(str(16 << 20))
hungry = labcore.plan("busybox", ["sh", "-c", "x=ab; while true; do x=$x$x; done"])
ended = show(Plan([ops.JoinCgroup((group["memory"], group["pids"])), *hungry]))
print("exit code", ended.returncode, "- killed by the kernel:", group.killed)
lab.outcome("memory")

# %% [markdown] lang="en" id="limits-step"
# -9: by signal 9, KILL (a shell, and docker, would say 137, which is 128 + 9). The kernel has ended one process, in that group
# alone; your notebook did not notice.
#
# **Your first step** is what `docker run --memory 16m --pids-limit 20` does. `spec.resources` has `memory` (bytes) and `pids`.
#
# - if it is `Resources()`, nothing is asked for: return `[]`
# - else make `group = lab.cgroup(spec.hostname)`
# - write what is not `None`: the memory into `MEMORY_MAX` in the directory `group["memory"]`, the number of processes into `pids.max`
#   in the directory `group["pids"]`
# - return `[ops.JoinCgroup((group["memory"], group["pids"]))]`. In cgroup version 2 both are one directory, in version 1 two.

# %% [markdown] lang="zh" of="5c9a2b59"
# -9：被 9 号信号 KILL 结束（shell 和 docker 会报 137，即 128 + 9）。内核只结束了那个组里的一个进程，你的笔记本毫无察觉。
#
# **你的第一步**，做的就是 `docker run --memory 16m --pids-limit 20`。`spec.resources` 里有 `memory`（字节）和 `pids`。
#
# - 如果等于 `Resources()`，说明什么也没要求：返回 `[]`
# - 否则创建 `group = lab.cgroup(spec.hostname)`
# - 不是 `None` 的才写：内存写进目录 `group["memory"]` 里的 `MEMORY_MAX`，进程数写进目录 `group["pids"]` 里的 `pids.max`
# - 返回 `[ops.JoinCgroup((group["memory"], group["pids"]))]`。在 cgroup 第 2 版里两者是同一个目录，第 1 版里是两个。

# %% tags=["exercise"] zh="返回让进程在自己的 cgroup 里启动的操作（8 行）。" of="cb6e7962"
@lab.step
def limits(spec):
    """Return the op that starts the process in a cgroup of its own (8 lines)."""
    ...

# %% tags=["check"]
lab.check(limits)

# %% [markdown] lang="en" id="fork-bomb"
# ## A fork bomb
#
# A shell function that calls itself twice, in the background. On a bare machine that is the end: nobody can start a program any
# more, not even `kill`. We light it in *your* cgroup, with room for 24; the last command, `read`, keeps its first process waiting.
# What will you notice? (Your steps of lesson 1 are in `my_runtime.py`, and can be imported; where you left a blank, labcore's
# stand in.)

# %% [markdown] lang="zh" of="b0ce1d4d"
# ## fork 炸弹
#
# 一个 shell 函数，在后台把自己调用两次。在没有防备的机器上，这就完了：谁也启动不了新程序，连 `kill` 都不行。
# 我们在你的控制组里点燃它，只给 24 个名额；最后一条命令 `read` 让第一个进程一直等着。你会察觉到什么？（第 1 课的步骤在 `my_runtime.py` 里，可以导入；空着的由 labcore 的版本顶上。）

# %%
lab.guess("bomb")

# %%
import time
from my_runtime import hostname, namespaces, rootfs
root = lab.root()
argv = ("/bin/sh", "-c", "b() { b | b & }; b; read wait")
spec = ContainerSpec(BindRoot(root), argv, hostname="bomb", resources=Resources(pids=24))
bomb = Plan([*limits(spec), *namespaces(spec), *rootfs(spec), ops.Execve(argv)])

# %%
with spawn(bomb, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL) as process:
    time.sleep(1)
    pids = Path(lab.group("bomb")["pids"])
    current = int((pids / "pids.current").read_text())
print(current, "of", (pids / "pids.max").read_text())
print(lab.timed(lambda: labcore.run("busybox", ["true"]), 3))
lab.outcome("bomb")

# %% [markdown] lang="en" id="shared-kernel"
# It kept hitting the limit, and died with process 1 of its container; meanwhile other containers started as quickly as ever. This is
# the "finer control" of which the article speaks; a limit can also be changed while the container runs, which few virtual machines
# can do with their memory.
#
# ## Whose root?
#
# Now the other side of sharing one kernel. In a container you are root, user 0. Which user is that *out here*? A process has a table
# for that, `uid_map`: first number inside, first number outside, how many. (For groups there is another, `gid_map`.)

# %% [markdown] lang="zh" of="f42e1ab3"
# 它一直顶着上限，最后随容器的 1 号进程一起消失；这期间别的容器照样很快启动。文章说的“精细化控制能力”就是这个；上限还可以在运行中修改，虚拟机的内存很少能这样。
#
# ## 谁的 Root？
#
# 再看共用内核的另一面。在容器里你是 root，也就是 0 号用户，在外面又是哪个用户？每个进程都有一张对照表 `uid_map`：
# 里面从几号开始，对应外面从几号开始，一共多少个。（用户组另有一张，叫 `gid_map`。）

# %%
with spawn(labcore.plan("busybox", ["cat"]), stdin=PIPE, stdout=DEVNULL) as held:
    print(Path(f"/proc/{held.pid}/uid_map").read_text().split())
    print("outside it is user", os.stat(f"/proc/{held.pid}").st_uid)

# %% [markdown] lang="en" id="attack"
# 0 is 0, for all four thousand million numbers: **root inside is root outside**. The article is right. How much is that worth to an
# attacker? We let root in the container of lesson 1 try four things:
#
# - read a file that only the machine's root may read
# - make a *device node* for the machine's disk: a file by which all of the disk can be read and written (lesson 4)
# - change a setting of the kernel, one that names a program which the kernel starts *as root* (it is written as it was: no harm done)
# - make a user namespace, in which one is root with all rights anew
#
# How many get through, and which?

# %% [markdown] lang="zh" of="83e08884"
# 0 就是 0，四十多亿个编号全都如此：**里面的 Root 就是外面的 Root**。文章说得没错。这对攻击者有多大价值？
# 让第 1 课那个容器里的 root 试四件事：
#
# - 读一个只有宿主机 root 才能读的文件
# - 为宿主机的磁盘造一个**设备节点**：通过这个文件可以读写整个磁盘（第 4 课）
# - 修改内核的一个设置，它指定内核以 root 身份启动哪个程序（我们原样写回，不会造成破坏）
# - 创建一个用户命名空间，在里面重新成为拥有全部权力的 root
#
# 几件能得手？是哪几件？

# %%
lab.guess("attacks")

# %%
bare = lab.attacks({"nothing": []})
bare

# %%
through = list(bare.outcomes["nothing"].values()).count(True)
lab.outcome("attacks", f"{through} / 4")

# %% [markdown] lang="en" id="defences"
# Nothing holds them up. Four defences, each a few ops that come last, before the program:
#
# - **users**: a user namespace of its own, in which 0 is 100000 outside. `ops.Call` makes one system call, here `unshare`
#   (`native.unshare(…)` would make it at once, `native.unshare.step(…)` writes it down for the plan). Then somebody *outside* must write the tables, `uid_map` and `gid_map`: `ops.Sync(what, function)` waits while the notebook's side calls
#   `function` with the process. `ops.SetUser(0, 0)` then becomes user 0 and group 0 of the new namespace.
# - **rights**: root's power is cut into some forty *capabilities*, such as `SYS_ADMIN` (mounts) or `MKNOD` (makes devices). Docker leaves
#   14 of them; `DEFAULT_CAPABILITIES` are 13 (no `MKNOD`). `BoundCapabilities` says what can ever be had, `SetCapabilities` what is had.
# - **filter**: a part of the kernel called seccomp looks at each system call and refuses some. Docker's default list is supplied:
#   `lab.seccomp()`.
# - **read_only**: `/proc/sys`, where the kernel's settings are files, and its like cannot be written to.
#
# Which defence stops which attack? Fill in a table of your own first, 4 × 4.

# %% [markdown] lang="zh" of="11e6bf54"
# 没有什么拦得住它们。下面是四种防御，每种只是几个操作，排在最后、程序启动之前：
#
# - **users**：自己的用户命名空间，里面的 0 号是外面的 100000 号。`ops.Call` 做一次系统调用，这里是 `unshare`
#   （`native.unshare(…)` 会立刻调用，`native.unshare.step(…)` 则把它记下来，留给计划）。然后要由外面的人来写对照表 `uid_map` 和 `gid_map`：`ops.Sync(说明, 函数)` 会等着，由笔记本这一侧以该进程为参数调用“函数”。
#   `ops.SetUser(0, 0)` 再变成新命名空间里的 0 号用户、0 号组。
# - **rights**：root 的权力被切成四十来份**能力**（capability），例如 `SYS_ADMIN`（挂载）、`MKNOD`（建设备）。Docker 留下 14 份；
#   `DEFAULT_CAPABILITIES` 是 13 份（没有 `MKNOD`）。`BoundCapabilities` 规定最多能有哪些，`SetCapabilities` 规定现在有哪些。
# - **filter**：内核里叫 seccomp 的部分检查每一次系统调用，拒绝其中一些。Docker 的默认清单已经提供：`lab.seccomp()`。
# - **read_only**：`/proc/sys`（内核的设置在那里都是文件）之类的路径不许写。
#
# 哪种防御挡得住哪种攻击？先自己填一张 4 × 4 的表。

# %%
def map_ids(process):
    for file in ("uid_map", "gid_map"):
        Path(f"/proc/{process.pid}/{file}").write_text("0 100000 65536")

leave = ops.Call(native.unshare.step(CloneFlag.NEWUSER))
users = [leave, ops.Sync("maps ids", map_ids), ops.SetUser(0, 0)]

# %%
keep = tuple(Capability[name] for name in DEFAULT_CAPABILITIES)
rights = [ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]
seccomp, read_only = [lab.seccomp()], [ops.ReadonlyPaths(READONLY_PATHS)]
each = {"users": users, "rights": rights, "filter": seccomp, "read_only": read_only}
lab.attacks(each)

# %% [markdown] lang="en" id="together"
# No column is all green. The surprise is the last one: `/proc/sys` *was* read-only, and root simply took that away again
# (`umount`). A defence can be worth nothing alone and much beside another. So put them together; what Docker does by default is the
# middle column, for it does *not* use user namespaces unless it is told to (`userns-remap`).

# %% [markdown] lang="zh" of="924248e0"
# 没有哪一列是全绿的。最意外的是最后一列：`/proc/sys` 确实设成了只读，root 却轻轻松松把它撤掉了（`umount`）。
# 一种防御单独用可能一文不值，和别的配合才有用。那就把它们合起来。中间一列是 Docker 的默认做法：
# 除非特意开启（`userns-remap`），它不使用用户命名空间。

# %%
default = [*read_only, *seccomp, *rights]
every = [*read_only, *users, *seccomp, *rights]
lab.attacks({"two": read_only + rights, "docker": default, "all": every})

# %% [markdown] lang="en" id="confine-step"
# So "root inside is root outside" is true of the number and no longer of the power; and with a user namespace, not of the number.
#
# **Your second step**: all of that by the spec. In the order of the column *all*, for each line has its reason:
#
# 1. `ops.ReadonlyPaths(spec.readonly_paths)`, while there is still the right to mount
# 2. if `spec.uid_map` is not empty: the three ops of `users`. `spec.uid_map` goes into `uid_map`, `spec.gid_map` into `gid_map`: each
#    entry has `inside`, `outside` and `size`, and is a line of the table
# 3. `lab.seccomp()`: now, for without capabilities no filter can be loaded, and with it no user namespace can be made
# 4. `spec.capabilities.effective` are the names that stay: the two ops of `rights`

# %% [markdown] lang="zh" of="acdadded"
# 所以，“里面的 Root 等同于外面的 Root”，就编号而言仍然成立，就权力而言早已不同；用上用户命名空间，连编号也不同了。
#
# **你的第二步**：按 spec 完成以上全部。次序和 *all* 那一列相同，每一行都有它的道理：
#
# 1. `ops.ReadonlyPaths(spec.readonly_paths)`，趁还有挂载的权力
# 2. 如果 `spec.uid_map` 不为空：`users` 里的三个操作。`spec.uid_map` 写进 `uid_map`，`spec.gid_map` 写进 `gid_map`：
#    每一项有 `inside`、`outside`、`size`，就是对照表的一行
# 3. `lab.seccomp()`：就在这里，因为没有能力就装不了过滤器，装了过滤器就建不了用户命名空间
# 4. `spec.capabilities.effective` 是要保留的能力的名字：`rights` 里的两个操作

# %% tags=["exercise"] zh="返回收回权力的操作：程序不该有的都拿掉（10 行）。" of="0902861e"
@lab.step
def confine(spec):
    """Return the ops that take away what the program is not to have (10 lines)."""
    ...

# %% tags=["check"]
lab.check(confine)

# %% [markdown] lang="en" id="run-step"
# **Your third step** is `run` of lesson 1, limited and confined: `**more` are further fields of the spec, such as `resources`; the plan
# now begins with the ops of `limits`, and those of `confine` come before the program.

# %% [markdown] lang="zh" of="2c59a0ec"
# **你的第三步**是第 1 课的 `run`，加上限制和约束：`**more` 是 spec 的其他字段，例如 `resources`；
# 计划以 `limits` 的操作开头，`confine` 的操作排在程序之前。

# %% tags=["exercise"] zh="在限制和约束之下启动 `argv`；返回它的退出码（新增 4 行）。" of="1c380385"
@lab.step
def run(root, argv, name="box", **more):
    """Start `argv`, limited and confined; return its exit code (4 new lines)."""
    ...

# %% tags=["check"]
lab.check(run)

# %% [markdown] lang="en" id="run-it"
# Your own runtime says no. (`exec 2>&1` sends a shell's errors where its output goes.) And to whom do the files out here belong, for
# somebody who is user 100000?

# %% [markdown] lang="zh" of="d6d4bc77"
# 你自己的运行时会说“不”了。（`exec 2>&1` 让 shell 的错误信息也送到输出那里。）另外，对于外面的 100000 号用户来说，这些文件是谁的？

# %%
ids = (IdRange(inside=0, outside=100000, size=65536),)
run(root, ["sh", "-c", "exec 2>&1; mount -t tmpfs none /tmp; ls -ld /bin"])
argv = ["sh", "-c", "exec 2>&1; id -u; ls -ld /bin; touch /bin/x"]
run(root, argv, uid_map=ids, gid_map=ids)

# %% [markdown] lang="en" id="vm-attack"
# ## The same attack in a virtual machine
#
# There root has *all* of its power, and no defence at all. It writes the kernel's setting. And then?

# %% [markdown] lang="zh" of="fb6fdecf"
# ## 在虚拟机里发起同样的攻击
#
# 在虚拟机里，root 拥有全部权力，什么防御也没有。它改写了那个内核设置。然后呢？

# %%
setting = "/proc/sys/kernel/core_pattern"
lab.in_vm("uname -r", f"echo '|/attacker' > {setting}", f"cat {setting}")

# %%
changed = "attacker" in Path(setting).read_text()
print("out here:", os.uname().release, "- changed:", changed)

# %% [markdown] lang="en" id="isolation"
# It got through, and hit *its own kernel*: another one, as the version shows. That is what the article calls isolation of whole
# systems. On real processors it rests on hardware (Intel's VT-x, AMD's SVM; VT-d for devices): the guest's root is not the host's,
# and to break out one needs a flaw in the program that runs the machine (the *hypervisor*), which exposes far less than the 350 or so
# system calls of a kernel.
#
# What has changed since 2019: there *are* containers with hardware isolation. Kata Containers and Firecracker start each one in a
# small virtual machine of its own (a *microVM*); gVisor puts a kernel written in Go in between. And CPU flaws (Spectre, L1TF) showed
# that hardware walls leak, too.

# %% [markdown] lang="zh" of="2d8aade7"
# 得手了，但打中的是它自己的内核：从版本号就看得出是另一个。这就是文章说的“系统级别隔离”。在真实的处理器上，它依靠硬件
# （Intel 的 VT-x，AMD 的 SVM；设备用 VT-d）：租户的 Root 和宿主机的 Root 是分离的，
# 想突破就得找到虚拟机管理程序的漏洞，而它暴露的接口，比内核的三百五十来个系统调用少得多。
#
# 2019 年以来的变化：有硬件隔离的容器已经有了。Kata Containers 和 Firecracker 为每个容器启动一台小虚拟机（*microVM*）；
# gVisor 则在中间放一个用 Go 写的内核。另一方面，处理器漏洞（Spectre、L1TF）说明硬件的墙也会漏。

# %% [markdown] lang="en" id="compare"
# ## On one plot
#
# Now side by side: a bare process, containers, and virtual machines with the same `busybox`; and your own `run`, limits and all.
# **Draw your guess on paper**: where will your `run` lie? And how many times as long as your `run` does a virtual machine take? (The
# measurement takes half a minute, on a busy machine longer, and says what it is at; each dot will be one start.)

# %% [markdown] lang="zh" of="0303051f"
# ## 放到一张图上
#
# 现在并排来比：普通进程、容器、装着同样 `busybox` 的虚拟机，还有你自己的 `run`，连限制带约束。
# **先在纸上画出你的猜测**：你的 `run` 在哪里？虚拟机的启动时间是它的多少倍？（测量约半分钟，机器忙时更久，进行到哪一步会显示出来；每个点是一次启动。）

# %%
lab.guess("vm")

# %%
small = Resources(memory=64 << 20, pids=32)
mine = lab.timed(lambda: run(root, ["true"], resources=small))
found = lab.compare(mine)

# %% tags=["picture-start"]
lab.draw(found)

# %% [markdown] lang="en" id="seconds-minutes"
# **"Seconds against minutes" no longer holds**: a container is a matter of milliseconds (with Docker's whole machinery, of some
# hundred), and a small virtual machine one of a second or a few. Look at the corner of the plot: TCG means that the guest's processor
# was *emulated*, instruction by instruction; with KVM the real one does the work, and a microVM, a machine with hardly any devices,
# needs some hundred milliseconds. Minutes come from what is booted, a whole system with its services; so the ratio is still large,
# and it has a reason. Where does the time go?

# %% [markdown] lang="zh" of="3043c818"
# **“秒级对分钟级”今天已不成立**：容器是毫秒级（加上 Docker 的全套机制，也就几百毫秒），小虚拟机是一秒到几秒。
# 看图的一角：TCG 的意思是，虚拟机的处理器是逐条指令模拟出来的；用 KVM 则由真正的处理器干活，microVM（几乎没有设备的虚拟机）
# 只要一两百毫秒。“几分钟”来自开机的内容：一整套操作系统和它的服务。所以倍数依然很大，而且有原因。时间花在哪里？

# %%
machines = [found.get("start", name) for name in ("microvm", "q35", "virt")]
own = found.get("start", "mine").median
times = [machine.median / own for machine in machines if machine]
lab.outcome("vm", f"{min(times):.0f} ×" if times else None)

# %%
lab.draw(found, "waterfall")

# %% [markdown] lang="en" id="waterfall"
# A virtual machine is made, its firmware runs, a kernel finds memory, processors and devices. A container's start has none of these
# rows: that kernel has been running for long.
#
# ## How much memory, and how many?
#
# How many idle containers fit where one idle virtual machine does? (Below the plot stands how many of each would go into the memory
# that is free here.)

# %% [markdown] lang="zh" of="f256c09b"
# 虚拟机要先造出机器，跑固件，再由内核找到内存、处理器和设备。容器的启动没有这些行：那个内核早就在运行了。
#
# ## 占多少内存，能放多少个？
#
# 一台空闲的虚拟机占的内存，能放下多少个空闲的容器？（图下面还写着：这台机器的空闲内存里，每一种各能放下多少个。）

# %%
lab.guess("density")

# %%
lab.draw(found, "memory")

# %%
one = {each.subject: each.median for each in found.of("memory")}
vms = [one[name] for name in ("microvm", "q35", "virt") if name in one]
lab.outcome("density", f"{min(vms) / one['labcore']:.0f}" if vms else None)

# %% [markdown] lang="en" id="lighter"
# "Lighter" holds, clearly: one kernel for all, and one copy in memory of each library that comes from the same layer. (Of containers
# 50 were really started and weighed, of machines one; the rest is division.) Two grains of salt: a real container holds a real
# application, which weighs the same in both; and hypervisors share equal pages, too.
#
# ## No loss of speed?
#
# "Almost no performance loss", says the article. Six kinds of work, inside and outside. For which will the container's dot not lie at
# 1? Read the lines below the plot first: they are computed from what was measured here, and say what it is worth.

# %% [markdown] lang="zh" of="b77116d0"
# “更轻量”确实成立：所有容器共用一个内核，来自同一层的库在内存里也只有一份。（容器真的启动了 50 个来称重，虚拟机称了一台，其余是除法。）
# 但有两点要打折扣：真实的容器里是真实的应用，它在两边一样重；虚拟机管理程序也能合并相同的内存页。
#
# ## 没有性能损耗？
#
# 文章说“几乎没有性能损耗”。六种工作，里面外面各做一遍。哪一种，容器的点不在 1 上？
# 先读图下面的几行：它们是根据这里的实测数据算出来的，也说明这些数据有多可信。

# %%
lab.draw(found, "work")

# %% [markdown] lang="en" id="no-loss"
# What one sees on a quiet machine: arithmetic costs the same, for it is the same processor. But each system call passes the seccomp
# filter, and files are made through more layers: work that is *nothing but* system calls takes a fifth to a half longer, or twice
# as long. "Almost none" is true of computing, and of most programs, which do not call the kernel all the time. Where the lines under
# your plot say otherwise, believe them, and measure again when the machine has nothing else to do: two processors that take turns,
# or a neighbour at work, weigh more than a container.
#
# (What the plot does not have: network through a bridge and address translation, and writing through an overlay, lesson 3's
# *copy-up*, cost more.) For the virtual machine: emulated, all is slow; with KVM arithmetic is at 1× as well, and what leaves the
# guest, disk and network, is expensive.

# %% [markdown] lang="zh" of="85598dc8"
# 在空闲的机器上会看到：纯计算没有差别，因为用的是同一个处理器。但每次系统调用都要经过 seccomp 过滤器，新建文件还要多走几层：
# 只做系统调用的工作要慢百分之几十，甚至慢一倍。“几乎没有损耗”对计算成立，对多数程序也成立，因为它们并不总在调用内核。
# 如果你的图下面写的不一样，就以那几行为准，等机器空闲时再测一遍：进程在哪个处理器上运行、旁边有没有别的活在干，影响比容器大得多。
#
# （图上没有的：网络经过网桥和地址转换、经由 overlay 写文件（第 3 课的**向上复制**，copy-up）代价更高。）
# 至于虚拟机：模拟出来的样样都慢；用 KVM 时纯计算同样是 1×，代价高的是要走出虚拟机的事，即磁盘和网络。

# %% [markdown] lang="en" id="redeploy"
# ## Kill it, and have it back
#
# "Docker gets availability by fast redeployment." A service says `ready`; we kill it, five times, and start another. For how long is it away?

# %% [markdown] lang="zh" of="dc0e0365"
# ## 杀掉，再重来
#
# “Docker 对业务的高可用支持是通过快速重新部署实现的。”有个服务启动后会说 `ready`；我们把它杀掉五次，每次都重新启动一个。服务会中断多久？

# %%
lab.guess("outage")

# %%
script = "echo $RANDOM > /data; echo ready; sleep 600"
service = labcore.plan("busybox", ["sh", "-c", script])
away, killed = [], time.perf_counter()
for life in range(6):
    with spawn(service, stdin=DEVNULL, stdout=PIPE) as process:
        process.stdout.readline()
        away.append((time.perf_counter() - killed) * 1e3)
        killed = time.perf_counter()
lab.outcome("outage", ", ".join(f"{ms:.1f} ms" for ms in away[1:]))

# %% [markdown] lang="en" id="availability"
# A few milliseconds, and this loop is all of `docker run --restart always`. But look at what was *not* saved: `/data` of each life is
# gone, open connections are cut, and if the **machine** fails the loop fails with it. So redeployment suits what keeps its data
# elsewhere. A virtual machine can be moved to another host while it runs, memory and connections and all.
#
# ## What one machine cannot show
#
# - **99.999 %** is five minutes a year. It cannot be measured in an afternoon, and is a promise of a contract on many machines, not of a program.
# - **Live migration, fault tolerance, load balancing** take a cluster. Containers have gained much of that since 2019: Kubernetes
#   starts anew elsewhere, balances load, rolls versions out and back. Moving a *running* container (CRIU) has stayed rare.
# - **Management**: "not yet mature" was fair of Docker Swarm. Kubernetes has become the common tool, even for virtual machines (KubeVirt);
#   VMware's vCenter is what the article compares with, and we have none here.

# %% [markdown] lang="zh" of="4f663984"
# 几毫秒，而这个循环就是 `docker run --restart always` 的全部。但看看没有救回来的：每一次的 `/data` 都没了，连接都断了；
# **机器**一坏，循环也跟着坏。所以重新部署适合数据放在别处的服务。虚拟机则可以在运行中搬到另一台主机，内存、连接一起带走。
#
# ## 一台机器上试不了的
#
# - **99.999%** 就是一年五分钟。一个下午测不出来，那是很多台机器上的一份合同承诺，不是某个程序的性质。
# - **在线迁移、容错、负载均衡**要有集群。2019 年以来容器这边补上了很多：Kubernetes 会在别处重新启动，会均衡负载，会滚动升级和回退。
#   搬动一个运行中的容器（CRIU）至今少见。
# - **管理工具**：“还不算成熟”用来说 Docker Swarm 还算公平。如今 Kubernetes 已是通用工具，连虚拟机也能管（KubeVirt）；
#   文章拿来比较的 VMware vCenter，我们这里没有。

# %% [markdown] lang="en" id="delivery"
# - **Created in minutes?** Creating an *image* of a virtual machine takes minutes still; starting from one does not, as you saw. Time is saved
#   mostly there: a test that needs a fresh system can have one each time.
# - **Delivery**: a machine's image is one large file, and how it was made is in somebody's head. A Dockerfile says how (lessons 8 to 10),
#   and layers travel one by one (lesson 3). For machines, Packer and Vagrant do what Dockerfiles do: this folder has a `Vagrantfile`.
#
# ## So, which?
#
# Containers are faster to start, lighter, and as fast at work; machines keep strangers apart. Most clouds do both: containers *in*
# virtual machines. Whoever runs code of people who do not trust each other on one kernel should use all four defences.

# %% [markdown] lang="zh" of="37f062c2"
# - **创建要几分钟？** 制作虚拟机镜像仍要几分钟；从镜像启动则不用，你已经看到了。省下的时间主要在这里：测试需要干净的系统，每次都能有一个。
# - **交付**：虚拟机镜像是一个大文件，怎么做出来的只在某人的脑子里。Dockerfile 写明了过程（第 8 到 10 课），
#   层可以一层一层地分发（第 3 课）。虚拟机这边，Packer 和 Vagrant 做的是类似的事：这个目录里就有一个 `Vagrantfile`。
#
# ## 那么，选哪个？
#
# 容器启动更快、更轻，干活一样快；虚拟机则能把互不信任的人隔开。多数云两样都用：把容器放在虚拟机里。
# 若要在同一个内核上运行互不信任的人的代码，四种防御就都该用上。

# %% [markdown] lang="en" id="freezer"
# ## Further: a pause, and a fifth of a processor
#
# The same directories can do more. The *freezer* stops a group between two instructions: that is `docker pause`. This shell counts as
# fast as it can; how much of the processor (in hundredths of a second) does it use, of half a second, while it is frozen?

# %% [markdown] lang="zh" of="4a6e5465"
# ## 进阶：暂停，以及五分之一个处理器
#
# 同样的目录还能做更多。**冻结器**（freezer）能让整个组停在两条指令之间：这就是 `docker pause`。这个 shell 拼命计数；在半秒里，它用掉多少处理器时间（单位：百分之一秒）？冻结期间呢？

# %%
group = lab.cgroup("counter")
count = labcore.plan("busybox", ["sh", "-c", "while true; do i=$((i+1)); echo $i; done"])
places = dict.fromkeys(group[name] for name in ("pids", "cpu", "freezer"))
joined = Plan([ops.JoinCgroup(tuple(places)), *count])
counter = spawn(joined, stdin=DEVNULL, stdout=DEVNULL)
def used():
    return sum(map(int, Path(f"/proc/{counter.pid}/stat").read_text().split()[13:15]))

# %%
for state in ("running", "frozen", "running"):
    group.freeze() if state == "frozen" else group.thaw()
    before = used()
    time.sleep(0.5)
    print(f"{state:8} {used() - before:3}")

# %% [markdown] lang="en" id="cpu"
# And a share of the processor: 20 ms in each 100 (`docker run --cpus 0.2`). Of one second, that is?

# %% [markdown] lang="zh" of="2eed30fe"
# 再限制处理器的份额：每 100 毫秒给 20 毫秒（`docker run --cpus 0.2`）。一秒钟里，会用掉多少？

# %%
group.cpu(20_000, 100_000)
before = used()
time.sleep(1)
print(used() - before)
counter.close()

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

# %% [markdown] lang="zh" of="54013e95"
# ## 什么都没留下

# %%
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` has gained `limits`, `confine` and a `run` that uses both. What it does not do that labcore does: share out
# processors (`--cpus`), limit open files (`--ulimit`), take rights one by one (`--cap-add`), say no to devices, load an AppArmor profile. Its
# containers stand on a directory that was prepared for them. In lesson 3 it gets images.

# %% [markdown] lang="zh" of="af64995e"
# 你的 `my_runtime.py` 多了 `limits`、`confine`，`run` 也用上了它们。labcore 会做而它还不会的：分配处理器（`--cpus`），限制打开的文件数（`--ulimit`），
# 逐项增减权限（`--cap-add`），禁止设备，加载 AppArmor 配置。它的容器还建在事先准备好的目录上。第 3 课，它会得到镜像。
