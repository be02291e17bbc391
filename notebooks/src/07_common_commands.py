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
# A container to try things on: it counts aloud, once a second. Everybody knows how to hold a program for a while: Ctrl-Z sends it a
# signal, and `ps` shows `T`, *stopped*. In which state will a **paused** container's process be?

# %% [markdown] lang="zh" of="110af43d"
# 什么也没请求：有哪些命令，客户端自己知道。（`docker -h` 还能用，但会提示已弃用，因为 `-h` 在 `run` 里是主机名。`docker run --help` 解释单条命令。）
#
# ## `pause`：停住了，自己却不知道
#
# 先准备一个试验用的容器：它每秒报一次数。怎样让程序停一会儿，大家都会：按 Ctrl-Z 就是给它发一个信号，`ps` 里显示 `T`（已停止）。
# 容器被**暂停**之后，进程会处于什么状态？

# %%
lab.guess("pause")

# %%
ticks = 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 1; done'
docker(f"run -d --name clock busybox sh -c '{ticks}'")
docker("pause clock")
pid = docker("inspect -f '{{.State.Pid}}' clock").output.strip()
freezer = Path(lab.cgroup_of(pid)["freezer"], FREEZER)
print(re.search("State.*", Path(f"/proc/{pid}/status").read_text())[0])
print(freezer.name, freezer.read_text())
lab.outcome("pause")

# %% [markdown] lang="en" id="freezer"
# No signal was sent. One word was written into a file of the container's **cgroup** (lesson 2), and since then the kernel gives no process in
# there the processor. A stopped process could be continued by anybody who may send it SIGCONT, its parent is told of it, and a child
# that is forked at that very moment runs on. Of the freezer, nobody in there can notice anything.
#
# Now your own daemon. Your container has no cgroup that could be frozen, so **your first step** is `start` once more (lesson 5), with
# two new lines. A process is moved into a cgroup by writing its number into the file `cgroup.procs` there; its children are born in it.
#
# - `lab.cgroup(NAME)["freezer"]` makes a cgroup and gives its directory; the name is the first 12 digits of the container's id
# - the command that you started so far gets something in front:
#   `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`, a shell that moves itself (`$$` is its own number) and then
#   becomes your runtime

# %% [markdown] lang="zh" of="14cb2d6a"
# 没有发任何信号，只是往容器的 **cgroup**（第 2 课）的一个文件里写了一个词，内核从此不再让里面的任何进程上处理器。
# 如果用信号暂停：谁有权发 SIGCONT，谁就能让它继续；父进程会得到通知；恰好在那一刻 fork 出来的子进程还会照跑。
# 而冻结器（freezer）的事，里面谁也察觉不到。
#
# 现在轮到你自己的守护进程。你的容器还没有可以冻结的 cgroup，所以**你的第一步**是再写一次 `start`（第 5 课），新增两行。
# 把进程号写进 cgroup 里的文件 `cgroup.procs`，进程就搬了进去；之后它的子进程一出生就在里面。
#
# - `lab.cgroup(NAME)["freezer"]` 新建一个 cgroup，给出它的目录；名字取容器 id 的前 12 位
# - 在原来启动的命令前面加上 `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`：
#   这个 shell 先把自己搬进去（`$$` 是它自己的进程号），然后变成你的运行时

# %% tags=["exercise"] zh="用第 4 课的命令启动容器，放进它自己的 cgroup；204（新增 2 行）。" of="f1d6fe93"
@lab.step
def start(daemon, request, id):
    """Start the container by the command of lesson 4, in a cgroup of its own; 204 (2 new lines)."""
    ...

# %% tags=["check"]
lab.check(start)

# %% [markdown] lang="en" id="pause-step"
# **Your second step** is `pause` itself. In cgroups of version 1 the word `FROZEN` or `THAWED` goes into `freezer.state`, in version 2
# `1` or `0` into `cgroup.freeze`; the names `FREEZER`, `FROZEN` and `THAWED` hold what this machine wants. `lab.group(NAME)["freezer"]` is
# the directory of a cgroup that was made before. Write, and answer 204.

