# %% [markdown] lang="en" id="title"
# # 7. Common commands
#
# Docker has more than sixty commands; a dozen of them are typed every day. In this lesson you type each of these once, see what it asks
# of the daemon, and look into the kernel for what it has done there. `pause`, `exec` and a network with a published port you write
# yourself, for your own daemon. At the end there is a page for the wall, made of what you ran. The core takes about 75 minutes.

# %% [markdown] lang="zh" of="ae4bf521"
# # 7. 常用命令
#
# Docker 有六十多条命令，每天真正敲的不过十来条。这一课里，这些命令你都要敲一遍，看它向守护进程请求了什么，再到内核里看看发生了什么。
# `pause`、`exec`，还有一个带端口映射的网络，由你亲手为自己的守护进程写出来。最后会用你运行过的命令生成一页速查表，可以贴在墙上。
# 主线约 75 分钟。

# %% [markdown] lang="en" id="help"
# ## `docker -h`
#
# Every tour begins with the list of commands. The daemon below is labcore's real one, on a directory of this lesson; `docker(…)` runs the
# docker command for it, and prints below the output, behind an arrow, what the command asked of the daemon. What will `--help` ask?

# %% [markdown] lang="zh" of="9683d333"
# ## `docker -h`
#
# 先看看有哪些命令。下面的守护进程是 labcore 真正的那个，数据放在本课自己的目录里；`docker(…)` 对它运行 docker 命令，
# 并在输出下面用箭头列出这条命令向守护进程发出的请求。`--help` 会请求什么？

# %%
from labcore.lab.vocabulary import *
lab.begin(7)
daemon = lab.daemon(images=("busybox",))

# %%
docker = lab.commands(daemon)
docker("--help", lines=18)

# %% [markdown] lang="en" id="help-lines"
# Nothing: the command itself knows its commands. (`docker -h` still works, and says that it is deprecated, for `-h` is `run`'s host
# name. `docker run --help` explains one command.)
#
# ## `pause`: stopped, and it does not know
#
# A container to try things on: it counts aloud, twice a second. Everybody knows how to hold a program for a while: Ctrl-Z sends it a
# signal, and `ps` shows `T`, *stopped*. In which state will a **paused** container's process be?

# %% [markdown] lang="zh" of="a9e6d86f"
# 什么也没请求：有哪些命令，客户端自己知道。（`docker -h` 还能用，但会提示已弃用，因为 `-h` 在 `run` 里是主机名。`docker run --help` 解释单条命令。）
#
# ## `pause`：停住了，自己却不知道
#
# 先准备一个试验用的容器：它每秒报两次数。怎样让程序停一会儿，大家都会：按 Ctrl-Z 就是给它发一个信号，`ps` 里显示 `T`（已停止）。
# 容器被**暂停**之后，进程会处于什么状态？

# %%
lab.guess("pause")

# %%
ticks = 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.5; done'
docker(f"run -d --name clock busybox sh -c '{ticks}'")
docker("pause clock")
pid = docker("inspect -f '{{.State.Pid}}' clock").output.strip()
freezer = Path(lab.cgroup_of(pid)["freezer"], FREEZER)
print(re.search("State.*", Path(f"/proc/{pid}/status").read_text())[0])
print(freezer.name, freezer.read_text(), end="")
lab.outcome("pause")

# %% [markdown] lang="en" id="freezer"
# No signal was sent. One word was written into a file of the container's **cgroup** (lesson 2), and since then the kernel gives no process in
# there the processor. A stopped process could be continued by anybody who may send it SIGCONT, its parent is told of it, and a child
# that is forked at that very moment runs on. Of the freezer, nobody in there can notice anything. (`D` is a
# sleep that no signal ends; cgroups of version 2 show another letter.)
#
# Now your own daemon. Your container has no cgroup that could be frozen, so **your first step** is `start` once more (lesson 5), with
# two new lines. A process is moved into a cgroup by writing its number into the file `cgroup.procs` there; its children are born in it.
#
# - `lab.cgroup(NAME)["freezer"]` makes a cgroup and gives its directory; the name is the first 12 digits of `container.id`
#   (not of `id`, which may be a name)
# - the command that you started so far gets something in front:
#   `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`, a shell that moves itself (`$$` is its own number) and then
#   becomes your runtime

# %% [markdown] lang="zh" of="b8cb48b6"
# 没有发任何信号，只是往容器的 **cgroup**（第 2 课）的一个文件里写了一个词，内核从此不再让里面的任何进程上处理器。
# 如果用信号暂停：谁有权发 SIGCONT，谁就能让它继续；父进程会得到通知；恰好在那一刻 fork 出来的子进程还会照跑。
# 而冻结器（freezer）的事，里面谁也察觉不到。（`D` 是信号叫不醒的睡眠；cgroup v2 上是别的字母。）
#
# 现在轮到你自己的守护进程。你的容器还没有可以冻结的 cgroup，所以**你的第一步**是再写一次 `start`（第 5 课），新增两行。
# 把进程号写进 cgroup 里的文件 `cgroup.procs`，进程就搬了进去；之后它的子进程一出生就在里面。
#
# - `lab.cgroup(NAME)["freezer"]` 新建一个 cgroup，给出它的目录；名字取 `container.id` 的前 12 位
#   （不是 `id` 的：它可能是容器名）
# - 在原来启动的命令前面加上 `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`：
#   这个 shell 先把自己搬进去（`$$` 是它自己的进程号），然后变成你的运行时

# %% tags=["exercise"] zh="照旧启动容器，但放进它自己的 cgroup；204（新增 2 行）。" of="bb49f2f2"
@lab.step
def start(daemon, request, id):
    """Start the container as before, in a cgroup of its own; 204 (2 new lines)."""
    ...

# %% tags=["check"]
lab.check(start)

# %% [markdown] lang="en" id="pause-step"
# **Your second step** is `pause` itself. In cgroups of version 1 the word `FROZEN` or `THAWED` goes into `freezer.state`, in version 2
# `1` or `0` into `cgroup.freeze`; the names `FREEZER`, `FROZEN` and `THAWED` hold what this machine wants. `lab.group(NAME)["freezer"]` is
# the directory of a cgroup that was made before. Look the container up first, as
# always; write, and answer 204.

