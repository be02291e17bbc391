# %% [markdown] lang="en" id="title"
# # 7. Common commands
#
# Docker has more than sixty commands; a dozen of them are typed every day. In this lesson you type each of these once, see what it asks
# of the daemon, and look into the kernel for what it has done there. `pause`, `exec` and a network with a published port you write
# yourself, for your own daemon. At the end there is a page for the wall, made of what you ran. The core takes about 75 minutes.

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
# ## `docker -h`
#
# 先看看有哪些命令。下面的守护进程是 labcore 真正的那个，数据放在本课自己的目录里；`docker(…)` 对它运行 docker 命令，
# 并在输出下面用箭头列出这条命令向守护进程发出的请求。`--help` 会请求什么？

# %%
from labcore.lab.vocabulary import *
lab.begin(7)
daemon = lab.daemon(images=("busybox",))
docker = lab.commands(daemon)

# %%
docker("--help", lines=18)

# %% [markdown] lang="en" id="help-lines"
# Nothing: the command itself knows its commands. (`docker -h` still works, and says that it is deprecated: `-h` is `run`'s for the
# host name. `docker run --help` explains one command.) Since 2017 each command has a second, longer name, sorted by what it is
# about: *Management Commands*. `docker image ls` is `docker images`, `docker container ls` is `docker ps`. Do the two ask differently?

# %% [markdown] lang="zh" of=""
# 什么也没请求：有哪些命令，客户端自己知道。（`docker -h` 还能用，但会提示已弃用，因为 `run` 的 `-h` 是主机名。`docker run --help` 解释单条命令。）
# 2017 年起，每条命令还有一个较长的名字，按管理对象分组，即 *Management Commands*：`docker image ls` 就是 `docker images`，
# `docker container ls` 就是 `docker ps`。两种写法发出的请求一样吗？

# %%
docker("images")
docker("image ls")

# %% [markdown] lang="en" id="run"
# The same call twice. So learn the calls, not the spellings.
#
# ## `run`, and a life
#
# A container to try things on: it counts aloud, once a second. How many calls will `docker run -d` make?

# %% [markdown] lang="zh" of=""
# 两次请求完全相同。所以要记的是请求，不是写法。
#
# ## `run`，以及容器的一生
#
# 先准备一个试验用的容器：它每秒报一次数。`docker run -d` 会发出几个请求？

# %%
lab.guess("run calls")

# %%
ticks = 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 1; done'
docker(f"run -d --name clock busybox sh -c '{ticks}'")
docker("ps")
lab.outcome("run calls")

# %% [markdown] lang="en" id="life"
# `run` is no call of its own: it is `create` and `start` (lesson 5). Between the two the container exists, and nothing of it runs. Which
# states there are, and which command leads from one to the other, stands in one table of the engine. This picture is drawn from it, and follows
# our container: keep it in sight (right-click it, *Create New View for Output*).

# %% [markdown] lang="zh" of=""
# `run`并不是一个单独的请求，它等于 `create` 加 `start`（第 5 课）。两者之间，容器已经存在，却什么也没有运行。
# 有哪些状态，哪条命令从一个状态走到另一个，都写在引擎的一张表里。下面的图就是照着它画的，并且跟着我们的容器变化：
# 把它留在眼前（在图上点右键，选 *Create New View for Output*）。

# %%
life = lab.life(daemon, "clock")
life

# %% [markdown] lang="en" id="pause"
# ## `pause`: stopped, and it does not know
#
# Everybody knows how to stop a program for a while: Ctrl-Z sends it a signal, and `ps` shows `T`, *stopped*. In which state will a paused
# container's process be?

# %% [markdown] lang="zh" of=""
# ## `pause`：停住了，自己却不知道
#
# 怎样让程序暂停一会儿，大家都会：按 Ctrl-Z 就是发一个信号，`ps` 里显示 `T`（已停止）。暂停的容器，进程会处于什么状态？

# %%
lab.guess("pause")

# %%
docker("pause clock")
pid = docker("inspect -f '{{.State.Pid}}' clock").output.strip()
status = Path(f"/proc/{pid}/status").read_text()
freezer = lab.cgroup_of(pid)["freezer"]
print(re.search("State.*", status)[0], "·", FREEZER, Path(freezer, FREEZER).read_text())
lab.outcome("pause")

