# %% [markdown] lang="en" id="title"
# # 6. How the parts work together
#
# `docker run hello-world` is most people's first container. You have built nearly all that it takes: a runtime (lessons 1 to 4), a
# pull (3), a daemon (5). Now you watch them at work on this one command, from its first request to its last system call; you teach
# your daemon to do without an image and then to fetch it; and you take one part after the other away, to know each failure by
# its face. The core takes about 70 minutes.

# %% [markdown] lang="zh" of="fab7a66a"
# # 6. 各个组件如何协作
#
# `docker run hello-world` 是多数人的第一个容器。它需要的东西，你差不多都做过了：运行时（第 1～4 课）、拉取镜像（第 3 课）、守护进程（第 5 课）。
# 这一课先看它们怎样合作完成这一条命令，从第一个请求一直看到最后一个系统调用；再教会你的守护进程应对“没有这个镜像”，并把镜像取回来；
# 最后把各个部分一个个拿掉，认清每种故障的样子。主线约 70 分钟。

# %% [markdown] lang="en" id="first"
# ## Five steps, says the article
#
# 1. The client carries out `docker run`.
# 2. The daemon finds that there is no image `hello-world` here.
# 3. The daemon downloads it from Docker Hub.
# 4. It is kept in the local store.
# 5. The daemon starts the container.
#
# Two things can be predicted. How many requests does the client send the daemon for it? And after step 2, who decides on step 3?

# %% [markdown] lang="zh" of="1c4a6fdc"
# ## 文章说，分五步
#
# 1. 客户端执行 `docker run` 命令。
# 2. 守护进程发现本地没有 `hello-world` 镜像。
# 3. 守护进程从 Docker Hub 下载镜像。
# 4. 镜像保存到本地。
# 5. 守护进程启动容器。
#
# 先预测两件事：客户端为此要向守护进程发几个请求？第 2 步之后，第 3 步是谁决定的？

# %%
from labcore.lab.vocabulary import *
lab.begin(6)
lab.guess("requests")

# %%
lab.guess("who pulls")

# %% [markdown] lang="en" id="stage"
# Three parties are needed. A **registry**, as in lesson 3, that stands in for Docker Hub: `library/` is where Hub keeps the official
# images. A **daemon**, the real one of lesson 5: its option `--registry-mirror` lets it ask ours first. And a **client**, the command.
#
# (`hello-world` is an image with a single file. Your `rootfs` mounts on `/proc` and `/dev` and wants them there, where runtimes in
# use make them; so we put a layer with these two empty directories on top.)

# %% [markdown] lang="zh" of="4f6d3919"
# 需要三方。一个**注册服务器**（registry），同第 3 课，代替 Docker Hub；`library/` 是 Hub 存放官方镜像的地方。
# 一个**守护进程**，就是第 5 课里真正的那个；选项 `--registry-mirror` 让它先问我们的服务器。还有一个**客户端**，也就是命令本身。
#
# （`hello-world` 镜像里只有一个文件。你的 `rootfs` 要在 `/proc` 和 `/dev` 上挂载，要求这两个目录已经存在，而真正的运行时会自己建；
# 所以我们在上面加一层，里面就是这两个空目录。）

# %%
registry, store = lab.registry(), lab.new_store("hello-world")
places = lab.layer({"proc/": "", "dev/": ""})
lab.image(store, "hello-world", [places], base="hello-world")
print(lab.push(store, "library/hello-world", registry))
daemon = lab.daemon("--registry-mirror", registry.url)
docker = lab.docker(daemon)

# %% [markdown] lang="en" id="program"
# ## Which program?
#
# One thing before it starts: nobody has named a *program*. In lesson 5 whoever asked for a container had to say what to run; now the
# client will send `"Cmd": null`. Somebody must know. Look into the image:

# %% [markdown] lang="zh" of="f3d4f7d3"
# ## 运行哪个程序？
#
# 启动之前还有一个问题：没有人说过要运行哪个**程序**。第 5 课里，谁要容器，谁就得说明运行什么；而这次客户端会发来 `"Cmd": null`。
# 总得有谁知道。看看镜像里面：