# %% [markdown] lang="zh" of="1e6d77e1"
# **你的第二步**就是 `pause`。cgroup v1 是往 `freezer.state` 里写 `FROZEN` 或 `THAWED`，v2 是往 `cgroup.freeze` 里写 `1` 或 `0`；
# 这台机器用哪种，已经放在 `FREEZER`、`FROZEN`、`THAWED` 这几个名字里。`lab.group(NAME)["freezer"]` 是先前建好的 cgroup 的目录。
# 照例先查容器，再写进去，应答 204。

# %% tags=["exercise"] zh="冻结容器的进程；204（3 行）。" of="d5f8fc4e"
@lab.step
def pause(daemon, request, id):
    """Freeze the container's processes; 204 (3 lines)."""
    ...

# %% tags=["check"]
lab.check(pause)

# %% [markdown] lang="en" id="mine"
# The docker command on **your** daemon (`unpause` is labcore's until you write it, in the challenges below). Docker's clock, by the way, is still
# paused. Which ticks will its log show, now and a second later?

# %% [markdown] lang="zh" of="ad87665c"
# 用 docker 命令操作**你的**守护进程（`unpause` 暂时由 labcore 提供，后面的挑战题里由你来写）。顺便说一句，前面那个时钟还暂停着。
# 它的日志里，现在和一秒之后，各会显示报到几？

# %%
store = lab.new_store("busybox")
mine = lab.serve()
small = lab.commands(mine)
made = small(f"run -d busybox sh -c '{ticks}'").output.strip()[:12]
small(f"pause {made}")
print(Path(lab.group(made)["freezer"], FREEZER).read_text(), end="")
small(f"unpause {made}")

# %%
docker("logs --tail 1 clock")
time.sleep(1)
docker("logs --tail 1 clock")
docker("exec clock true")
docker("unpause clock")

# %% [markdown] lang="en" id="life"
# ## A container's life
#
# The same tick twice; and `exec` is refused, with 409. Which states there are, and which command leads from one to the other, stands in
# one table of the engine. This picture is drawn from it, and follows the clock: keep it in sight (right-click it, *Create New View for Output*).

# %% [markdown] lang="zh" of="d253fba9"
# ## 容器的一生
#
# 两次报的是同一个数；而 `exec` 被拒绝，状态码 409。容器有哪些状态，哪条命令从一个状态走到另一个，都写在引擎的一张表里。
# 下面的图就是照着它画的，并且跟着时钟变化：把它留在眼前（在图上点右键，选 *Create New View for Output*）。

# %%
life = lab.life(daemon, "clock")
life

# %% [markdown] lang="en" id="run"
# `run` is not on it: it is create and start, as you have seen on the wire above (and wait, which begins before there is anything to miss).
# Now the other way round: `docker --help` listed *Management Commands*, a second name for each command since 2017, sorted by what it is about.
# What is different on the wire, if one types `docker image ls` in place of `docker images`?

# %% [markdown] lang="zh" of="928ae2e9"
# 图上没有 `run`：它就是 create 加 start，你在上面的请求里已经看到了（还有 wait，它先开始等，才不会错过什么）。
# 再反过来看：`docker --help` 里列着 *Management Commands*，2017 年起每条命令都有这样的第二个名字，按管理对象分组。
# 把 `docker images` 写成 `docker image ls`，请求会有什么不同？

# %%
lab.guess("two names")

# %%
docker("images")
docker("image ls")
docker("ps")
lab.outcome("two names")

# %% [markdown] lang="en" id="two-names"
# `docker container ls` is `docker ps`, `docker image rm` is `docker rmi`. So learn the calls, not the spellings.

# %% [markdown] lang="zh" of="6b0e5fee"
# `docker container ls` 就是 `docker ps`，`docker image rm` 就是 `docker rmi`。所以要记的是请求，不是写法。

# %% [markdown] lang="en" id="exec"
# ## `exec`: one more in the same room
#
# `docker exec` starts a further program in a container that runs. How many of its six namespaces does it have for itself?

# %% [markdown] lang="zh" of="77fdeab3"
# ## `exec`：同一个房间里再来一个
#
# `docker exec` 在运行着的容器里再启动一个程序。六种命名空间里，有几种是它自己独有的？

# %%
lab.guess("exec")

# %%
docker("exec -d clock sleep 300")
top = docker("top clock -o pid,args").output
sleeper = re.search(r"(\d+) +sleep 300", top)[1]
lab.namespaces(int(pid), int(sleeper), labels=["clock", "exec"])

# %%
docker("exec clock ps")
lab.outcome("exec")

# %% [markdown] lang="en" id="setns"
# None: it has joined those of the container, by the system call `setns(2)`, a namespace at a time; `/proc/PID/ns/` holds a file for each.
# (Two tables of one thing: `top` shows the numbers of this machine, read from `/proc` out here; `ps` runs inside and shows those of the PID
# namespace. Look for `sleep 300` in both.) The order matters: `setns` into a PID namespace does not move the caller, only children that it
# makes **afterwards**. So one joins first, and clones then.
#
# `docker exec` makes two calls that matter. The first, `exec_create`, only notes what is wanted; labcore does that for you: an `Exec` in
# `daemon.execs`, by its id, which knows its `.container` and its `.argv`. **Your third step**, `exec_start`, answers the second:
#
# - `made = daemon.execs[id]` is that `Exec`
# - `ops.JoinCgroup((DIRECTORY,))` first, with the container's own freezer: else `pause` would miss this process
# - `ops.JoinNamespaces(…)` takes a tuple of pairs, a flag and a file: for each kind in `NAMESPACES`, `NAMESPACE_FLAGS[kind]` and
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`; the container's first process is `made.container.pid`
# - then `ops.Clone()`, and `ops.Execve(argv, (), tried)` with `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`; then send what comes from `made.output()` as in lesson 6: `Hijack(…)` of frames, each with its head of 8 bytes

# %% [markdown] lang="zh" of="4506af07"
# 一种也没有：它加入了容器的命名空间，用的是系统调用 `setns(2)`，一次加入一种；`/proc/PID/ns/` 下每种都有一个文件。
# （同一件事，两张表：`top` 显示本机的编号，是在外面读 `/proc` 得来的；`ps` 在里面运行，显示 PID 命名空间里的编号。在两张表里找找 `sleep 300`。）
# 顺序很要紧：`setns` 进入 PID 命名空间时，调用者自己并不会过去，只有它**之后**创建的子进程才在里面。所以要先加入，再 clone。
#
# `docker exec` 要紧的请求有两个。第一个是 `exec_create`，只是记下想运行什么，由 labcore 替你做：`daemon.execs` 里按 id 存着一个 `Exec`，
# 它知道自己的 `.container` 和 `.argv`。第二个就是**你的第三步** `exec_start`：
#
# - `made = daemon.execs[id]` 就是那个 `Exec`
# - 先是 `ops.JoinCgroup((DIRECTORY,))`，用容器自己的冻结器：否则 `pause` 会漏掉这个进程
# - `ops.JoinNamespaces(…)` 接受由二元组（标志，文件）组成的元组：对 `NAMESPACES` 里的每个 `kind`，就是 `NAMESPACE_FLAGS[kind]` 和
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`；容器的第一个进程是 `made.container.pid`
# - 然后是 `ops.Clone()`，以及 `ops.Execve(argv, (), tried)`，其中 `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`；再像第 6 课那样，把 `made.output()` 给出的内容发出去：`Hijack(…)`，一帧一帧，每帧带 8 字节的头