# %% [markdown] lang="zh" of="f067fa0c"
# **你的第二步**就是 `pause`。cgroup v1 是往 `freezer.state` 里写 `FROZEN` 或 `THAWED`，v2 是往 `cgroup.freeze` 里写 `1` 或 `0`；
# 这台机器用哪种，已经放在 `FREEZER`、`FROZEN`、`THAWED` 这几个名字里。`lab.group(NAME)["freezer"]` 是先前建好的 cgroup 的目录。
# 写进去，回答 204。

# %% tags=["exercise"] zh="冻结容器的进程；204（3 行）。" of="d5f8fc4e"
@lab.step
def pause(daemon, request, id):
    """Freeze the container's processes; 204 (3 lines)."""
    ...

# %% tags=["check"]
lab.check(pause)

# %% [markdown] lang="en" id="mine"
# The docker command on **your** daemon (`unpause` is labcore's until you write it, in the challenges below). Docker's clock, by the way, is still
# paused. Which ticks will its log show, now and two seconds later?

# %% [markdown] lang="zh" of="6877ab82"
# 用 docker 命令操作**你的**守护进程（`unpause` 暂时由 labcore 提供，后面的挑战题里由你来写）。顺便说一句，前面那个时钟还暂停着。
# 它的日志里，现在和两秒之后，各会显示报到几？

# %%
store = lab.new_store("busybox")
mine = lab.serve()
small = lab.commands(mine)
made = small(f"run -d busybox sh -c '{ticks}'").output.strip()[:12]
small(f"pause {made}")
print(Path(lab.group(made)["freezer"], FREEZER).read_text())
small(f"unpause {made}")

# %%
docker("logs --tail 1 clock")
time.sleep(2)
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
# `run` is not on it. How many calls did `docker run -d` make? Scroll up only after your guess.

# %% [markdown] lang="zh" of="838abf61"
# 图上没有 `run`。`docker run -d` 发出了几个请求？先猜，再往上翻。

# %%
lab.guess("run calls")

# %%
docker("images")
docker("image ls")
docker("ps")
lab.outcome("run calls")

# %% [markdown] lang="en" id="two-names"
# Create, wait and start: there is no call named *run*. And two commands may be one call: since 2017 each command has a second, longer name, sorted
# by what it is about (*Management Commands* in the list above). `docker image ls` is `docker images`, `docker container ls` is `docker ps`, `docker image rm` is `docker rmi`.
# So learn the calls, not the spellings.

# %% [markdown] lang="zh" of="4b8f2718"
# create、wait、start：并没有一个名为 *run* 的请求。反过来，两条命令也可能是同一个请求：2017 年起，每条命令都有一个较长的名字，按管理对象分组
# （上面列表里的 *Management Commands*）。`docker image ls` 就是 `docker images`，`docker container ls` 就是 `docker ps`，`docker image rm` 就是 `docker rmi`。
# 所以要记的是请求，不是写法。

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
lab.namespaces(os.getpid(), int(pid), int(sleeper), labels=["notebook", "clock", "exec"])

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
# `daemon.execs`, by its id, which knows its `.container` and its `.argv`. **Your third step**, `exec_start`, is the second one:
#
# - `ops.JoinCgroup((DIRECTORY,))` first, with the container's own freezer: else `pause` would miss this process
# - `ops.JoinNamespaces(…)` takes a tuple of pairs, a flag and a file: for each kind in `NAMESPACES`, `NAMESPACE_FLAGS[kind]` and
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`; the container's first process is `made.container.pid`
# - then `ops.Clone()`, and `ops.Execve(argv, (), tried)` with `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`; then send what comes from `made.output()` as in lesson 6: `Hijack(…)` of frames, each with its head of 8 bytes

# %% [markdown] lang="zh" of="4fc52af5"
# 一种也没有：它加入了容器的命名空间，用的是系统调用 `setns(2)`，一次加入一种；`/proc/PID/ns/` 下每种都有一个文件。
# （同一件事，两张表：`top` 显示本机的编号，是在外面读 `/proc` 得来的；`ps` 在里面运行，显示 PID 命名空间里的编号。在两张表里找找 `sleep 300`。）
# 顺序很要紧：`setns` 进入 PID 命名空间时，调用者自己并不会过去，只有它**之后**创建的子进程才在里面。所以要先加入，再 clone。
#
# `docker exec` 要紧的请求有两个。第一个是 `exec_create`，只是记下想运行什么，由 labcore 替你做：`daemon.execs` 里按 id 存着一个 `Exec`，
# 它知道自己的 `.container` 和 `.argv`。第二个就是**你的第三步** `exec_start`：
#
# - 先是 `ops.JoinCgroup((DIRECTORY,))`，用容器自己的冻结器：否则 `pause` 会漏掉这个进程
# - `ops.JoinNamespaces(…)` 接受由二元组（标志，文件）组成的元组：对 `NAMESPACES` 里的每个 `kind`，就是 `NAMESPACE_FLAGS[kind]` 和
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`；容器的第一个进程是 `made.container.pid`
# - 然后是 `ops.Clone()`，以及 `ops.Execve(argv, (), tried)`，其中 `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`；再像第 6 课那样，把 `made.output()` 给出的内容发出去：`Hijack(…)`，一帧一帧，每帧带 8 字节的头

