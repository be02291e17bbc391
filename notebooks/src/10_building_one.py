# %% [markdown] lang="en" id="title"
# # 10. Building one
#
# The last lesson. First the article's own example, from an empty folder to a page in the browser. Then you write the builder: lesson 8's
# instructions, lesson 9's layers, and what joins them, a cache. And at the end everything that you have written since lesson 1 takes
# labcore's place in the real daemon, and the stock docker command builds and runs that page on it. The core takes about 75 minutes.
#
# ## An empty folder
#
# `mkdir static_web`, `cd static_web`, `touch Dockerfile`, says the article, and then three lines, by `vi`. (As it is printed all
# stand in one; an instruction has a line of its own.)
#
# | | |
# | --- | --- |
# | `FROM nginx` | begin with the image of a web server |
# | `MAINTAINER …` | who has made it; today `LABEL maintainer=…` says so |
# | `RUN echo … > index.html` | write the page, where this server looks for it |
#
# How many layers will the image have more than `nginx`?

# %% [markdown] lang="zh" of="95419631"
# # 10. 构建 Dockerfile
#
# 最后一课。先照文章的例子做一遍，从一个空文件夹做到浏览器里的网页。然后写构建器：第 8 课的指令，第 9 课的层，再加上把它们连起来的缓存。
# 最后，从第 1 课起你写下的一切，都放进真正的守护进程，顶替 labcore 自己的代码，现成的 docker 命令就在它上面构建并运行这个网页。主线约 75 分钟。
#
# ## 一个空文件夹
#
# 文章说：`mkdir static_web`，`cd static_web`，`touch Dockerfile`，再用 `vi` 写下三行。（文章印出来时三行连在了一起；每条指令其实各占一行。）
#
# | | |
# | --- | --- |
# | `FROM nginx` | 从一个 Web 服务器的镜像开始 |
# | `MAINTAINER …` | 镜像是谁做的；今天改用 `LABEL maintainer=…` |
# | `RUN echo … > index.html` | 把网页写到服务器会去找的地方 |
#
# 做好的镜像会比 `nginx` 多几层？

# %%
from labcore.lab.vocabulary import *
lab.begin(10)
lab.guess("layers of the page")

# %% [markdown] lang="en" id="stage"
# As in lesson 6 a registry stands in for Docker Hub, and a daemon asks it first. `lab.nginx` says which nginx it has. `lab.context` makes
# the folder.

# %% [markdown] lang="zh" of="e5f402d8"
# 同第 6 课一样，用一个注册服务器代替 Docker Hub，守护进程先问它。`lab.nginx` 会说明用的是哪个 nginx。`lab.context` 建好文件夹。

# %%
registry, store = lab.registry(), lab.new_store()
lab.nginx(store)
lab.push(store, "library/nginx", registry)
DOCKERFILE = """\
FROM nginx
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
RUN echo '<h1>Hello, Docker!</h1>' > /usr/share/nginx/html/index.html
"""
folder = lab.context({"Dockerfile": DOCKERFILE}, "static_web")
daemon = lab.daemon("--registry-mirror", registry.url)
docker = lab.docker(daemon)

# %% [markdown] lang="en" id="build"
# The article's command. `-t` names the new image; the dot at its end (here the folder's whole path) is the **context**: the client packs
# that folder and sends it to the daemon, which sees no other file of yours.
#
# `angelkitty/nginx_web:v1` is in today's words a *repository*, `angelkitty/nginx_web`, and a *tag*, `v1`; `angelkitty` alone is the
# account on Docker Hub. Without a tag it is `latest`, as the article says. (DEPRECATED: since 2023 the command asks BuildKit, another
# builder, unless `DOCKER_BUILDKIT=0` is set, as it is here. What BuildKit does differently stands at the end.)

