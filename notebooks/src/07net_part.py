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
box = spawn(Plan([ops.Clone(CloneFlag.NEWNET), ops.Execve(("sleep", "1000"), (), (busybox,))]))
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

# %% tags=["exercise"] zh="在进程 `host` 的网络里建好带地址的网桥 `lab0`；已经有了就不再建（5 行）。" of="b6eac9aa"
@lab.step
def bridge(host):
    """Make the bridge `lab0` in the network of process `host`, with its address, unless it is there (5 lines)."""
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

# %% tags=["exercise"] zh="用一个目录或存储里的镜像启动 `argv`，并接上网桥；返回退出码（新增 2 行）。" of="128f913e"
@lab.step
def run(root, argv, name="box", **more):
    """Start `argv` on a directory, or on an image of the store, connected to the bridge; return its exit code (2 new lines)."""
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
# and one line: `lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)`. It calls `serve` with each connection, in a
# thread of its own, until the container has ended. (A port that is in use is an OSError. Do not catch it: the user wants to know.)

# %% [markdown] lang="zh" of="236266d9"
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
# 最后一行：`lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)`。它为每个连接单开一个线程调用 `serve`，
# 直到容器结束。（端口已被占用会抛出 OSError。不要接住它：用户需要知道。）

# %% tags=["exercise"] zh="只要容器还在运行，就把本机端口上的连接转给容器的端口（8 行）。" of="b0f9f2bb"
@lab.step
def publish(port, container, inside):
    """Pass connections to a port of this machine on to one of the container, as long as it runs (8 lines)."""
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
lab.fetch(f"http://127.0.0.1:{port}/passwd").decode().splitlines()[0]

# %%
lab.network(of=mine)

# %% [markdown] lang="en" id="in-use"
# The stock docker command, your daemon, your cable, your port: and a page out of the container's `/etc`. Try it in your browser, too. What
# does a second container say that wants the same port?

# %% [markdown] lang="zh" of="1055ce77"
# 原装的 docker 命令，你的守护进程，你的网线，你的端口，取回了容器 `/etc` 里的一个文件。用浏览器也试试。
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

# %%
docker("exec asker cat /etc/resolv.conf")
with lab.questions(daemon, "asker") as asked:
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
# the bridge's over its own (*masquerade*), so that the answer finds its way back. No process has touched it.
#
# Everything away again, the containers first:

# %% [markdown] lang="zh" of="2443cf63"
# 没有人搬运。它本来要去 127.0.0.1，还没到任何接口，内核就把目的地址换成了容器的（*DNAT*），又把源地址换成了网桥的（*masquerade*），
# 这样答复才找得到回来的路。没有任何进程碰过它。
#
# 全部收拾掉，先收容器：

# %%
docker("rm -f web asker front")
docker("network rm shop")
box.close()

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

# %% tags=["exercise"] zh="由已有的镜像创建容器，带上要发布的端口；返回它的 id（新增 3 行）。" of="81e71cad"
@lab.step
def create(daemon, request):
    """Make a container of an image that is here, with the ports that are to be published; answer with its id (3 new lines)."""
    ...

# %% tags=["check"]
lab.check(create)