# %% tags=["exercise"] zh="在容器的 cgroup 和命名空间里启动程序；把输出一帧一帧发出去（6 行）。" of="ff05ba79"
@lab.step
def exec_start(daemon, request, id):
    """Start the program in the container's cgroup and namespaces; send its output in frames (6 lines)."""
    ...

# %% tags=["check"]
lab.check(exec_start)

# %% [markdown] lang="en" id="exec-mine"
# Who is number 1 in there?

# %% [markdown] lang="zh" of="87f4c28f"
# 里面的 1 号是谁？

# %%
small(f"exec {made} ps")
small(f"exec {made} sh -c 'echo to standard error >&2; exit 7'")

# %% [markdown] lang="en" id="logs"
# Your exec is mightier than the container: it keeps all of root's capabilities, and no filter looks at its calls. That is a way out of it. labcore's and
# Docker's give it the container's own rights, no more.
#
# ## `logs`: who writes them down?
#
# The container wrote to its standard output, and nobody was watching. Now the daemon is killed with `kill -9`, for two seconds. Are there ticks of that time?

# %% [markdown] lang="zh" of="05c1b9cc"
# 你的 exec 比容器更强大：它保留了 root 的全部能力（capability），也没有过滤器检查它的系统调用。这就是一条逃逸的路。
# labcore 和 Docker 的 exec 只给它容器自己的权力，不会更多。
#
# ## `logs`：谁在记录？
#
# 容器往标准输出写，当时并没有人在看。现在用 `kill -9` 杀掉守护进程两秒钟。这段时间的报数还在吗？

# %%
lab.guess("logs")

# %%
daemon.kill()
time.sleep(2)
daemon.start()
docker("logs --tail 4 clock")
lab.outcome("logs")

# %% [markdown] lang="en" id="monitor"
# No gap. Beside each container stands a small program, its **monitor**: it holds the other ends of the container's pipes, and writes what comes into a file; when the container
# ends, it notes the exit code. The daemon only reads. (In Docker it is `containerd-shim`; the file is JSON there, `/var/lib/docker/containers/ID/ID-json.log`, and grows without
# end unless you set `--log-opt max-size`.) Here is labcore's, with a time before each piece:

# %% [markdown] lang="zh" of="a14ff0ed"
# 没有缺口。每个容器旁边都有一个小程序，叫**监视进程**（monitor）：它握着容器管道的另一端，把收到的写进文件；容器结束时，由它记下退出码。
# 守护进程只是读。（Docker 里的对应物是 `containerd-shim`；文件是 JSON 格式，在 `/var/lib/docker/containers/ID/ID-json.log`，
# 不设 `--log-opt max-size` 就会一直变大。）labcore 的文件是这样的，每段前面带着时间：

# %%
log = next(Path(daemon.root).glob("containers/*/log"))
print(log.stat().st_size, log.read_bytes()[-70:])
lab.processes(int(pid))