# %% [markdown] lang="zh" of="cd37ffe3"
# 文章的命令。`-t` 给新镜像取名；末尾的点（这里写成文件夹的完整路径）是**上下文**：客户端把这个文件夹打包发给守护进程，你的其他文件守护进程一概看不见。
#
# `angelkitty/nginx_web:v1` 用今天的话说，**仓库**是 `angelkitty/nginx_web`，**标签**是 `v1`；单独的 `angelkitty` 是 Docker Hub 上的帐号。
# 不写标签就是 `latest`，文章说得对。（DEPRECATED：2023 年起，docker 命令默认使用另一个构建器 BuildKit，除非像这里一样设置了 `DOCKER_BUILDKIT=0`。BuildKit 有什么不同，课末再讲。）

# %%
docker(f"build -t angelkitty/nginx_web:v1 {folder}")
docker("images")

# %% [markdown] lang="en" id="run"
# The article looks for `nginx` under REPOSITORY; you find `angelkitty/nginx_web`, TAG `v1`, and beside it `nginx`, for the daemon has
# pulled that. Now run it: `-d` in the background, `-p 8080:80` passes the machine's port 8080 on to port 80 of the container.
# (`lab.free_port` takes another one if something listens at 8080.)

# %% [markdown] lang="zh" of="32128747"
# 文章让你在 REPOSITORY 一栏找 Nginx；你看到的是 `angelkitty/nginx_web`，TAG 是 `v1`，旁边还有守护进程拉取来的 `nginx`。现在运行它：`-d` 在后台，
# `-p 8080:80` 把本机的 8080 端口转到容器的 80 端口。（8080 已被占用时，`lab.free_port` 会换一个。）

# %%
port = lab.free_port(8080)
docker(f"run --name nginx_web -d -p {port}:80 angelkitty/nginx_web:v1")
lab.page(f"http://localhost:{port}/")

# %% [markdown] lang="en" id="key-step"
# ## Known by what it is made from
#
# Build it once more and the daemon says *Using cache*: nothing is run. How does it know? Not by the result, which it has not got yet. A step is known by
# what it is made from:
#
# - the **key of the step below**, and so, in turn, all that lies below
# - the **instruction**, a pair as your `parse` returns it
# - the **content** of the files that it reads, as a digest: for a COPY. A RUN reads nothing that anybody could know beforehand: `""`
#
# **Your first step** returns a text that is the same whenever these three are the same, and another if one of them is another: in this
# process or in one next week. `digest` of lesson 3 takes bytes; `json.dumps` writes a list as one text.

# %% [markdown] lang="zh" of="691b58cd"
# ## 凭原料认出结果
#
# 再构建一次，守护进程会说 *Using cache*：什么也不运行。它凭什么知道？不是凭结果，结果还没有呢。一个步骤，凭的是它由什么做成：
#
# - **下面一步的键**，因此也就包括了再往下的全部步骤
# - **指令**，就是你的 `parse` 返回的那一对
# - 它读取的文件的**内容**，用摘要表示：COPY 才有。RUN 会读什么，谁也不能预先知道：`""`
#
# **你的第一步**返回一个字符串：这三样都相同时它就相同，任何一样不同它就不同；在这个进程里如此，下周的另一个进程里也如此。
# 第 3 课的 `digest` 接受字节；`json.dumps` 把一个列表写成一个字符串。

# %% tags=["exercise"] zh="返回一个步骤的键：由下面的键、指令和读取的内容决定（1 行）。" of="140e13e0"
@lab.step
def cache_key(parent, instruction, content):
    """Return a step's key: of the key below, the instruction, what it reads (1 line)."""
    ...

# %% tags=["check"]
lab.check(cache_key)

# %% [markdown] lang="en" id="chain"
# Here are five instructions. Between two builds the COPY's file changes. How many of the five are carried out again?

# %% [markdown] lang="zh" of="fa5920a0"
# 这里有五条指令。两次构建之间，COPY 的文件变了。五步里有几步要重新做？

# %%
lab.guess("chain")