# %% tags=["exercise"] zh="在容器里启动程序；把输出一帧一帧发出去（6 行）。" of="b92d0df7"
@lab.step
def exec_start(daemon, request, id):
    """Start the program in the container; send its output in frames (6 lines)."""
    ...

# %% tags=["check"]
lab.check(exec_start)

# %% [markdown] lang="en" id="exec-mine"
# Who is number 1 in there?

# %% [markdown] lang="zh" of="87f4c28f"
# 里面的 1 号是谁？

# %%
small(f"exec {made} ps")
small(f"exec {made} sh -c 'echo to standard error >&2; exit 7'").status

# %% [markdown] lang="en" id="logs"
# (In a terminal one mostly types `docker exec -it NAME sh`: `-i` keeps the input open, `-t` gives the program a terminal. A notebook
# has none.) Your exec is mightier than the container: it keeps all of root's capabilities, and no filter looks at its calls. That is a way out of it. labcore's and
# Docker's give it the container's own rights, no more.
#
# ## `logs`: who writes them down?
#
# The container wrote to its standard output, and nobody was watching. Now the daemon is killed with `kill -9`, and started again a
# second later. Are there ticks of that time?

# %% [markdown] lang="zh" of="10ccb4f2"
# （在终端里最常敲的是 `docker exec -it 名字 sh`：`-i` 保持输入打开，`-t` 给程序一个终端。笔记本里没有终端。）
# 你的 exec 比容器更强大：它保留了 root 的全部能力（capability），也没有过滤器检查它的系统调用。这就是一条逃逸的路。
# labcore 和 Docker 的 exec 只给它容器自己的权力，不会更多。
#
# ## `logs`：谁在记录？
#
# 容器往标准输出写，当时并没有人在看。现在用 `kill -9` 杀掉守护进程，一秒后再启动。这段时间的报数还在吗？

# %%
lab.guess("logs")

# %%
daemon.kill()
time.sleep(1)
daemon.start()
docker("logs --tail 4 clock")
lab.outcome("logs")

# %% [markdown] lang="en" id="monitor"
# No gap. Beside each container stands a small program, its **monitor**: it holds the other ends of the container's pipes, and writes what comes into a file; when the container
# ends, it notes the exit code. The daemon only reads. (In Docker `containerd-shim` holds the pipes, but dockerd
# writes the file, as JSON: `/var/lib/docker/containers/ID/ID-json.log`, which grows without end unless you set `--log-opt max-size`. While
# dockerd is away, with `live-restore`, what a pipe holds can wait, and then the program has to.) Here is labcore's, with a time before each piece:

# %% [markdown] lang="zh" of="0b014b83"
# 没有缺口。每个容器旁边都有一个小程序，叫**监视进程**（monitor）：它握着容器管道的另一端，把收到的写进文件；容器结束时，由它记下退出码。
# 守护进程只是读。（Docker 里握着管道的是 `containerd-shim`，写文件的却是 dockerd，格式是 JSON，在 `/var/lib/docker/containers/ID/ID-json.log`，
# 不设 `--log-opt max-size` 就会一直变大；开着 `live-restore` 而 dockerd 不在时，管道装满了，程序就得等。）labcore 的文件是这样的，每段前面带着时间：

# %%
log = next(Path(daemon.root).glob("containers/*/log"))
print(log.stat().st_size, log.read_bytes()[-70:])
lab.processes(int(pid))

# %% [markdown] lang="en" id="cp"
# ## `cp`, `diff`, `commit`: the files
#
# A container's root (labcore's) is mounted in its own mount namespace only. `docker cp` reaches it all the same, and so can you: how, without a container command?

# %% [markdown] lang="zh" of="abcddea1"
# ## `cp`、`diff`、`commit`：文件
#
# 容器的根只挂载在它自己的挂载命名空间里。`docker cp` 照样够得着，你也可以：不用任何容器命令，怎样做到？

# %%
docker("exec clock sh -c 'echo hello > /note'")
Path(f"/proc/{pid}/root/note").read_text()

# %%
docker("cp clock:/note -", lines=0)
docker("diff clock")
docker("commit clock mine:1")
docker("history mine:1")

# %% [markdown] lang="en" id="files-text"
# `/proc/PID/root` leads into the root of any process: that is the door of `cp`, which packs a **tar archive** there and sends it (`-` is standard output; the archive is not
# shown here). `diff` lists the writable layer of lesson 3, and `commit` makes a layer of an image of it. Meanwhile the container is paused, so that no file is half written: look at the picture above.
# A committed image says nothing of how it was made; that is what Dockerfiles are for (lesson 8), and `docker build` (lesson 10).
#
# ## `update`, `stats`: limits
#
# Which file of the kernel's will change?

# %% [markdown] lang="zh" of="7b14ea25"
# `/proc/PID/root` 通向任何一个进程的根：`cp` 走的就是这扇门，它在那里打成 **tar 归档**发过来（`-` 表示标准输出；归档内容这里不显示）。
# `diff` 列出第 3 课讲的可写层，`commit` 把它变成镜像的一层。这期间容器处于暂停状态，免得有文件只写了一半：看看上面的图。
# commit 出来的镜像说不清自己是怎么来的；所以才有 Dockerfile（第 8 课）和 `docker build`（第 10 课）。
#
# ## `update`、`stats`：限额
#
# 内核里的哪个文件会变？