# %% tags=["nbval-check-output"]
name = lab.manifest(store, "hello-world")["config"]["digest"].replace(":", "/")
json.loads(Path(store, "blobs", name).read_bytes())["config"]

# %% [markdown] lang="en" id="command-step"
# Two fields can say it. `Cmd` is the usual program, and what stands behind the image's name on the command line takes its place.
# `Entrypoint` stays in front of it, whatever is given: an image whose entry point is `["ping", "-c1"]` is used like the command `ping`.
#
# **Your first step** returns the whole list. `argv` is what was asked for; it may be empty or `None`, and so may either field, or
# it is not there at all. The config is found as above.

# %% [markdown] lang="zh" of="3730f081"
# 有两个字段能回答这个问题。`Cmd` 是平常要运行的程序，命令行上写在镜像名后面的词会代替它。
# `Entrypoint` 则始终放在最前面，不管给了什么：入口是 `["ping", "-c1"]` 的镜像，用起来就像 `ping` 命令。
#
# **你的第一步**返回完整的列表。`argv` 是请求里要的，可能为空，也可能是 `None`；两个字段也一样，甚至可能根本没有。配置的找法同上。

# %% tags=["exercise"] zh="返回容器要运行的程序：入口，然后是 `argv` 或镜像自己的命令（3 行）。" of="3aa32ca6"
@lab.step
def command(image, argv, store):
    """Return what runs: the entry point, then argv or the image's command (3 lines)."""
    ...

# %% tags=["check"]
lab.check(command)

# %% [markdown] lang="en" id="record"
# ## The record
#
# Now let it run. `lab.trace` runs a command, and has the daemon tell what it does for it, and when. (To record it again,
# `docker("rmi -f hello-world")` first; else there is no pull to be seen.)

# %% [markdown] lang="zh" of="319ab464"
# ## 记录
#
# 现在运行它。`lab.trace` 运行一条命令，同时让守护进程报告它为此做了什么、在什么时刻。（想再录一次，先 `docker("rmi -f hello-world")`，否则就没有拉取可看了。）

# %%
recorded = lab.trace("docker run hello-world", host=daemon.url)
print(recorded.output)

# %%
recorded.sequence

# %% [markdown] lang="en" id="sequence"
# Read it from the top. A solid arrow asks, a dashed one answers; the numbers on the left are milliseconds. The five steps are all there:
# find them (`unpack` and `admit` are the fourth, `launch` the fifth). But who does the second, and who the third?
#
# The daemon says **404, no such image**, and that is the end of it: it does not download anything. It is the *client* that then asks for
# `POST /images/create`, waits for the end of that, and asks for the container *once more*. The daemon is the hand, the client the
# head: `docker run --pull=never` leaves the request out, `--pull=always` makes it first (both since 2020).

# %% [markdown] lang="zh" of="98bf3d22"
# 从上往下读。实线箭头是请求，虚线箭头是应答；左边的数字是毫秒。五个步骤都在图里，找找看（`unpack` 解包、`admit` 登记进存储，是第 4 步；`launch` 是第 5 步）。可是第 2 步和第 3 步究竟是谁做的？
#
# 守护进程应答 **404，没有这个镜像**，事情就到此为止：它什么也不下载。随后是**客户端**请求 `POST /images/create`，等它结束，然后**再一次**请求创建容器。
# 守护进程是手，客户端是脑：`docker run --pull=never` 不发这个请求，`--pull=always` 一上来就发（都是 2020 年加的）。

# %%
lab.outcome("who pulls")

# %%
lab.outcome("requests", sum(span.kind == "call" for span in recorded.spans))

# %% [markdown] lang="en" id="order"
# The order of the last three has a reason, too. `attach` (give me what it puts out) and `wait` (tell me how it ends) are asked *before*
# `start`: a program that is over in a millisecond would else have said everything before anybody listened.
#
# Let us see the words themselves. The image goes, and the command runs once more, overheard as in lesson 5.