# %%
text = "FROM nginx\nENV WHO=Docker\nCOPY page /\nRUN sort /page > /out\nCMD cat /out"
lines = parse(text)
other = [lines[0], ("ENV", "WHO=you"), *lines[2:]]
lab.chains(cache_key, a=(lines, "1"), b=(lines, "1"), c=(lines, "2"), d=(other, "1"))

# %%
lab.outcome("chain")

# %% [markdown] lang="en" id="chain-look"
# `a` is the first build; `b` is the same again; in `c` the page has changed, in `d` the ENV. One key is in the next, like the links of a chain, so
# a change goes all the way up and never down.
#
# Whoever writes Dockerfiles makes use of it: first what seldom changes. `COPY requirements.txt`, `RUN pip install`, and only then `COPY . /app`: the article's
# Flask example, the other way round, installs everything anew for each letter that is changed in `app.py`.

# %% [markdown] lang="zh" of="b23e607d"
# `a` 是第一次构建；`b` 原样再来一次；`c` 改了网页，`d` 改了 ENV。键一个套一个，像链条的环，所以一处改变会一直往上传，从不往下。
#
# 写 Dockerfile 的人正好利用这一点：很少变的放前面。先 `COPY requirements.txt`，再 `RUN pip install`，最后才 `COPY . /app`。
# 文章的 Flask 例子正好反过来：`app.py` 改一个字母，所有依赖就要重装一遍。

# %% [markdown] lang="en" id="layer-step"
# ## A layer, made once
#
# Now the builder. While it works it carries a **state** from one instruction to the next, a dictionary:
#
# | | |
# | --- | --- |
# | `config` | docker's config, as your `apply` changes it |
# | `layers` | the layers' descriptors, the lowest first |
# | `key` | the key of the last step |
# | `history` | what was done, a dictionary for each instruction |
#
# **Your second step** adds one layer to it, that of a RUN or a COPY. `lab.cache(store)` is a dictionary on disk.
#
# - `state["key"]` is this step's key already. If the cache has it: print ` ---> Using cache`, and run nothing
# - else a RUN is `run_step(value, state["config"], state["layers"], store)`, yours of lesson 9; keep what it returns in the cache
# - a COPY is `copy_step(sources, destination, context, state["layers"], store)`. `value` has the words of both, as a list or as one text; the last is the
#   destination, which `os.path.join(state["config"].get("WorkingDir") or "/", …)` makes absolute
# - at last append to `state["layers"]` what the cache has

# %% [markdown] lang="zh" of="18abf13b"
# ## 只做一次的层
#
# 现在写构建器。它干活的时候，带着一个**状态**从一条指令走到下一条，是个字典：
#
# | | |
# | --- | --- |
# | `config` | docker 的配置，由你的 `apply` 修改 |
# | `layers` | 各层的描述符，最底下的在前 |
# | `key` | 上一步的键 |
# | `history` | 做过什么，每条指令一个字典 |
#
# **你的第二步**给它加上一层：RUN 或 COPY 的那一层。`lab.cache(store)` 是一个存在磁盘上的字典。
#
# - `state["key"]` 已经是这一步的键。缓存里有：打印 ` ---> Using cache`，什么也不运行
# - 没有：RUN 就是 `run_step(value, state["config"], state["layers"], store)`，你第 9 课写的；把它返回的存进缓存
# - COPY 是 `copy_step(sources, destination, context, state["layers"], store)`。两者的词都在 `value` 里，是一个列表或者一个字符串；最后一个是目标，
#   用 `os.path.join(state["config"].get("WorkingDir") or "/", …)` 变成绝对路径
# - 最后把缓存里的那一层加到 `state["layers"]` 末尾

# %% tags=["exercise"] zh="把 RUN 或 COPY 的层加到状态里，缓存里有就不再做（11 行）。" of="912d0ee8"
@lab.step
def add_layer(instruction, state, context, store):
    """Add a RUN's or a COPY's layer to a state, or the one in the cache (11 lines)."""
    ...