# %%
docker("update --memory 32m --memory-swap 32m clock")
print(MEMORY_MAX, Path(lab.cgroup_of(pid)["memory"], MEMORY_MAX).read_text(), end="")
docker("stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' clock")

# %% [markdown] lang="en" id="stop"
# ## `stop`: please, and then no longer
#
# `docker stop` sends SIGTERM, which ends a program that has not said otherwise. Ours has not. With `-t 3`: how long will it take?

# %% [markdown] lang="zh" of="145a21fa"
# ## `stop`：先礼后兵
#
# `docker stop` 发送 SIGTERM；程序没有另作安排的话，收到就会结束。我们的程序没有作安排。带上 `-t 3`，要多久？

# %%
lab.guess("stop")

# %%
begun = time.monotonic()
docker("stop -t 3 clock")
print(f"{time.monotonic() - begun:.0f} s")
docker("ps -a --format '{{.Names}}: {{.Status}}'")
lab.outcome("stop")

# %% [markdown] lang="en" id="stop-text"
# All three seconds, and then SIGKILL: 137 is 128 + 9. It is process 1 of its PID namespace, and the kernel throws away signals that such a process has no handler for
# (only SIGKILL and SIGSTOP from outside get through: pid_namespaces(7)). That is why so many containers take ten seconds to stop. Cures: a handler in the program, or `docker run --init`,
# which puts a small process 1 before it. And with a handler?

# %% [markdown] lang="zh" of="5ea3fc49"
# 整整三秒，然后是 SIGKILL：137 就是 128 + 9。它是自己 PID 命名空间里的 1 号进程；没有设处理函数的信号，内核会替 1 号进程丢掉
# （从外面来的，只有 SIGKILL 和 SIGSTOP 有效：pid_namespaces(7)）。所以那么多容器停下来都要十秒。
# 办法：在程序里设处理函数，或者用 `docker run --init`，让一个小程序来当 1 号进程。设了处理函数会怎样？

# %%
polite = 'trap "echo bye; exit 0" TERM; sleep 60 & wait'
docker(f"run -d --name polite busybox sh -c '{polite}'")
docker("stop polite")
docker("logs polite")
docker("ps -a --format '{{.Names}}: {{.Status}}'")

# %% [markdown] lang="en" id="rm"
# What has ended is still there, with its files: `start` would have it run again. `rm` takes it away, `rm -f` also one that runs, and `rmi` an image.

# %% [markdown] lang="zh" of="1326b788"
# 结束了的容器还在，文件也在：`start` 可以让它再次运行。`rm` 把它删掉，`rm -f` 连运行着的也删，`rmi` 删除镜像。

# %%
docker("start clock")
docker("rm clock")
docker("rm -f clock polite")
docker("rmi mine:1")

# %%
life.picture

# %% [markdown] lang="en" id="images-commands"
# ## `pull`, `push`, `search`, `tag`: images
#
# These you know from lessons 3 and 6; here they are with docker's own command, and a registry in this notebook. (`docker search` asks Docker Hub, and only that;
# `docker login` keeps a password for a registry: lesson 3.) Which of them needs no network?

# %% [markdown] lang="zh" of="c067fb2f"
# ## `pull`、`push`、`search`、`tag`：镜像
#
# 这些第 3、6 课已经见过；这里用 docker 自己的命令再走一遍，仓库就在本笔记本里。（`docker search` 只查 Docker Hub；
# `docker login` 为某个仓库保存密码：第 3 课。）其中哪一条不需要走网络？

# %%
registry = lab.registry()
name = f"{registry.address}/busybox:mine"
docker(f"tag busybox {name}")
docker(f"push -q {name}")
docker(f"rmi {name}")
docker(f"pull -q {name}")

# %% [markdown] lang="en" id="network"
# ## A network, piece by piece
#
# Since lesson 1 your containers have a network namespace of their own, and nobody has ever put anything into it. What is in there? Can a
# program in it at least reach itself, at 127.0.0.1?

# %% [markdown] lang="zh" of="27f89594"
# ## 网络，一件一件来
#
# 从第 1 课起，你的容器就有自己的网络命名空间，可从来没有人往里面放过东西。那里面有什么？里面的程序至少能连上自己，也就是 127.0.0.1 吗？

# %%
lab.guess("loopback")

# %%
busybox = f"{lab.root()}/bin/busybox"
program = ops.Execve(("sleep", "1000"), (), (busybox,))
box = spawn(Plan([ops.Clone(CloneFlag.NEWNET), program]))
inside = lab.ip(box.pid)
inside

# %%
lab.outcome("loopback")

# %% [markdown] lang="en" id="two-boxes"
# `lab.ip(pid)` is the network of a process. Its methods are lines of the command `ip`, which you find on every Linux machine
# (`set_up("lo")` is `ip link set lo up`); they send the kernel the same *rtnetlink* messages.
#
# The other side would be your machine. Let us leave that alone: `lab.host()` is one more process with an empty network, which plays the
# machine from here on, and ends with this notebook. What is between the two?

# %% [markdown] lang="zh" of="a284a94c"
# `lab.ip(pid)` 是一个进程的网络。它的方法就是 `ip` 命令的一行行用法，每台 Linux 上都有这个命令
# （`set_up("lo")` 相当于 `ip link set lo up`），发给内核的也是同样的 *rtnetlink* 消息。
#
# 另一头本该是你的机器。我们不去动它：`lab.host()` 是另一个进程，网络也是空的，从这里起由它扮演宿主机，随笔记本一起结束。
# 现在，这两者之间有什么？

# %%
host = lab.host()
lab.network(box.pid, labels=["box"], of=host)

# %% [markdown] lang="en" id="veth"
# Nothing. What is needed is a cable, and Linux has one made of software: a **veth pair**, two links of which each puts out what is put
# into the other. Both ends are made in the same place; then one is pushed through the wall, to a process that is named by its number.
# Which end will you see where?

# %% [markdown] lang="zh" of="91c7921b"
# 什么也没有。缺一根网线，而 Linux 有软件做的网线：**veth 对**，也就是成对的两个网络接口，从一端送进去的，会从另一端出来。
# 两端先在同一处建好，再把其中一端塞到墙那边去，用进程编号指明是谁的网络。哪一端会出现在哪里？

# %%
outside = lab.ip(host)
outside.add_veth("veth9", "peer9")
outside.set_netns("peer9", box.pid, "eth0")
lab.network(box.pid, labels=["box"], of=host)