# %% [markdown] lang="en" id="freezer"
# No signal was sent. One word was written into a file of the container's **cgroup** (lesson 2), and the kernel no longer gives any
# process in there the processor. A stopped process could be continued by anybody who may send it SIGCONT, its parent is told, and a
# child that is forked at that very moment runs on. Of the freezer, nobody in there can notice anything. Does the clock count on meanwhile?

# %% [markdown] lang="zh" of=""
# 没有发任何信号。只是往容器的 **cgroup**（第 2 课）的一个文件里写了一个词，内核就不再让里面的任何进程上处理器。
# 如果用信号暂停：谁有权发 SIGCONT 谁就能让它继续，父进程会收到通知，恰好在那一刻 fork 出来的子进程还会照跑。而冻结器（freezer），里面谁也察觉不到。
# 这段时间里，它还在报数吗？

# %%
docker("logs --tail 1 clock")
time.sleep(2)
docker("logs --tail 1 clock")
docker("exec clock true")
docker("unpause clock")

# %% [markdown] lang="en" id="start-step"
# The same tick twice, and `exec` is refused: that, too, stands in the table.
#
# Now your own daemon (lesson 5). Your container has no cgroup that could be frozen, so **your first step** is `start` once more, with
# two new lines. A process is moved into a cgroup by writing its number into the file `cgroup.procs` there, and its children are born in it.
#
# - `lab.cgroup(NAME)["freezer"]` makes a cgroup and gives its directory; take the first 12 digits of the container's id for the name
# - in front of the command that you started so far comes `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`: a shell that moves
#   itself (`$$` is its own number) and then becomes your runtime

# %% [markdown] lang="zh" of=""
# 两次是同一个数，而 `exec` 被拒绝：这一条也写在那张表里。
#
# 现在轮到你自己的守护进程（第 5 课）。你的容器没有可以冻结的 cgroup，所以**你的第一步**是再写一次 `start`，新增两行。
# 把进程号写进 cgroup 里的文件 `cgroup.procs`，进程就搬了进去，之后它的子进程一出生就在里面。
#
# - `lab.cgroup(NAME)["freezer"]` 新建一个 cgroup，给出它的目录；名字取容器 id 的前 12 位
# - 在原来启动的命令前面加上 `["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', DIRECTORY]`：这个 shell 先把自己搬进去
#   （`$$` 是它自己的进程号），然后变成你的运行时

# %% tags=["exercise"] zh="由 `main` 和 `run` 启动容器，放进它自己的 cgroup；204（新增 2 行）。" of=""
@lab.step
def start(daemon, request, id):
    """Start the container by `main` and `run`, in a cgroup of its own; 204 (2 new lines)."""
    ...

# %% tags=["check"]
lab.check(start)

# %% [markdown] lang="en" id="pause-step"
# **Your second and third step**: `pause` and `unpause`. In cgroups of version 1 the word `FROZEN` or `THAWED` goes into `freezer.state`, in
# version 2 `1` or `0` into `cgroup.freeze`. The names `FREEZER`, `FROZEN`, `THAWED` hold what this machine wants.
#
# - `lab.group(NAME)["freezer"]` is the directory of a cgroup that was made before
# - what `pause` answers for a container whose `.state` is not `"running"`: `Reply(409, {"message": f"Container {container.id} is not running"})`
# - else both write, and answer 204

# %% [markdown] lang="zh" of=""
# **你的第二步和第三步**：`pause` 和 `unpause`。cgroup v1 是往 `freezer.state` 里写 `FROZEN` 或 `THAWED`，v2 是往 `cgroup.freeze` 里写 `1` 或 `0`。
# 这台机器用哪种，已经放在 `FREEZER`、`FROZEN`、`THAWED` 这几个名字里。
#
# - `lab.group(NAME)["freezer"]` 是先前建好的 cgroup 的目录
# - 容器的 `.state` 不是 `"running"` 时，`pause` 回答 `Reply(409, {"message": f"Container {container.id} is not running"})`
# - 其他情况，两者都是写文件，然后回答 204

# %% tags=["exercise"] zh="冻结容器的进程；204；没有运行则 409（4 行）。" of=""
@lab.step
def pause(daemon, request, id):
    """Freeze the container's processes; 204, or 409 if it does not run (4 lines)."""
    ...