# %% tags=["check"]
lab.check(add_layer)

# %% [markdown] lang="en" id="carry-step"
# ## One instruction
#
# **Your third step** carries out any instruction, and returns the state's key.
#
# - FROM: `state.update(lab.base(store, value))` puts everything into the state that the image has, its history too; its ID is the first key, and that is all
# - any other, first of all: `state["key"] = cache_key(…)`. What it reads is told by `reads(instruction, context)`, a challenge further down; until then labcore's is used
# - RUN and COPY: `add_layer`. All others change the config alone: `apply`
# - and append to `state["history"]`: `{"created_by": …, "empty_layer": …}`, the text of the instruction, and `True` if it has made no layer

# %% [markdown] lang="zh" of="4e26ecd5"
# ## 一条指令
#
# **你的第三步**执行任何一条指令，返回状态的键。
#
# - FROM：`state.update(lab.base(store, value))` 把镜像里的一切放进状态，连同它的历史；镜像的 ID 就是第一个键，此外什么也不用做
# - 其他指令，首先：`state["key"] = cache_key(…)`。它读什么，由 `reads(instruction, context)` 说；那是后面的一道挑战题，在你写出来之前用 labcore 的
# - RUN 和 COPY：`add_layer`。其余的只改配置：`apply`
# - 最后在 `state["history"]` 末尾加上 `{"created_by": …, "empty_layer": …}`：指令的文本，以及没有产生层时的 `True`

# %% tags=["exercise"] zh="在一个状态上执行一条指令，返回新的键（11 行）。" of="3b56c1f4"
@lab.step
def carry_out(instruction, state, context, store):
    """Carry out an instruction on a state; return its new key (11 lines)."""
    ...

# %% tags=["check"]
lab.check(carry_out)

# %% [markdown] lang="en" id="carried"
# The article's three lines, one by one. Watch the number of layers.

# %% [markdown] lang="zh" of="ae19a0f0"
# 文章的三行，一行一行来。看层数怎么变。

# %%
state = {}
for each in parse(DOCKERFILE):
    key = carry_out(each, state, folder, store)
    print(f"{key[7:19]}  {len(state['layers'])} layers  {each[0]}")

# %%
lab.outcome("layers of the page")

# %% [markdown] lang="en" id="image-step"
# ## An image
#
# A state in memory is no image yet. From lesson 3 you know what one is: two texts in JSON, each under its digest in the store.
#
# **Your fourth step** writes both and names the image. `lab.blob(store, content, type)` keeps bytes and returns their descriptor.
#
# - the **config**: `architecture`, `os`, `config` and `history`, as they are in the state, and `rootfs`: `{"type": "layers", "diff_ids": […]}`.
#   A `diff_id` is the digest of a layer *unpacked*: `lab.diff_id(store, layer)`. Its type is `CONFIG`
# - the **manifest**: `schemaVersion` 2, `mediaType` `MANIFEST`, `config` (the descriptor) and `layers`
# - `lab.tag(store, name, …)` takes the manifest's bytes, names it, and returns its digest. That is yours to return

# %% [markdown] lang="zh" of="2bd1168e"
# ## 一个镜像
#
# 内存里的状态还不是镜像。镜像是什么，你从第 3 课就知道：两段 JSON 文本，各自按摘要放在存储里。
#
# **你的第四步**写出这两段，并给镜像取名。`lab.blob(store, content, type)` 存下字节，返回描述符。
#
# - **配置**：状态里的 `architecture`、`os`、`config` 和 `history`，再加 `rootfs`：`{"type": "layers", "diff_ids": […]}`。
#   `diff_id` 是一层**解压之后**的摘要：`lab.diff_id(store, layer)`。类型是 `CONFIG`
# - **清单**：`schemaVersion` 是 2，`mediaType` 是 `MANIFEST`，还有 `config`（刚才的描述符）和 `layers`
# - `lab.tag(store, name, …)` 接受清单的字节，给它取名，返回它的摘要。你也返回这个摘要