# %% [markdown] lang="en" id="bridge"
# `peer9` is gone from the host, and is called `eth0` over there. The circles are hollow: both ends are switched off, and neither has an
# address.
#
# With a second container there would be a second cable, and they would have to meet somewhere. So the host's end is not plugged
# into the host, but into a switch: a **bridge**, made of software, too. The bridge is a link of the host as well, and that one has the
# host's address.

# %% [markdown] lang="zh" of="85f75568"
# `peer9` 从宿主机上消失了，到了那边，名字是 `eth0`。圆圈是空心的：两端都还没有启用，也都没有地址。
#
# 有了第二个容器，就会有第二根网线，它们总得在哪里碰头。所以宿主机这一端不直接插在宿主机上，而是插在一台交换机上：
# **网桥**（bridge），同样是软件做的。网桥本身也是宿主机的一个接口，宿主机的地址就配在它上面。

# %%
outside.add_bridge("lab0")
outside.add_address("10.7.0.1/24", "lab0")
outside.set_master("veth9", "lab0")
outside.set_up("lab0", "veth9")

# %%
inside.add_address("10.7.0.9/24", "eth0")
inside.set_up("lo", "eth0")
lab.network(box.pid, labels=["box"], of=host)

# %% [markdown] lang="en" id="knock"
# Does anything get through? We send one packet, the first of a TCP connection, from the host to port 80 of the box, and look out for it
# on every interface. In the box there is only a `sleep`: nobody listens. What will come back?

# %% [markdown] lang="zh" of="bc10eaae"
# 通了吗？从宿主机向盒子的 80 端口发一个包（TCP 连接的第一个包），在每个接口上守着看它经过。
# 盒子里只有一个 `sleep`，没有人监听。会得到什么答复？

# %%
lab.guess("knock")

# %%
lab.packet("host", box.pid, 80, labels=["box"], of=host)

# %%
lab.outcome("knock")

# %% [markdown] lang="en" id="route"
# *Refused* is good news: the kernel in the box has got the packet, and has answered. (No news at all, a *timeout*, is what a missing cable
# or a firewall looks like. Remember the difference; it is half of all network trouble.)
#
# And the other way round, out into the world? 192.0.2.1 is an address that is kept free for examples.

# %% [markdown] lang="zh" of="a0ad69e3"
# “拒绝连接”是好消息：盒子里的内核收到了包，并且作了答复。（毫无音讯，也就是**超时**，才像是网线没接好，或者有防火墙。
# 记住这个区别，网络故障有一半靠它来分辨。）
#
# 反过来，从盒子到外面的世界呢？192.0.2.1 是专门留给举例用的地址。

# %%
lab.packet(box.pid, "192.0.2.1", 80, labels=["box"], of=host)

# %%
inside.add_default_route("10.7.0.1")
lab.packet(box.pid, "192.0.2.1", 80, labels=["box"], of=host)

# %% [markdown] lang="en" id="bridge-step"
# First the packet was on no interface: the box knows the way to 10.7.0.0/24, and to nowhere else. With a **default route** it hands to
# 10.7.0.1 whatever it does not know. There the way ends, for our host has no cable to the world. Docker's daemon would see to two more
# things here: that the machine forwards (`net.ipv4.ip_forward`), and that it puts its own address in the place of the container's
# (*masquerade*), for nobody out there could answer to 10.7.0.9.
#
# Now as steps. **`bridge`** makes the bridge in the network of process `host`, as above: `lab0`, with 10.7.0.1/24, up. It is called for
# each container, so if the bridge is there (`ip.has("lab0")`) it does nothing.

# %% [markdown] lang="zh" of="40a59cbd"
# 第一次，包没有在任何接口上出现：盒子只认得去 10.7.0.0/24 的路，别的都不认得。有了**默认路由**，凡是不认得的都交给 10.7.0.1。
# 到那里路就断了，因为我们的宿主机没有通向外界的网线。换成 Docker 的守护进程，这里还要再管两件事：让机器转发
# （`net.ipv4.ip_forward`），并用机器自己的地址顶替容器的地址（*masquerade*，地址伪装），因为外面没有人能回复 10.7.0.9。
#
# 现在写成步骤。**`bridge`** 在进程 `host` 的网络里建好网桥，和上面一样：`lab0`，10.7.0.1/24，启用。
# 每启动一个容器都会调用它，所以网桥已经在的话（`ip.has("lab0")`），就什么也不做。

# %% tags=["exercise"] zh="在进程 `host` 的网络里建好网桥 `lab0`；已经有了就不再建（5 行）。" of="ab6ebc00"
@lab.step
def bridge(host):
    """Make the bridge `lab0` in the network of `host`, unless it is there (5 lines)."""
    ...

# %% tags=["check"]
lab.check(bridge)

# %% [markdown] lang="en" id="connect-step"
# **`connect`** lays the cable of a container: process `pid` gets an `eth0`, with an address and a default route.
#
# - begin with `bridge(host)`; then `lab.ip(host)` and `lab.ip(pid)`
# - a number that is free: the kernel keeps the book. `next(n for n in range(2, 255) if not out.has(f"veth{n}"))`: a cable goes when
#   its container does, and its number with it
# - a veth pair `veth{number}`, `peer{number}`; the second end goes to `pid`, as `eth0`
# - the first end into the bridge, and up
# - inside: the address `10.7.0.{number}/24`; `lo` and `eth0` up; the default route by 10.7.0.1 (it is refused as long as `eth0` is down)
#
# It returns nothing.

# %% [markdown] lang="zh" of="b88f21bc"
# **`connect`** 为一个容器接上网线：进程 `pid` 得到 `eth0`、地址和默认路由。
#
# - 先 `bridge(host)`；然后 `lab.ip(host)` 和 `lab.ip(pid)`
# - 找一个没用过的编号，账由内核来记：`next(n for n in range(2, 255) if not out.has(f"veth{n}"))`。容器没了，网线就没了，编号也就空出来了
# - 建 veth 对 `veth{number}`、`peer{number}`；第二端交给 `pid`，改名 `eth0`
# - 第一端插进网桥，启用
# - 里面：地址 `10.7.0.{number}/24`；启用 `lo` 和 `eth0`；默认路由经 10.7.0.1（`eth0` 没启用时，内核会拒绝这条路由）
#
# 它不返回任何东西。