# %% [markdown] lang="zh" of="43b570f5"
# 最后三个请求的顺序也有道理。`attach`（把它的输出给我）和 `wait`（告诉我它怎样结束）都在 `start` **之前**：
# 否则，一毫秒就结束的程序，话都说完了还没有人在听。
#
# 再看看它们说的原话。把镜像删掉，命令再运行一次，像第 5 课那样旁听。

# %%
docker("container prune -f")
docker("rmi hello-world")

# %%
with lab.listen(daemon) as line:
    lab.docker(line)("run --rm hello-world")
    heard = line.conversation()
heard.about("containers/create")

# %% [markdown] lang="en" id="between"
# Twice the same question, word for word: first `404`, *no such image*, and then `201`, with an id. The client looks at the number
# alone. And in between:

# %% [markdown] lang="zh" of="4bfa62a5"
# 同一个问题问了两遍，一字不差：第一次是 `404`，没有这个镜像；第二次是 `201`，带着一个 id。客户端只看这个数字。两次之间：

# %%
heard.about("images/create")

# %% [markdown] lang="en" id="wire"
# `images/create` is answered with `200` as soon as the **manifest** is there, long before the layers are; then come lines of JSON, as
# things happen. That is where `Pulling from …` and the progress bars come from.
#
# What has come since 2019: with `--platform linux/arm64` the client names a *platform* in all three requests, for one name may stand
# for images for several processors (lesson 4).

# %% [markdown] lang="zh" of="cccef691"
# `images/create` 一拿到**清单**就得到 `200`，这时各层还没有下载；之后是一行行 JSON，事情进行到哪里就报到哪里。`Pulling from …` 和进度条就是这么来的。
#
# 2019 年以后新增的：加上 `--platform linux/arm64`，客户端会在这三个请求里都写明**平台**，因为同一个名字可以对应几种处理器的镜像（第 4 课）。

# %% [markdown] lang="en" id="drivers"
# ## What a daemon does
#
# The daemon "translates requests into system calls", and the article lists four kinds of work. Each is a column of the picture:
#
# | the article | column | today's names |
# | --- | --- | --- |
# | get images from a registry | registry | the same |
# | *GraphDriver*: make images local | storage | storage driver (`overlay2`); in containerd: *snapshotter* |
# | *NetworkDriver*: set up the network | network | libnetwork's drivers (`bridge`, …): lesson 7 |
# | *ExecDriver*: run what is in the container | runtime | gone since 2016: `containerd`, a *shim* for each container, and `runc` |
#
# In Docker of today the last column is three programs. dockerd asks containerd, that starts a shim, the shim calls runc; runc makes
# the container and ends; the shim stays with it, holds its streams and learns its exit code. So, with `live-restore`,
# dockerd may be restarted while containers run on. (labcore's shim is called monitor.)

# %% [markdown] lang="zh" of="76a4838b"
# ## 守护进程做些什么
#
# 守护进程“把请求翻译成系统调用”，文章列了四类工作。每一类都是图中的一列：
#
# | 文章 | 图中的列 | 今天的名字 |
# | --- | --- | --- |
# | 向 Registry 获取镜像 | 注册服务器 | 没变 |
# | *GraphDriver*：镜像的本地化 | 存储 | 存储驱动（`overlay2`）；containerd 里叫 *snapshotter* |
# | *NetworkDriver*：配置网络环境 | 网络 | libnetwork 的各种驱动（`bridge` 等）：第 7 课 |
# | *ExecDriver*：执行容器里的程序 | 运行时 | 2016 年起没有了：`containerd`、每个容器一个 *shim*，以及 `runc` |
#
# 今天的 Docker 里，最后一列是三个程序：dockerd 找 containerd，它启动一个 shim，shim 再调用 runc；runc 建好容器就退出，shim 留下来守着容器，
# 拿着它的输入输出，等着它的退出码。所以打开 `live-restore` 之后，dockerd 重启时容器照常运行。（labcore 的 shim 叫 monitor。）

# %% [markdown] lang="en" id="zoom"
# ## From the second to the microsecond
#
# The same record, drawn to scale. Which of the client's calls takes longest, before the program runs?