# %% tags=["exercise"] zh="写出配置和清单，给镜像取名，返回清单的摘要（5 行）。" of="bb788522"
@lab.step
def image(state, name, store):
    """Write config and manifest, name the image; return its digest (5 lines)."""
    ...

# %% tags=["check"]
lab.check(image)

# %% [markdown] lang="en" id="build-step"
# ## All of them
#
# **Your fifth step**, and the last of the course, goes through the instructions. `step` is a function that carries one out, and returns
# its ID. Print as docker does, before and after each:
#
#     Step 2/3 : MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
#      ---> d208660aff70
#
# A list of words is printed in JSON; of an ID twelve digits, without `sha256:`. Return the last one.

# %% [markdown] lang="zh" of="6cde5499"
# ## 全部指令
#
# **你的第五步**，也是全课程的最后一步，把指令走一遍。`step` 是一个函数，执行一条指令，返回它的 ID。像 docker 那样，在每一条前后打印：
#
#     Step 2/3 : MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
#      ---> d208660aff70
#
# 一列词就用 JSON 打印；ID 只打印 12 位，不要 `sha256:`。返回最后一个 ID。

# %% tags=["exercise"] zh="依次执行各条指令，像 docker 一样打印，返回最后的 ID（5 行）。" of="67f05ae2"
@lab.step
def build(instructions, step):
    """Carry out all in turn, and say so as docker does; return the last ID (5 lines)."""
    ...

# %% tags=["check"]
lab.check(build)

# %% [markdown] lang="en" id="mine"
# Your builder is complete. `lambda` makes the step of what you have: the pair comes from `build`, the rest is known here.

# %% [markdown] lang="zh" of="25d5a1e4"
# 你的构建器完成了。`lambda` 把你写的东西拼成一个 step：那一对由 `build` 给，其余的这里都有。

# %%
def my_build(folder, name):
    state, text = {}, Path(folder, "Dockerfile").read_text()
    build(parse(text), lambda pair: carry_out(pair, state, folder, store))
    return image(state, name, store)

my_build(folder, "angelkitty/nginx_web:mine")

# %% [markdown] lang="en" id="mine-look"
# *Using cache*, and no container was made: `carry_out`, further up, has done this RUN already. Now with another page. And does your image
# hold what it should? Ask those who had no part in it: it is pushed, and the stock docker command pulls and runs it.

# %% [markdown] lang="zh" of="1ce61a56"
# *Using cache*，没有建容器：上面的 `carry_out` 已经做过这个 RUN。现在换一个网页。做出来的镜像对不对？让没有参与的人来说：把它推送上去，由现成的 docker 命令拉取并运行。

# %%
other = lab.context({"Dockerfile": DOCKERFILE.replace("Docker", "builder")}, "other")
my_build(other, "angelkitty/nginx_web:mine")

# %%
name = lab.push(store, "angelkitty/nginx_web:mine", registry)
docker(f"pull -q {name}")
docker(f"run --rm {name} cat /usr/share/nginx/html/index.html")

# %% [markdown] lang="en" id="touch"
# One question about the cache of the real daemon. A `COPY . /site` has been built. Now somebody runs `touch` on the page: its time is new, its bytes
# are not. Is the COPY done again?

# %% [markdown] lang="zh" of="41cf4c22"
# 关于真正的守护进程的缓存，还有一个问题。`COPY . /site` 已经构建过。现在有人对网页执行了 `touch`：时间变了，内容没变。COPY 会重做吗？

# %%
lab.guess("touch")

# %%
files = {"Dockerfile": "FROM nginx\nCOPY . /site\n", "page": "hello\n"}
site = lab.context(files, "site")
docker(f"build -q -t site {site}")
Path(site, "page").touch()
docker(f"build -t site {site}")
lab.outcome("touch")