# %% tags=["exercise"] zh="从网桥接一根网线到进程 `pid` 的网络（10 行）。" of="a0217bea"
@lab.step
def connect(host, pid):
    """Lay a cable from the bridge into the network of process `pid` (10 lines)."""
    ...

# %% tags=["check"]
lab.check(connect)

# %% [markdown] lang="en" id="run-network"
# When must that happen? The container's namespace has to be there, and its program must not run yet. For this there is an op that you
# know from lesson 2, where it wrote the tables of users: at **`ops.Sync("…", action)`** the new process waits, while
# `action(process)` is called out here.
#
# **`run`**, once more, with two new lines: such an op that calls `connect(lab.host(), process.pid)` (a `lambda process: …` will do), and
# its place: behind `namespaces(spec)`. Take your text from lesson 3 (or the solution there).

# %% [markdown] lang="zh" of="c4db45fb"
# 这件事要在什么时候做？容器的命名空间必须已经有了，而程序还不能开始运行。第 2 课用过的一个操作正合适，当时用它写用户对照表：
# 新进程停在 **`ops.Sync("…", action)`** 处等着，外面这边调用 `action(process)`。
#
# 再写一次 **`run`**，新增两行：一个这样的操作，调用 `connect(lab.host(), process.pid)`（写成 `lambda process: …` 就行）；
# 以及它的位置：放在 `namespaces(spec)` 之后。其余照抄你第 3 课的代码（或那里的参考答案）。

# %% tags=["exercise"] zh="像第 3 课那样启动 `argv`，并接上网桥（新增 2 行）。" of="89c60323"
@lab.step
def run(root, argv, name="box", **more):
    """Start `argv` as in lesson 3, connected to the bridge (2 new lines)."""
    ...

# %% tags=["check"]
lab.check(run)

# %% [markdown] lang="en" id="publish-step"
# ## `-p`: a published port
#
# The container has an address now, and only its host knows it. `docker run -p 8080:80` makes port 80 of the container be found at port 8080
# of the machine. Docker does that in two ways at once. A rule in the kernel writes another destination into each packet (*DNAT*: you see it at
# work further below). And a process of its own, `docker-proxy`, stands behind the port and copies bytes, for whatever no rule
# reaches. Without root there is the second way only, and it is the one that shows more: you write it.
#
# **`publish`**: connections to `port` of this machine, 127.0.0.1, are passed on to port `inside` of the container. In it, two small functions:
#
# - `copy(source, target)`: as long as `source.recv(1 << 16)` gives bytes, `target.sendall` them. No bytes means that the other side has
#   said all it wanted to; pass that on, too: `target.shutdown(socket.SHUT_WR)`
# - `serve(client)`: `with lab.dial(lab.address(container.pid), inside) as server:` is a connection to the container (made from the host's
#   network: a socket stays for ever in the namespace where it was made). Both directions at once:
#   `lab.background(copy, client, server)`, and then `copy(server, client)`
#
# and one line: `lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)` (`wait` without parentheses: it
# is called there). It calls `serve` with each connection, in a
# thread of its own, until the container has ended. (A port that is in use is an OSError. Do not catch it: the user wants to know.)

# %% [markdown] lang="zh" of="6add2dfd"
# ## `-p`：端口映射
#
# 容器现在有地址了，但只有它的宿主机知道。`docker run -p 8080:80` 让人在机器的 8080 端口就能找到容器的 80 端口。
# Docker 同时用了两种办法。一是在内核里放一条规则，把每个包的目的地址改掉（*DNAT*，下面会看到它怎样工作）。
# 二是另起一个进程 `docker-proxy`，守在端口后面搬运字节，规则管不到的都归它。没有 root 权限时只有第二种办法，而它也更能说明问题：这一种由你来写。
#
# **`publish`**：凡是连到本机 127.0.0.1 的 `port` 端口的，都转给容器的 `inside` 端口。里面有两个小函数：
#
# - `copy(source, target)`：只要 `source.recv(1 << 16)` 还给出字节，就 `target.sendall` 送过去。一个字节也没有，说明对方的话说完了；
#   这一点也要转达：`target.shutdown(socket.SHUT_WR)`
# - `serve(client)`：`with lab.dial(lab.address(container.pid), inside) as server:` 是到容器的连接（从宿主机的网络里发起：
#   套接字在哪个命名空间里建立，就永远属于哪里）。两个方向要同时进行：先 `lab.background(copy, client, server)`，再 `copy(server, client)`
#
# 最后一行：`lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)`（`wait` 不带括号：由它去调用）。它为每个连接单开一个线程调用 `serve`，
# 直到容器结束。（端口已被占用会抛出 OSError。不要接住它：用户需要知道。）

# %% tags=["exercise"] zh="只要容器还在运行，就把连到端口的连接转给容器的端口（8 行）。" of="68b0a582"
@lab.step
def publish(port, container, inside):
    """Pass a port's connections on to one of the container, while it runs (8 lines)."""
    ...

# %% tags=["check"]
lab.check(publish)

# %% [markdown] lang="en" id="publish-mine"
# Your daemon has all it needs: `-p` stands in the request to *create*, under `HostConfig.PortBindings`, and labcore's `create` has your
# `publish` called before the start (at the end you may write that yourself). So:

# %% [markdown] lang="zh" of="e25f4a78"
# 你的守护进程已经万事俱备：`-p` 写在 *create* 请求的 `HostConfig.PortBindings` 里，labcore 的 `create` 会在启动之前调用你的 `publish`
# （最后你可以自己来写这部分）。那就试试：

# %%
port = lab.free_port()
small(f"run -d -p {port}:80 busybox httpd -f -p 80 -h /etc")
lab.fetch(f"http://127.0.0.1:{port}/passwd", within=10).decode().splitlines()[0]

# %%
lab.network(of=mine)

# %% [markdown] lang="en" id="in-use"
# The stock docker command, your daemon, your cable, your port: and a page out of the container's `/etc`. (Your daemon has a host of its
# own, so `box` is not on it.) Try it in your browser, too. What
# does a second container say that wants the same port?

# %% [markdown] lang="zh" of="3eeb1439"
# 原装的 docker 命令，你的守护进程，你的网线，你的端口，取回了容器 `/etc` 里的一个文件。（你的守护进程有自己的一台“宿主机”，所以看不到 `box`。）用浏览器也试试。
# 再来一个容器，也要这个端口，会怎么说？