# %% [markdown] lang="zh" of="dbf06d81"
# ## 从一秒到一微秒
#
# 同一份记录，按时间比例画出来。在程序运行之前，客户端的哪个请求用时最长？

# %%
lab.guess("longest")

# %%
recorded.zoom(depth=1)

# %%
lab.outcome("longest", recorded.times)

# %% [markdown] lang="en" id="zoom-pull"
# `attach` and `wait` last until the program ends: they only listen. Now one call, opened: what the daemon did to bring the image.

# %% [markdown] lang="zh" of="f6d85064"
# `attach` 和 `wait` 一直持续到程序结束：它们只是在听。现在打开其中一个请求：为了取回镜像，守护进程做了什么。

# %%
recorded.zoom("POST /images/create")

# %% [markdown] lang="en" id="zoom-ops"
# The manifest first, for it names the rest; then the config; then the layer, unpacked *while* it comes. Your `pull` of lesson 3 does
# the same, one after the other. And now `start`, at the last magnification: the ops, each of them one system call or a few.

# %% [markdown] lang="zh" of="fa08fd95"
# 先取清单，因为其余各部分都写在里面；再取配置；然后是层，一边接收一边解包。你第 3 课的 `pull` 做的是同样的事，只是一件接一件。
# 最后把 `start` 放到最大：每个操作就是一个或几个系统调用。

# %%
recorded.zoom("op")

# %% [markdown] lang="en" id="zoom-look"
# All that makes a container of a process, lessons 1 to 4, is in these lines, and takes a few milliseconds. The rest goes elsewhere:
# the plan and the monitor, the network, bytes that come, a disk that is written to. `recorded.zoom("start")` shows it.

# %% [markdown] lang="zh" of="8b2a4bc2"
# 把一个进程变成容器的全部工作（第 1～4 课）都在这几行里，只要几毫秒。其余的时间花在别处：准备计划和监控进程、配置网络、收数据、写磁盘。`recorded.zoom("start")` 看得到。

# %% [markdown] lang="en" id="create-step"
# ## Your daemon: no such image
#
# Your `create` of lesson 5 believes every name. **Your second step** writes it anew:
#
# - `argv = command(asked["Image"], asked.get("Cmd"), daemon.store)`
# - if that raises `ImageNotFound`: `Reply(404, {"message": …})`, the message as you saw it on the wire: `No such image: ` and the
#   name that was asked for. Nothing is put on the list
# - else as before, with this `argv`

# %% [markdown] lang="zh" of="8281d279"
# ## 你的守护进程：没有这个镜像
#
# 第 5 课的 `create` 什么名字都信。**你的第二步**把它重写一遍：
#
# - `argv = command(asked["Image"], asked.get("Cmd"), daemon.store)`
# - 如果抛出 `ImageNotFound`：`Reply(404, {"message": …})`，消息就照刚才旁听到的写：`No such image: ` 加上对方给的名字。什么也不登记
# - 否则同以前一样，用这个 `argv`

# %% tags=["exercise"] zh="镜像在就建容器，应答 id；不在就应答 404（新增 5 行）。" of="cb75f177"
@lab.step
def create(daemon, request):
    """Make a container, answer with its id; or 404, no such image (5 new lines)."""
    ...

# %% tags=["check"]
lab.check(create)

# %% [markdown] lang="en" id="without"
# Now your daemon, with an empty store, and the stock command; `--pull=never` keeps the client from asking for more. (What you have
# not written yet, the solutions answer.)

# %% [markdown] lang="zh" of="8ddff32c"
# 现在启动你的守护进程，存储是空的，再用现成的 docker 命令；`--pull=never` 让客户端不再往下请求。（你还没写的处理函数，由参考答案顶上。）

# %%
store = lab.new_store()
mine = lab.serve(registry=registry.url)
mine_docker = lab.docker(mine)
mine_docker("run --pull=never hello-world")

# %%
mine.log()