# %% [markdown] lang="en" id="capstone"
# ## The capstone
#
# Until now the daemon was labcore's own. `labcore daemon --stages my_runtime.py` takes your functions in the place of its own: `namespaces`,
# `rootfs`, `hostname`, `devices` (lessons 1, 3, 4), `limits` and `confine` (2), `parse` (8), `apply` (9), `cache_key` and `build` (10).
# `lab.stages()` is that file as it counts now; what you have not written the solutions do.
#
# The stock command will notice nothing. The same three commands, the same page:

# %% [markdown] lang="zh" of="f59333ea"
# ## 收官
#
# 到现在守护进程都是 labcore 自己的。`labcore daemon --stages my_runtime.py` 用你的函数顶替它自己的：`namespaces`、`rootfs`、`hostname`、`devices`（第 1、3、4 课），
# `limits` 和 `confine`（第 2 课），`parse`（第 8 课），`apply`（第 9 课），`cache_key` 和 `build`（第 10 课）。
# `lab.stages()` 就是当前生效的这个文件；你没写的由参考答案顶上。
#
# 现成的 docker 命令什么也不会察觉。同样的三条命令，同样的网页：

# %%
daemon = lab.daemon("--registry-mirror", registry.url, "--stages", lab.stages())
docker = lab.docker(daemon)
docker(f"build -t angelkitty/nginx_web:v1 {folder}")

# %%
docker(f"run --name nginx_web -d -p {port}:80 angelkitty/nginx_web:v1")
lab.page(f"http://localhost:{port}/")

# %% [markdown] lang="en" id="capstone-look"
# What you see here went through your functions: the text of the Dockerfile through `parse`, MAINTAINER through `apply`, the RUN through the plan
# of your stages. Your `build` has printed into the daemon's log:

# %% [markdown] lang="zh" of="bb26acd4"
# 眼前的一切都经过了你的函数：Dockerfile 的文本经过 `parse`，MAINTAINER 经过 `apply`，RUN 经过由你的各阶段组成的计划。你的 `build` 打印在守护进程的日志里：

# %%
print(daemon.log)

# %% [markdown] lang="en" id="examined"
# That may all be so; but is it *seen*? The examination trusts nobody. It has a daemon of its own, on a copy of your file in which each function is given
# a **drawn** word to carry: a word that `parse` has to bring into the image's history and the page, a label by `apply`, a host name and a directory into
# the plan, a limit into the cgroup, a capability that `confine` has to take away. Then it looks for them in the image, in the trace, in the kernel.
#
# And it measures. How long will `docker run` take on your stages, beside labcore's own?

# %% [markdown] lang="zh" of="0f299436"
# 也许都是真的，可是**看见**了吗？考核谁也不信。它自己起一个守护进程，用的是你的文件的一份副本，里面每个函数都要捎上一个**抽签**得来的词：
# `parse` 要把一个词带进镜像的历史和网页，`apply` 带一个标签，计划里要有一个主机名和一个目录，cgroup 里要有一个限制，还有一项权能要由 `confine` 拿掉。
# 然后到镜像里、跟踪记录里、内核里去找它们。
#
# 它还要计时。在你的各阶段上，`docker run` 要多久？和 labcore 自己的比呢？

# %%
lab.guess("figures")

# %%
certificate = lab.capstone(registry)
certificate

# %%
lab.outcome("figures", certificate.times)

# %% [markdown] lang="en" id="certified"
# `certificate.save("certificate.html")` writes it to a file, to be printed. It says who wrote what: a function that is still labcore's can be
# written today, and the examination run again.

# %% [markdown] lang="zh" of="22581f3a"
# `certificate.save("certificate.html")` 把它写进文件，可以打印。谁写了什么，上面都有：还是 labcore 的函数，今天就可以补上，再考一次。

# %% [markdown] lang="en" id="reads-step"
# ## Further: what a COPY reads
#
# **A challenge**: the digest in a COPY's key. All words of its value but the last name files of the context (`Path(context, word)`, without a slash in front), or directories
# with all that is below. Put in what the image would have of them: names within the context, modes (`stat().st_mode`), bytes. Not the times: `touch` showed why. For any
# other instruction return `""`.