# %%
small(f"run -d -p {port}:80 busybox httpd -f -p 80 -h /etc")

# %% [markdown] lang="en" id="names"
# ## Two services, and a name
#
# Back to the real daemon. Addresses are handed out anew with each start, so nobody writes one into a configuration. There it says
# `http://web/`. How does a container find out who that is?

# %% [markdown] lang="zh" of="7da18e32"
# ## 两个服务，一个名字
#
# 回到真正的守护进程。每次启动，地址都重新分配，所以谁也不会把地址写进配置文件，那里写的是 `http://web/`。容器怎么知道那是谁？

# %%
lab.guess("names")

# %%
docker("network create shop")
docker("run -d --name web --network shop busybox httpd -f -p 80 -h /etc")
docker("run -d --name asker --network shop busybox sleep 1000")

# %% [markdown] lang="en" id="asking"
# Two containers on a network that we have made. While `wget` runs in one of them, what it asks on its own loopback is written down:

# %% [markdown] lang="zh" of="1b687a24"
# 两个容器，在我们自己建的一个网络里。其中一个运行 `wget` 时，把它在自己的回环接口上问了什么记下来：

# %%
docker("exec asker cat /etc/resolv.conf")
with lab.lookups(daemon, "asker") as asked:
    docker("exec asker wget -qO- http://web/hostname")
asked

# %%
lab.outcome("names")

# %% [markdown] lang="en" id="names-lines"
# What `wget` printed is the host name of `web`: its id. And the table is what went over the container's own loopback meanwhile: it asked
# 127.0.0.11, the name server in its `/etc/resolv.conf`, twice (`A` is an address of IPv4, `AAAA` one of IPv6). Who answers there is not in
# the container: the daemon has opened a socket in its network namespace, as `lab.dial` has for you, and knows all names of this
# network, of no other. What it does not know it asks the machine's own name server.
#
# (On the network `bridge`, which all get who name none, docker answers no names. Whoever wants them makes a network.) The request itself goes
# straight from cable to cable:

# %% [markdown] lang="zh" of="195517b9"
# `wget` 打印的是 `web` 的主机名，也就是它的 id。表格里则是这期间经过容器自己回环接口的问答：它问的是 127.0.0.11，
# 即 `/etc/resolv.conf` 里写的域名服务器，问了两次（`A` 是 IPv4 地址，`AAAA` 是 IPv6 地址）。答话的并不在容器里：
# 守护进程在容器的网络命名空间里开了一个套接字，就像 `lab.dial` 替你做的那样；它知道这个网络里的所有名字，别的网络的一概不知。
# 它不知道的，就去问机器自己的域名服务器。
#
# （不指定网络就会进 `bridge`，在那里 docker 不解析名字。想用名字，就自己建一个网络。）请求本身则从一根网线直接走到另一根：

# %%
lab.packet("asker", "web", 80, of=daemon)

# %% [markdown] lang="en" id="dnat"
# And the other way to publish a port, with a rule in the kernel? Where does the packet get a new address, and who copies bytes?

# %% [markdown] lang="zh" of="c436ae63"
# 发布端口的另一种办法，内核里的规则，又是什么样子？包在哪里换了地址，谁在搬运字节？

# %%
door = lab.free_port()
docker(f"run -d --name front --network shop -p {door}:80 busybox httpd -f -p 80 -h /etc")
lab.packet("host", "127.0.0.1", door, of=daemon)

# %% [markdown] lang="en" id="dnat-lines"
# Nobody. It left for 127.0.0.1, and before it was on any interface the kernel had written the container's address over that (*DNAT*), and
# the bridge's over its own (*masquerade*), so that the answer finds its way back. No process has touched it. (In
# Docker a connection from the machine itself to 127.0.0.1 is the one case for `docker-proxy`, unless that is switched off.)
#
# Everything away again, the containers first:

# %% [markdown] lang="zh" of="9931d5a3"
# 没有人搬运。它本来要去 127.0.0.1，还没到任何接口，内核就把目的地址换成了容器的（*DNAT*），又把源地址换成了网桥的（*masquerade*），
# 这样答复才找得到回来的路。没有任何进程碰过它。（在 Docker 里，本机连 127.0.0.1 正好归 `docker-proxy` 管，除非关掉它。）
#
# 全部收拾掉，先收容器：

# %%
docker("rm -f web asker front")
docker("network rm shop")
box.close()

# %% [markdown] lang="en" id="dashboard"
# ## All at a glance
#
# Whoever types `docker ps` all the time will like this: the daemon's containers, what they use, their logs and buttons, everything over the same calls. Press a few.

# %% [markdown] lang="zh" of="19ec782f"
# ## 一目了然
#
# 总在敲 `docker ps` 的人会喜欢它：守护进程的各个容器、占用的资源、日志和按钮，用的都是同样的请求。按几个试试。

# %%
docker(f"run -d --name clock busybox sh -c '{ticks}'")
lab.dashboard(daemon.url)

# %% [markdown] lang="en" id="page"
# ## A page for the wall
#
# Here is every command that you have run, the first of each kind, with what it asked and what the kernel did. `lab.commands_page().save("commands.md")` writes it to a file.

# %% [markdown] lang="zh" of="4e0891c4"
# ## 贴在墙上的一页
#
# 这是你运行过的每一种命令（每种取第一条）：它请求了什么，内核做了什么。`lab.commands_page().save("commands.md")` 把它写进文件。

# %%
lab.commands_page()

# %% [markdown] lang="en" id="challenges"
# ## Further: five challenges
#
# Until now labcore's own have stood in here. Write them yourself; none takes more than six new lines.

# %% [markdown] lang="zh" of="92f40a73"
# ## 进阶：五道挑战题
#
# 有几个应答至今由 labcore 代劳。自己写写看，每个新增都不超过六行。

# %% [markdown] lang="en" id="create-ports"
# **`create`**, a challenge: lesson 6's, and the ports. `request.json()` has, where `-p` was given (and `null`, or nothing, where not):
#
#     "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}}
#
# For each of them `container.before_start(publish, 8080, container, 80)`: it is called when the container is started, before its
# process is there. (`-p 80` alone has an empty `HostPort`: port 0 is for the kernel to choose.)