# %% [markdown] lang="en" id="images-step"
# ## Your daemon: fetch it
#
# The client has understood. Without `--pull=never` it now asks for `images/create`.
#
# **Your third step.** `request.query` has `fromImage` (`hello-world`, or in full `docker.io/library/hello-world`) and `tag`.
# `name = Reference.parse(f"{…}:{…}")` has `.repository` and `.tag`; `daemon.registry` is where to pull from.
#
# The answer must begin *before* the pull does. So write a generator inside of the function, and return `Reply(200, progress())`:
#
# - `yield {"status": f"Pulling from {…}", "id": name.tag}`
# - `pull(daemon.registry, name.repository, name.tag, daemon.store)`, yours of lesson 3
# - `yield {"status": f"Status: Downloaded newer image for {name}"}`
# - if the pull raises any error (`except Exception as error`), its status can no more be told: `200` is gone. There is a line for it:
#   `{"error": …, "errorDetail": {"message": …}}`, with `str(error)` in both

# %% [markdown] lang="zh" of="5c7673dd"
# ## 你的守护进程：取来镜像
#
# 客户端听懂了。不加 `--pull=never`，它接下来就会请求 `images/create`。
#
# **你的第三步。** `request.query` 里有 `fromImage`（`hello-world`，或者全名 `docker.io/library/hello-world`）和 `tag`。
# `name = Reference.parse(f"{…}:{…}")` 带有 `.repository` 和 `.tag`；`daemon.registry` 是拉取的地方。
#
# 应答必须在拉取**之前**就开始。所以在函数里写一个生成器，然后返回 `Reply(200, progress())`：
#
# - `yield {"status": f"Pulling from {…}", "id": name.tag}`
# - `pull(daemon.registry, name.repository, name.tag, daemon.store)`，你第 3 课写的那个
# - `yield {"status": f"Status: Downloaded newer image for {name}"}`
# - 拉取出错时（哪种错误都算：`except Exception as error`），状态码已经改不了：`200` 早发出去了。为此有专门的一行：`{"error": …, "errorDetail": {"message": …}}`，两处都是 `str(error)`

# %% tags=["exercise"] zh="拉取一个镜像，边做边用一行行 JSON 应答（9 行）。" of="7173944d"
@lab.step
def images_create(daemon, request):
    """Pull an image, and answer with lines of JSON while that goes on (9 lines)."""
    ...

# %% tags=["check"]
lab.check(images_create)

# %% [markdown] lang="en" id="attach-step"
# ## Your daemon: what the container says
#
# One request is missing. After `attach` the connection is no longer HTTP: the daemon *takes it over* (`101`, as WebSockets do it) and
# sends what the container puts out. But a program has two streams for that, standard output (1) and standard error (2), and here
# is only one connection. How can the client tell them apart? Docker's answer is a head of eight bytes before each piece:
#
# | byte 0 | 1 to 3 | 4 to 7 | then |
# | --- | --- | --- | --- |
# | the stream: 1 or 2 | zeros | the length, biggest byte first | so many bytes |
#
# **Your fourth step.** `daemon.containers[id].output()` yields pairs, `(1, b"…")`, as they come. Return a `Hijack(…)` of a
# generator that gives one `bytes` for each pair: head and data.
# `bytes((stream, 0, 0, 0))` makes four bytes of four numbers, `len(data).to_bytes(4, "big")` the other four.

# %% [markdown] lang="zh" of="2d878f1d"
# ## 你的守护进程：容器说的话
#
# 还缺一个请求。`attach` 之后，这条连接就不再是 HTTP：守护进程把它**接管**过来（`101`，和 WebSocket 的做法一样），发送容器的输出。
# 但程序的输出有两个流：标准输出（1）和标准错误（2），而连接只有一条。客户端怎样分辨？Docker 的办法是每一段前面加 8 个字节的头：
#
# | 第 0 字节 | 第 1～3 字节 | 第 4～7 字节 | 之后 |
# | --- | --- | --- | --- |
# | 流：1 或 2 | 零 | 长度，高位字节在前 | 这么多个字节 |
#
# **你的第四步。** `daemon.containers[id].output()` 依次给出 `(1, b"…")` 这样的一对，有输出就给。返回 `Hijack(…)`，里面是一个生成器，
# 每一对产生一个 `bytes`：头加内容。
# `bytes((stream, 0, 0, 0))` 把四个数变成四个字节，`len(data).to_bytes(4, "big")` 是另外四个。