# %% [markdown] lang="zh" of="ab301ca6"
# ## 进阶：COPY 读了什么
#
# **一道挑战题**：COPY 的键里的那个摘要。除最后一个词以外，它的值里的词都是上下文里的文件（`Path(context, 词)`，去掉前面的斜杠）或目录（连同下面的一切）。
# 镜像会从它们得到的都要算进去：在上下文里的名字、权限（`stat().st_mode`）、内容。时间不算，`touch` 已经说明了原因。其他指令返回 `""`。

# %% tags=["exercise"] zh="返回 COPY 读取的文件的摘要：名字、权限、内容；其他指令为空（10 行）。" of="f66ff0a0"
@lab.step
def reads(instruction, context):
    """Return a digest of what a COPY reads: names, modes, bytes; else "" (10 lines)."""
    ...

# %% tags=["check"]
lab.check(reads)

# %% [markdown] lang="en" id="ignored-step"
# ## Further: what is not sent
#
# A file `.dockerignore` in the context keeps out what no image should have: `.git`, a key, a gigabyte of logs. **A challenge**: given its lines
# and a path, return whether it is kept out.
#
# - a line is a path from the context's root, with or without a `/` at either end; it keeps out what it matches and all that is below
# - `*` stands for letters of one name, `?` for one of them, `**/` for any number of directories, or none; `**` alone for anything
# - a line that begins with `!` takes back in. Of all lines that match, the **last** decides

# %% [markdown] lang="zh" of="140b7b01"
# ## 进阶：不发送什么
#
# 上下文里的 `.dockerignore` 文件把镜像不该有的东西挡在外面：`.git`、密钥、一个 G 的日志。**一道挑战题**：给出它的各行和一个路径，返回这个路径是否被挡在外面。
#
# - 一行是一个从上下文的根开始的路径，两头的 `/` 可有可无；它挡住匹配到的东西，以及其下的一切
# - `*` 代表一个名字里的若干字符，`?` 代表其中一个，`**/` 代表任意多层目录（也可以没有），单独的 `**` 代表一切
# - 以 `!` 开头的行把东西放回来。所有匹配的行里，**最后**一行说了算

# %% tags=["exercise"] zh="返回 .dockerignore 的各行是否把一个路径挡在外面（7 行）。" of="811aae93"
@lab.step
def ignored(patterns, path):
    """Return whether the lines of a .dockerignore keep a path out (7 lines)."""
    ...

# %% tags=["check"]
lab.check(ignored)

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# Something was built, and it is not what its maker meant. Find out why, with `fault.docker("…")` and the files in the folder that the story names.
# The next numbers break something else.

# %% [markdown] lang="zh" of="6038ff90"
# ## 进阶：找出故障
#
# 有人构建了一样东西，结果却不是他想要的。请用 `fault.docker("…")` 和故事里说的文件夹中的文件找出原因。换成后面的数字，坏的就是别的地方。

# %%
fault = lab.fault(10, seed=1)
fault

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
fault.restore(), registry.close()
lab.reset()

# %% [markdown] lang="en" id="built"
# ## What you have built
#
# | lesson | it answers | you have written | what Docker does beyond it |
# | --- | --- | --- | --- |
# | 1 | What is Docker? | a process with namespaces and a root of its own | user namespaces by default in rootless mode, AppArmor, time namespaces |
# | 2 | Its advantages | limits, rights, a filter | a filter with four hundred names, CPU, disk, devices |
# | 3 | Image, container, repository | layers, an overlay, a pull | several at a time, resumed, for several machines; signatures |
# | 4 | Installing and using | a look at the machine, a command | packages for ten systems, Docker Desktop with its virtual machine |
# | 5 | Architecture | a daemon with an API | two hundred routes, TLS, plug-ins; containers that outlive it |
# | 6 | How the parts cooperate | 404, a pull, streams | containerd and runc, each a program of its own |
# | 7 | Common commands | pause, exec, a bridge, a port | NAT in the kernel, IPv6, overlay networks between machines |
# | 8 | What is a Dockerfile? | a parser | BuildKit's frontends: the language itself comes as an image |
# | 9 | Instructions | config and layers | secrets, ssh, caches in a RUN; other machines' programs by emulation |
# | 10 | Building one | a builder with a cache | BuildKit: a graph in place of a list, steps side by side, caches in registries |
#
# The biggest difference is the last. Your builder goes from line to line. BuildKit makes a graph of all stages, leaves out what the
# target does not need, and carries out at once what does not wait for another. (labcore's own builder does, too: `labcore build`.)