# %% tags=["check"]
lab.check(pause)

# %% tags=["exercise"] zh="让容器的进程继续；204（3 行）。" of=""
@lab.step
def unpause(daemon, request, id):
    """Let the container's processes go on; 204 (3 lines)."""
    ...

# %% tags=["check"]
lab.check(unpause)

# %% [markdown] lang="en" id="mine"
# The docker command on your daemon (its images are those of the lesson's store). While it is paused, the log stands still:

# %% [markdown] lang="zh" of=""
# 用 docker 命令操作你的守护进程（镜像就是课程存储里的那些）。暂停期间，冻结器的状态是：

# %%
lab.new_store("busybox")
mine = lab.serve()
small = lab.commands(mine)
made = small(f"run -d busybox sh -c '{ticks}'").output.strip()[:12]

# %%
small(f"pause {made}")
print(Path(lab.group(made)["freezer"], FREEZER).read_text())
small(f"unpause {made}")

# %% [markdown] lang="en" id="exec"
# ## `exec`: one more in the same room
#
# `docker exec` starts a further program in a container that runs. How many of its six namespaces does it have for itself?

# %% [markdown] lang="zh" of=""
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
# (Two tables of one thing: `top` shows the numbers of this machine, read from `/proc` out here; `ps` runs inside and shows those of the PID namespace. Look for
# `sleep 300` in both.) The order matters: `setns` into a PID namespace does not move the caller, only children that it makes **afterwards**. So one joins first,
# and clones then. `exec` takes two calls: the first only notes what is wanted.
#
# **Your fourth step**, `exec_create`: the body is `{"Cmd": ["ps"], …}`. `Exec(container, argv)` is like a `Container` (it has an `.id`, `.start(plan)`, `.output()`); keep
# it in the dictionary `daemon.execs` under its id, and answer 201 with `{"Id": …}`. For a container that does not run, 409 as before.

# %% [markdown] lang="zh" of=""
# 一种也没有：它加入了容器的命名空间，用的是系统调用 `setns(2)`，一次加入一种；`/proc/PID/ns/` 下每种都有一个文件。
# （同一件事，两张表：`top` 显示本机的编号，是在外面读 `/proc` 得来的；`ps` 在里面运行，显示 PID 命名空间里的编号。在两张表里找找 `sleep 300`。）
# 顺序很要紧：`setns` 进入 PID 命名空间时，调用者自己并不会过去，只有它**之后**创建的子进程才在里面。所以要先加入，再 clone。
# `exec` 要发两个请求：第一个只是记下想运行什么。
#
# **你的第四步** `exec_create`：请求体是 `{"Cmd": ["ps"], …}`。`Exec(container, argv)` 和 `Container` 相似（有 `.id`、`.start(plan)`、`.output()`）；
# 把它按 id 存进字典 `daemon.execs`，回答 201 和 `{"Id": …}`。容器没有运行时，照旧回答 409。

# %% tags=["exercise"] zh="记下要在容器里运行的程序；201 和它的 Id；容器没有运行则 409（6 行）。" of=""
@lab.step
def exec_create(daemon, request, id):
    """Note a program that is to run in the container; 201 and its Id, or 409 if the container does not run (6 lines)."""
    ...

# %% tags=["check"]
lab.check(exec_create)

# %% [markdown] lang="en" id="exec-step"
# **Your fifth step**, `exec_start`, is the plan itself; `id` is that of the `Exec`, which knows its `.container` and its `.argv`.
#
# - `ops.JoinCgroup((DIRECTORY,))` first, with the container's own freezer: else `pause` would miss this process
# - `ops.JoinNamespaces(…)` takes a tuple of pairs, a flag and a file: for each kind in `NAMESPACES`, `NAMESPACE_FLAGS[kind]` and
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`; the container's first process is `made.container.pid`
# - then `ops.Clone()`, and `ops.Execve(argv, (), tried)` with `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`; then send what comes from `made.output()` as in lesson 6: `Hijack(…)` of frames, each with its head of 8 bytes

# %% [markdown] lang="zh" of=""
# **你的第五步** `exec_start` 就是那份计划；`id` 是 `Exec` 的 id，它知道自己的 `.container` 和 `.argv`。
#
# - 先是 `ops.JoinCgroup((DIRECTORY,))`，用容器自己的冻结器：否则 `pause` 会漏掉这个进程
# - `ops.JoinNamespaces(…)` 接受由二元组（标志，文件）组成的元组：对 `NAMESPACES` 里的每个 `kind`，就是 `NAMESPACE_FLAGS[kind]` 和
#   `f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}"`；容器的第一个进程是 `made.container.pid`
# - 然后是 `ops.Clone()`，以及 `ops.Execve(argv, (), tried)`，其中 `tried = ops.search_path(argv[0], (), DEFAULT_PATH)`
# - `made.start(Plan([…]))`；再像第 6 课那样，把 `made.output()` 给出的内容发出去：`Hijack(…)`，一帧一帧，每帧带 8 字节的头