# %% tags=["exercise"] zh="发送容器的输出，每一段前面加 8 个字节的头（2 行）。" of="2683ef92"
@lab.step
def attach(daemon, request, id):
    """Send what a container puts out, each piece behind a head of 8 bytes (2 lines)."""
    ...

# %% tags=["check"]
lab.check(attach)

# %% [markdown] lang="en" id="mine"
# All of it, with the stock command, on your own daemon, pull, runtime. The store is still empty.

# %% [markdown] lang="zh" of="2ee7bbe3"
# 全部合起来：现成的 docker 命令，你自己的守护进程、拉取和运行时。存储还是空的。

# %%
mine_docker("run hello-world")

# %%
mine.log()

# %% [markdown] lang="en" id="mine-look"
# Five steps, seven requests, one 404, and every answer is from your `my_runtime.py`. (The text speaks of `labcore`, for the image is
# labcore's; but it was your `pull` that brought it and your `run` that started it.)

# %% [markdown] lang="zh" of="272c3821"
# 五个步骤，七个请求，一个 404，每个应答都出自你的 `my_runtime.py`。（那段文字说的是 `labcore`，因为镜像是 labcore 的；但取回它的是你的 `pull`，启动它的是你的 `run`。）

# %% [markdown] lang="en" id="one-less"
# ## One part less
#
# Back to the real daemon. Each time one part is missing. Predict first: where in the picture above does it break, and which number does
# one see? Two kinds of numbers are meant: a **status** of HTTP on the wire, and the command's **exit status** (125: Docker
# itself failed, 126 and 127: the program could not be started; else it is the program's own).
#
# **First**, a registry that sends damaged bytes: each blob with one bit changed. The daemon has `hello-world` already and would ask for
# nothing, so take a new image, `cafe`. With which status is `POST /images/create` answered?

# %% [markdown] lang="zh" of="884388ec"
# ## 少了一个部分
#
# 回到真正的守护进程。每次少一个部分。先预测：上面的图里会断在哪里？会看到哪个数字？数字有两种：HTTP 的**状态码**，以及命令的**退出码**
# （125：Docker 自己出错；126、127：程序启动不了；其他是程序自己的）。
#
# **第一次**：注册服务器发来的数据是坏的，每个 blob 都改了一个比特。`hello-world` 守护进程已经有了，不会再去要，所以换一个新镜像 `cafe`。
# `POST /images/create` 的状态码会是多少？

# %%
lab.guess("damaged")

# %%
store = lab.new_store("hello-world")
lab.image(store, "cafe", [lab.layer({"menu": "soup\n"})], base="hello-world")
lab.push(store, "cafe", registry)
bad = registry.tampering()
recorded = lab.trace(f"docker run --rm {bad.address}/cafe", host=daemon.url)
print(f"{recorded.output}exit status {recorded.status}")
recorded.answers

# %%
lab.outcome("damaged")

# %% [markdown] lang="en" id="damaged-look"
# A `200`, and yet the pull failed: as in your own generator the error is the last line of the answer. Whoever writes a client of
# this API must read to the end. Nothing of the image was kept.
#
# **Second**, the registry is gone altogether. Is it the same status? And can a container of `hello-world` still be started?

# %% [markdown] lang="zh" of="f7814199"
# 状态码是 `200`，拉取却失败了：和你写的生成器一样，错误是应答的最后一行。谁要写这个 API 的客户端，就得读到最后。坏镜像什么也没有留下。
#
# **第二次**：注册服务器干脆没了。状态码还一样吗？`hello-world` 的容器还能启动吗？

# %%
lab.guess("registry down")

# %%
bad.close(), registry.close()
recorded = lab.trace(f"docker run --rm {bad.address}/cafe", host=daemon.url)
print(f"{recorded.output}exit status {recorded.status}")
recorded.answers