# %% [markdown] lang="zh" of="86892f01"
# ## 你做出了什么
#
# | 课 | 回答的问题 | 你写的 | Docker 还多做了什么 |
# | --- | --- | --- | --- |
# | 1 | Docker 是什么？ | 一个有自己的命名空间和根的进程 | rootless 模式下默认用户命名空间、AppArmor、时间命名空间 |
# | 2 | 优势 | 限制、权限、过滤器 | 四百个名字的过滤器，还管 CPU、磁盘、设备 |
# | 3 | 镜像、容器、仓库 | 层、overlay、拉取 | 同时拉几层、断点续传、面向多种机器；签名 |
# | 4 | 安装和使用 | 检查机器、一个命令 | 十种系统的软件包，带虚拟机的 Docker Desktop |
# | 5 | 架构 | 一个有 API 的守护进程 | 两百条路由、TLS、插件；容器比守护进程活得长 |
# | 6 | 组件如何协作 | 404、拉取、输出流 | containerd 和 runc，各是独立的程序 |
# | 7 | 常用命令 | 暂停、exec、网桥、端口 | 内核里的 NAT、IPv6、跨机器的 overlay 网络 |
# | 8 | Dockerfile 是什么？ | 一个解析器 | BuildKit 的前端：连语言本身都是一个镜像 |
# | 9 | 指令 | 配置和层 | RUN 里的密钥、ssh、缓存；模拟运行别种机器的程序 |
# | 10 | 构建 | 一个带缓存的构建器 | BuildKit：用图代替列表，步骤并行，缓存放进注册服务器 |
#
# 最大的差别在最后一行。你的构建器一行一行往下走。BuildKit 把所有阶段做成一张图，目标用不着的就省去，互不等待的同时执行。
# （labcore 自己的构建器也是这样：`labcore build`。）

# %% [markdown] lang="en" id="end"
# Ten questions, the article had; none of the answers is magic. A container is a process that the kernel was asked to keep apart. An image is
# some archives and two texts in JSON. A registry serves files by their digests. A daemon reads requests and makes system calls. A Dockerfile is a list.
#
# You have not read that: you have written it, in one file, and a command that knows nothing of you works on it. Where to go from here: read
# labcore's own `runtime/plan.py` and `builder/`, which are not much longer; then runc, containerd, BuildKit. You know the words now.
#
# `labcore lesson exam` asks ten drawn questions across all lessons. Good luck, and thank you for building.

# %% [markdown] lang="zh" of="aa040a0a"
# 文章问了十个问题，没有一个答案是魔法。容器是一个进程，只是请内核把它隔开了。镜像是几个归档文件加两段 JSON。注册服务器按摘要提供文件。
# 守护进程读请求，做系统调用。Dockerfile 是一个列表。
#
# 这些不是你读来的，而是你亲手写的，写在一个文件里；一个对你一无所知的命令，就在它上面工作。接下来可以读 labcore 自己的 `runtime/plan.py` 和 `builder/`，
# 它们也长不了多少；然后是 runc、containerd、BuildKit。它们的行话你都懂了。
#
# `labcore lesson exam` 会从全部课程里抽十道题考你。祝好运，也谢谢你一路写到这里。