# %% tags=["exercise"] zh="在容器的 cgroup 和命名空间里启动程序；把输出一帧一帧发出去（8 行）。" of=""
@lab.step
def exec_start(daemon, request, id):
    """Start the program in the container's cgroup and namespaces; send its output in frames (8 lines)."""
    ...

# %% tags=["check"]
lab.check(exec_start)

# %% [markdown] lang="en" id="exec-mine"
# Who is number 1 in there?

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
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

# %% [markdown] lang="zh" of=""
# ## 贴在墙上的一页
#
# 这是你运行过的每一种命令（每种取第一条）：它请求了什么，内核做了什么。`lab.commands_page().save("commands.md")` 把它写进文件。

# %%
lab.commands_page()

# %% [markdown] lang="en" id="challenges"
# ## Further: two challenges
#
# Two answers have come from labcore until now. Write them yourself: `docker exec` asks for both.
#
# - **`inspect`**, `GET /containers/{id}/json`: 200 with `Id`, `Name` (with a `/` in front), `State` (`Status`, `Running`, `Pid`, `ExitCode`: numbers, 0 for none) and `Config` (`Image`, `Cmd`)
# - **`exec_inspect`**, `GET /exec/{id}/json`: 200 with `ID`, `ContainerID`, `Running`, `ExitCode` (`made.returncode`, which is `None` until the end)

# %% [markdown] lang="zh" of=""
# ## 进阶：两道挑战题
#
# 有两个应答至今是 labcore 替你给的。`docker exec` 两个都要问，自己写写看：
#
# - **`inspect`**，`GET /containers/{id}/json`：200，包含 `Id`、`Name`（前面带 `/`）、`State`（`Status`、`Running`、`Pid`、`ExitCode`：都是数字，没有就是 0）和 `Config`（`Image`、`Cmd`）
# - **`exec_inspect`**，`GET /exec/{id}/json`：200，包含 `ID`、`ContainerID`、`Running`、`ExitCode`（即 `made.returncode`，结束之前是 `None`）

# %% tags=["exercise"] zh="给出 `docker inspect` 要显示的容器信息。" of=""
@lab.step
def inspect(daemon, request, id):
    """Tell of a container what `docker inspect` shows."""
    ...

# %% tags=["check"]
lab.check(inspect)

# %% tags=["exercise"] zh="说明容器里的一个程序是否还在运行，以及退出码。" of=""
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

# %% [markdown] lang="zh" of=""
# ## 五道题
#
# 不要往上翻，直接作答。按钮可以换一组题。

# %%
lab.quiz()

# %% [markdown] lang="en" id="reset"
# ## Nothing is left
#
# Two daemons, containers, cgroups, networks. And the machine?

# %% [markdown] lang="zh" of=""
# ## 什么都没留下
#
# 两个守护进程，还有容器、cgroup 和网络。机器本身呢？

# %%
lab.reset()

# %% [markdown] lang="en" id="next"
# Your daemon has gained `pause`, `exec` and a network. What it does not do that labcore does: give `exec` the container's rights and a terminal, keep what containers write
# when it is killed, stop them politely. In lesson 8 you read a Dockerfile.

# %% [markdown] lang="zh" of=""
# 你的守护进程多了 `pause`、`exec` 和网络。labcore 会做而它还不会的：让 `exec` 只有容器的权力、给它一个终端，自己被杀时仍保住容器的输出，以及礼貌地停止容器。
# 第 8 课，你将读懂 Dockerfile。