# %%
docker("run -d --rm hello-world")
lab.outcome("registry down")

# %% [markdown] lang="en" id="down-look"
# Here nothing had been answered yet, so a real status could be sent: `500`. (Yours answers before it asks the registry: it would say
# `200` even here.) And what is in the store needs no registry: containers
# start as before. A registry that is down stops deliveries, not operation.
#
# **Third**, a program that is not in the image.

# %% [markdown] lang="zh" of="865a6892"
# 这次还什么都没有应答，所以能发真正的状态码：`500`。（你的 `images_create` 在问注册服务器之前就应答了，所以在这里仍会是 `200`。）而存储里已有的镜像用不着注册服务器：容器照常启动。注册服务器停了，停的是交付，不是运行。
#
# **第三次**：镜像里没有要运行的程序。

# %%
lab.guess("no program")

# %%
recorded = lab.trace("docker run --rm hello-world nosuch", host=daemon.url)
print(f"{recorded.output}exit status {recorded.status}")
recorded.answers

# %%
lab.outcome("no program")

# %% [markdown] lang="en" id="program-look"
# `create` was content: nobody had looked for the program. The container's process was there already, with its namespaces and its
# root, when `execve`, the last line of the plan, failed. So it is `start` that says no.
#
# **Fourth**, the disk: the daemon's store can be read and not written to.

# %% [markdown] lang="zh" of="79f1c7f9"
# `create` 没有意见：谁也没有去找这个程序。容器的进程已经有了，命名空间和根都建好了，最后一行的 `execve` 才失败。所以说“不”的是 `start`。
#
# **第四次**：磁盘。守护进程的存储只能读，不能写。

# %%
lab.guess("read-only store")

# %%
with daemon.read_only():
    recorded = lab.trace("docker run --rm hello-world", host=daemon.url)
print(f"{recorded.output}exit status {recorded.status}")
recorded.answers

# %%
lab.outcome("read-only store")

# %% [markdown] lang="en" id="disk-look"
# A container needs a layer of its own (lesson 3), and a record on disk; the image was found, and all the same `create` fails. It looks like
# this, too, where a disk is full: `docker system df` tells what takes the room.
#
# **Last**, there is no daemon.

# %% [markdown] lang="zh" of="76ac67c9"
# 容器要有自己的读写层（第 3 课），还要在磁盘上记一笔；镜像找到了，`create` 还是失败。磁盘满了也是这个样子：`docker system df` 会说明空间被什么占了。
#
# **最后一次**：守护进程没了。

# %%
lab.guess("no daemon")

# %%
daemon.stop()
docker("run --rm hello-world").status

# %%
daemon.start()
docker("run -d --rm hello-world")
lab.outcome("no daemon")

# %% [markdown] lang="en" id="faces"
# | missing | who says it | on the wire | exit status |
# | --- | --- | --- | --- |
# | image | the daemon, to the client | 404 of `create`, then a pull | (none; 125 with `--pull=never`) |
# | right bytes | the daemon, in a line | 200 of `images/create` | 125 |
# | registry | the daemon | 500 of `images/create` | 125 |
# | room in the store | the daemon | 500 of `create` | 125 |
# | program | the kernel, to the daemon | 400 of `start` | 127 |
# | daemon | the client | nothing | 125 |
#
# `Error response from daemon:` in front of a message says that somebody answered. If it is missing, either nobody did, or the answer
# was a stream.

# %% [markdown] lang="zh" of="bcd207af"
# | 少了什么 | 谁说的 | 看到的应答 | 退出码 |
# | --- | --- | --- | --- |
# | 镜像 | 守护进程，对客户端 | `create` 应答 404，然后拉取 | （无；`--pull=never` 时 125） |
# | 正确的内容 | 守护进程，写在一行里 | `images/create` 应答 200 | 125 |
# | 注册服务器 | 守护进程 | `images/create` 应答 500 | 125 |
# | 存储空间 | 守护进程 | `create` 应答 500 | 125 |
# | 程序 | 内核，对守护进程 | `start` 应答 400 | 127 |
# | 守护进程 | 客户端 | 什么也没有 | 125 |
#
# 消息前面有 `Error response from daemon:`，说明有谁应答了。没有这几个字，要么没人应答，要么应答是一个流。