# %% [markdown] lang="en" id="cp"
# ## `cp`, `diff`, `commit`: the files
#
# A container's root is mounted in its own mount namespace only. `docker cp` reaches it all the same, and so can you: how, without a container command?

# %% [markdown] lang="zh" of="76ea5683"
# ## `cp`、`diff`、`commit`：文件
#
# 容器的根只挂载在它自己的挂载命名空间里。`docker cp` 照样够得着，你也可以：不用任何容器命令，怎样做到？

# %%
docker("exec clock sh -c 'echo hello > /tmp/note'")
Path(f"/proc/{pid}/root/tmp/note").read_text()

# %%
docker("cp clock:/tmp/note -", lines=0)
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
print(MEMORY_MAX, Path(lab.cgroup_of(pid)["memory"], MEMORY_MAX).read_text())
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
# `docker login` keeps a password for a registry: lesson 3.) Which of the four asks the daemon for nothing that goes over the network?

# %% [markdown] lang="zh" of="ef049ff3"
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
# ## Further: four challenges
#
# Until now labcore's own have stood in here. Write them yourself; none takes more than six lines.
#
# - **`unpause`**, `POST /containers/{id}/unpause`: thaw, and 204
# - **`exec_create`**, `POST /containers/{id}/exec`: the body is `{"Cmd": ["ps"], …}`; make `Exec(container, argv)`, keep it in `daemon.execs` under its
#   `.id`, and answer 201 with `{"Id": …}`. For a container whose `.state` is not `"running"`:
#   `Reply(409, {"message": f"Container {container.id} is not running"})`

# %% [markdown] lang="zh" of="92f7c4f6"
# ## 进阶：四道挑战题
#
# 有几个应答至今由 labcore 代劳。自己写写看，每个都不超过六行。
#
# - **`unpause`**，`POST /containers/{id}/unpause`：解冻，回答 204
# - **`exec_create`**，`POST /containers/{id}/exec`：请求体是 `{"Cmd": ["ps"], …}`；造一个 `Exec(container, argv)`，按它的 `.id` 存进 `daemon.execs`，
#   回答 201 和 `{"Id": …}`。容器的 `.state` 不是 `"running"` 时，回答
#   `Reply(409, {"message": f"Container {container.id} is not running"})`

# %% tags=["exercise"] zh="让容器的进程继续；204。" of="cbf36d79"
@lab.step
def unpause(daemon, request, id):
    """Let the container's processes go on; 204."""
    ...

# %% tags=["check"]
lab.check(unpause)

# %% tags=["exercise"] zh="记下要在容器里运行的程序；201 和它的 Id；容器没有运行则 409。" of="6c138600"
@lab.step
def exec_create(daemon, request, id):
    """Note a program that is to run in the container; 201 and its Id, or 409 if the container does not run."""
    ...

# %% tags=["check"]
lab.check(exec_create)

# %% [markdown] lang="en" id="inspect-challenges"
# `docker exec` asks for these two as well, before and after:
#
# - **`inspect`**, `GET /containers/{id}/json`: 200 with `Id`, `Name` (with a `/` in front), `State` (`Status`, `Running`, `Pid`, `ExitCode`: 0
#   where there is none) and `Config` (`Image`, `Cmd`)
# - **`exec_inspect`**, `GET /exec/{id}/json`: 200 with `ID`, `ContainerID`, `Running`, `ExitCode` (`made.returncode`, which is `None` until the
#   end)

# %% [markdown] lang="zh" of="56b35266"
# `docker exec` 还要问这两个，一前一后：
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
lab.reset()

# %% [markdown] lang="en" id="next"
# Your daemon has gained `pause`, `exec` and a network. What it does not do that labcore does: give `exec` the container's rights and a terminal, keep what containers write
# when it is killed, stop them politely. In lesson 8 you read a Dockerfile.

# %% [markdown] lang="zh" of="d5165de8"
# 你的守护进程多了 `pause`、`exec` 和网络。labcore 会做而它还不会的：让 `exec` 只有容器的权力、给它一个终端，自己被杀时仍保住容器的输出，以及礼貌地停止容器。
# 第 8 课，你将读懂 Dockerfile。