# %% [markdown] lang="zh" of="92241e6a"
# **`create`**（挑战题）：第 6 课的内容，再加上端口。给了 `-p` 时，`request.json()` 里有（没给时是 `null`，或者根本没有）：
#
#     "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}}
#
# 对其中每一个，`container.before_start(publish, 8080, container, 80)`：容器启动时、进程还没有之前，就会调用它。
# （只写 `-p 80` 时，`HostPort` 是空的：端口 0 表示由内核来选。）

# %% tags=["exercise"] zh="像第 6 课那样创建容器，带上要发布的端口（新增 3 行）。" of="18f5eb08"
@lab.step
def create(daemon, request):
    """Make a container as in lesson 6, with its published ports (3 new lines)."""
    ...

# %% tags=["check"]
lab.check(create)

# %% [markdown] lang="en" id="exec-challenges"
# **`unpause`**, `POST /containers/{id}/unpause`: thaw, and 204.
#
# **`exec_create`**, `POST /containers/{id}/exec`: the body is `{"Cmd": ["ps"], …}`; make `Exec(container, argv)`, keep it in `daemon.execs` under
# its `.id`, and answer 201 with `{"Id": …}`. For a container whose `.state` is not `"running"`:
# `Reply(409, {"message": f"Container {container.id} is not running"})`.

# %% [markdown] lang="zh" of="6027956a"
# **`unpause`**，`POST /containers/{id}/unpause`：解冻，应答 204。
#
# **`exec_create`**，`POST /containers/{id}/exec`：请求体是 `{"Cmd": ["ps"], …}`；造一个 `Exec(container, argv)`，按它的 `.id` 存进 `daemon.execs`，
# 应答 201 和 `{"Id": …}`。容器的 `.state` 不是 `"running"` 时，应答 `Reply(409, {"message": f"Container {container.id} is not running"})`。

# %% tags=["exercise"] zh="让容器的进程继续；204。" of="cbf36d79"
@lab.step
def unpause(daemon, request, id):
    """Let the container's processes go on; 204."""
    ...

# %% tags=["check"]
lab.check(unpause)

# %% tags=["exercise"] zh="记下要在容器里运行的程序；201 和它的 Id，或者 409。" of="3ff0f30b"
@lab.step
def exec_create(daemon, request, id):
    """Note a program that is to run in the container; 201 and its Id, or 409."""
    ...

# %% tags=["check"]
lab.check(exec_create)

# %% [markdown] lang="en" id="inspect-challenges"
# `docker exec` asks for these two as well, before and after (a container has `.id`, `.name`, `.state`, `.pid`, `.returncode`, `.image`,
# `.argv`):
#
# - **`inspect`**, `GET /containers/{id}/json`: 200 with `Id`, `Name` (with a `/` in front), `State` (`Status`, `Running`, `Pid`, `ExitCode`: 0
#   where there is none) and `Config` (`Image`, `Cmd`)
# - **`exec_inspect`**, `GET /exec/{id}/json`: 200 with `ID`, `ContainerID`, `Running`, `ExitCode` (`made.returncode`, which is `None` until the
#   end)

# %% [markdown] lang="zh" of="c5d73625"
# `docker exec` 还要问这两个，一前一后（容器知道自己的 `.id`、`.name`、`.state`、`.pid`、`.returncode`、`.image`、`.argv`）：
#
# - **`inspect`**，`GET /containers/{id}/json`：200，包含 `Id`、`Name`（前面带 `/`）、`State`（`Status`、`Running`、`Pid`、`ExitCode`：没有就是 0）
#   和 `Config`（`Image`、`Cmd`）
# - **`exec_inspect`**，`GET /exec/{id}/json`：200，包含 `ID`、`ContainerID`、`Running`、`ExitCode`（即 `made.returncode`，结束之前是 `None`）

# %% tags=["exercise"] zh="给出 `docker inspect` 要显示的容器信息。" of="a48696d9"
@lab.step
def inspect(daemon, request, id):
    """Tell of a container what `docker inspect` shows."""
    ...

# %% tags=["check"]
lab.check(inspect)

# %% tags=["exercise"] zh="说明容器里的一个程序是否还在运行，以及退出码。" of="90ba0318"
@lab.step
def exec_inspect(daemon, request, id):
    """Tell of a program in a container whether it runs, and its exit code."""
    ...

# %% tags=["check"]
lab.check(exec_inspect)

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# This breaks something on purpose, and says what a user complains of. Find the cause with the commands of this lesson, `fault.docker("…")`, and
# mend it. (Two options of `docker run` may help: `-e NAME=VALUE` sets a variable, `-v NAME:/DIR` mounts a volume, a directory that
# outlives containers.) The check looks from outside whether it runs. The next numbers break something else; `print(fault.cause)` is for those who give up.

# %% [markdown] lang="zh" of="47580b4c"
# ## 进阶：找出故障
#
# 下面故意弄坏一样东西，并说出用户抱怨什么。用这一课的命令 `fault.docker("…")` 找出原因，然后修好。（`docker run` 有两个选项也许用得上：
# `-e 名字=值` 设置环境变量；`-v 名字:/目录` 挂载一个卷，就是容器没了也还在的目录。）
# 检查从外面看它是否真的能用了。换成后面的数字，坏的就是别的地方；放弃的人可以看 `print(fault.cause)`。

# %%
fault = lab.fault(7, seed=1)
fault

# %%
fault.check()

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
# Two daemons, containers, cgroups, networks. And the machine?

# %% [markdown] lang="zh" of="0c872778"
# ## 什么都没留下
#
# 两个守护进程，还有容器、cgroup 和网络。机器本身呢？

# %%
fault.restore()
lab.reset()

# %% [markdown] lang="en" id="next"
# Your daemon has gained `pause`, `exec` and a network. What it does not do that labcore does: show logs, stop containers politely, give
# `exec` the container's rights and a terminal, keep what containers write when it is killed.
#
# All that you have run so far came from images that somebody else had made. The last three lessons make them: in lesson 8 you read a
# Dockerfile, in 9 each of its instructions does its work, in 10 a page of your own is served from an image of your own.

# %% [markdown] lang="zh" of="d1155801"
# 你的守护进程多了 `pause`、`exec` 和网络。labcore 会做而它还不会的：显示日志，礼貌地停止容器，让 `exec` 只有容器的权力、给它一个终端，
# 自己被杀时仍保住容器的输出。
#
# 到现在为止，你运行的都是别人做好的镜像。最后三课自己来做：第 8 课读懂 Dockerfile，第 9 课让每条指令各做各的事，第 10 课从自己的镜像发布自己的网页。