# %% [markdown] lang="en" id="normalize-step"
# ## Further: a name in full
#
# So far `Reference.parse` has done it: `hello-world` is `docker.io/library/hello-world:latest`. **A challenge**: write it, without
# `Reference`. Return registry, repository and tag.
#
# - the word before the first slash is a registry only if it has a dot or a colon in it, or is `localhost`; else it is `docker.io`
# - on `docker.io` alone a repository without a slash lies below `library/`
# - the tag stands behind a colon at the end; without one it is `latest`. (Mind `localhost:5000/cafe`.)

# %% [markdown] lang="zh" of="71f576e4"
# ## 进阶：写全的名字
#
# 到现在都是 `Reference.parse` 代劳：`hello-world` 就是 `docker.io/library/hello-world:latest`。**一道挑战题**：不用 `Reference`，自己写。
# 返回注册服务器、仓库和标签。
#
# - 第一个斜杠前面的词，只有含点号或冒号，或者就是 `localhost`，才是注册服务器；否则是 `docker.io`
# - 只有在 `docker.io` 上，不带斜杠的仓库才放在 `library/` 下面
# - 标签在最后，冒号后面；没有就是 `latest`。（当心 `localhost:5000/cafe`。）

# %% tags=["exercise"] zh="把镜像名写全，返回：注册服务器、仓库、标签（7 行）。" of="bb4efbcf"
@lab.step
def normalize(name):
    """Return an image name in full: its registry, repository and tag (7 lines)."""
    ...

# %% tags=["check"]
lab.check(normalize)

# %% tags=["nbval-check-output"]
[normalize(name) for name in ("hello-world", "team/app:v2", "localhost:5000/cafe")]

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# This breaks something on purpose, and says what its users complain of. Find out why, with `fault.docker("…")` or in a terminal, and
# mend it; the table above tells where to look. The next numbers break something else.

# %% [markdown] lang="zh" of="66bd9de9"
# ## 进阶：找出故障
#
# 下面故意弄坏一样东西，并说出用户抱怨什么。请用 `fault.docker("…")` 或在终端里找出原因，然后修好；该看哪里，上面的表格会告诉你。
# 换成后面的数字，坏的就是别的地方。

# %%
fault = lab.fault(6, seed=1)
fault

# %% [markdown] lang="en" id="mended"
# The check looks from outside. Run it as often as you like; `print(fault.cause)` tells those who give up.

# %% [markdown] lang="zh" of="8dde9a15"
# 检查从外面看，想运行几次都行；放弃的人可以看 `print(fault.cause)`。

# %%
fault.check()

# %% [markdown] lang="en" id="quiz"
# ## Five questions
#
# Answer without scrolling up. The button draws others.

# %% [markdown] lang="zh" of="25dc3afd"
# ## 五道题
#
# 不要往上翻，直接作答。按钮可以换一组题。

# %%
lab.quiz()

# %% [markdown] lang="en" id="nothing-left"
# ## Nothing is left

# %% [markdown] lang="zh" of="54013e95"
# ## 什么都没留下

# %%
fault.restore(), mine.close(), daemon.close()
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` has gained `command`, `images_create`, `attach` and a better `create`: the article's whole example runs on it. What
# labcore's daemon does besides: several layers at a time with a bar for each, a download that goes on where it broke off, one pull for
# two clients that ask at once, input to the container over the same connection. In lesson 7 come the commands one uses every day.

# %% [markdown] lang="zh" of="2102890d"
# 你的 `my_runtime.py` 多了 `command`、`images_create`、`attach`，还有更好的 `create`：文章里的例子从头到尾都能在它上面运行。
# labcore 的守护进程还会：同时下载几层并各自显示进度条，断了的下载接着下，两个客户端同时要同一个镜像时只拉一次，通过同一条连接给容器输入。
# 第 7 课讲每天都要用的命令。
