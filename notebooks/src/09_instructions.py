# %% [markdown] lang="en" id="title"
# # 9. Instructions
#
# A Dockerfile has some eighteen instructions; the article explains eight. Here each is an experiment: you predict, have it built, and
# look at the two things that an instruction can change, the image's **config** and its **layers**. Then you write both halves
# yourself: `apply`, which changes the config, and `run_step`, which makes a layer of what a program writes. The core takes about
# 75 minutes.
#
# ## `INSTRUCTION argument`
#
# Every line has this form, says the article, and case does not matter (capitals are the custom, as in SQL). Below is its Flask example
# of lesson 8, eight lines long. Some lines only write something into the config; others run or copy something, and put a layer
# on top. How many layers will its image have more than `python:2.7`?
#
# (`build(…)` has the daemon build a Dockerfile, `POST /build`, as `docker build` does, and then shows for each line what it did to the
# config, and which files are in the layer that it made.)

# %% [markdown] lang="zh" of="a7a50c2b"
# # 9. Dockerfile 常用的指令
#
# Dockerfile 的指令大约有十八条，文章讲了其中八条。这一课把每条都当成实验：先预测，再构建，然后看指令能改的两样东西：镜像的**配置**和**层**。
# 之后这两半都由你自己来写：`apply` 改配置，`run_step` 把程序写下的东西变成一层。主线约 75 分钟。
#
# ## `INSTRUCTION argument`
#
# 文章说，每一行都是这个格式，指令不分大小写（和 SQL 一样，习惯用大写）。下面是第 8 课的 Flask 例子，共八行。
# 有的行只往配置里写点什么；有的行要运行或复制，会在上面加一层。它的镜像会比 `python:2.7` 多几层？
#
# （`build(…)` 让守护进程构建一个 Dockerfile，同 `docker build` 一样请求 `POST /build`；然后逐行列出：这一行对配置做了什么，它造的那一层里有哪些文件。）

# %%
from labcore.lab.vocabulary import *
lab.begin(9)
lab.guess("added layers")

# %%
daemon = lab.daemon(images=("busybox",))
docker, build = lab.docker(daemon), lab.builds(daemon)
text, files = lab.flask_example(daemon)
flask = build(text, files, tag="flask")
flask

# %%
lab.outcome("added layers", flask.made)

# %% [markdown] lang="en" id="kinds"
# Two, those of `COPY` and `RUN`. (`ADD` is the third that makes one; `WORKDIR` does if its directory is not there yet. Before Docker 1.10, of 2016, every line
# made one, and an old advice, to write few lines, comes from there.)
#
# **FROM** names the image to begin with, as `FROM image`, `FROM image:tag` or `FROM image@digest`; the tag is `latest` unless you say
# otherwise. (The article's `FROM :tag` has lost its `image`, and `FORM` is a slip.) Every Dockerfile begins with it; only `ARG` may stand
# before. `FROM scratch` is no image at all: the first layer is yours. Several FROMs are several **stages**. The article says that each
# makes an image; since 2017 only the last one is kept, and the others are workshops: `COPY --from=build /app /app` takes out of them what
# is wanted.
#
# (`python:2.7` has been out of support since 2020, and would have to be downloaded. A stand-in of that name was made here: `python` and
# `pip` are small scripts, and `pip` unpacks wheels from a directory. To see one:
# `docker("run --rm --entrypoint cat python:2.7 /usr/local/bin/pip")`.)
#
# **MAINTAINER** is deprecated, also since 2017: it can say one thing only. `LABEL` says anything:
# `LABEL org.opencontainers.image.authors="…"`.
#
# ## `ARG` and `ENV`
#
# The article leaves these two out, and hardly a Dockerfile does. Both are variables: `ARG` has a default, which `docker build
# --build-arg VERSION=2` overrides; `ENV` is set. Which of them will a *container* have in its environment?

# %% [markdown] lang="zh" of="459a4e2b"
# 两层：`COPY` 和 `RUN` 各一层。（能加层的还有 `ADD`；`WORKDIR` 的目录若还不存在，也会加一层。Docker 1.10（2016 年）以前每一行都是一层，
# “行数要少”这条老建议就是这么来的。）
#
# **FROM** 指定从哪个镜像开始，写成 `FROM image`、`FROM image:tag` 或 `FROM image@digest`；不写标签就是 `latest`。
# （文章里的 `FROM :tag` 漏了 `image`，`FORM` 是笔误。）每个 Dockerfile 都以它开头，前面只能有 `ARG`。`FROM scratch` 表示没有基础镜像：第一层就是你的。
# 多个 FROM 就是多个**阶段**（stage）。文章说每个都创建一个镜像；2017 年以后只留最后一个，前面的是作坊：
# `COPY --from=build /app /app` 从里面拿走要用的东西。
#
# （`python:2.7` 从 2020 年起停止维护，而且要下载。这里造了一个同名的替身：`python` 和 `pip` 是两个小脚本，`pip` 从一个目录里解开 wheel 包。
# 想看看的话：`docker("run --rm --entrypoint cat python:2.7 /usr/local/bin/pip")`。）
#
# **MAINTAINER** 也在 2017 年弃用了：它只能说一件事。`LABEL` 什么都能说：`LABEL org.opencontainers.image.authors="…"`。
#
# ## `ARG` 和 `ENV`
#
# 文章没讲这两条，可是几乎每个 Dockerfile 都用。两者都是变量：`ARG` 有默认值，可以用 `docker build --build-arg VERSION=2` 替换；
# `ENV` 是直接设定的。**容器**的环境变量里会有哪一个？

# %%
lab.guess("arg or env")

# %%
build('''
ARG TAG=latest
FROM busybox:$TAG
ARG VERSION=1
ENV APP=/srv/app-$VERSION
RUN echo "version $VERSION, in $APP" > /told
''', arguments={"VERSION": "2"})

# %%
docker("run --rm try env")
docker("history --no-trunc --format '{{.CreatedBy}}' try")
lab.outcome("arg or env")

# %% [markdown] lang="en" id="expand-step"
# An ARG is there for the build alone, but no secret: `docker history` shows it to everybody. An ENV is written into the config
# and thus into every container. And who has put `2` in the place of `$VERSION`? In `ENV` the *builder* has. In `RUN` it was the *shell*: the builder
# leaves these lines as they are, and hands the variables to the program.
#
# **Your first step** is what the builder does. Return `text` with these replaced:
#
# - `$NAME` and `${NAME}`, a name being letters, digits and `_`, as many as there are: by `variables[NAME]`, or by nothing if it is not there
# - `${NAME:-word}`: by the value, but by `word` if there is none or it is empty
# - a backslash before the dollar sign takes its meaning away: `\$NAME` becomes `$NAME`
#
# What is put in is not looked at again. `re.sub(pattern, function, text)` calls the function with each match, and puts in what it returns.

# %% [markdown] lang="zh" of="1bf2248f"
# ARG 只在构建时存在，但它不是秘密：`docker history` 谁都能看。ENV 写进配置，于是每个容器里都有。那么，是谁把 `$VERSION` 换成了 `2`？
# 在 `ENV` 里是**构建器**换的；在 `RUN` 里是 **shell** 换的：构建器不动这些行，只把变量交给程序。
#
# **你的第一步**就是构建器做的事。返回 `text`，其中：
#
# - `$NAME` 和 `${NAME}`（名字由字母、数字和 `_` 组成，能有多长取多长）换成 `variables[NAME]`，没有这个变量就换成空
# - `${NAME:-word}` 换成它的值；没有值或者值为空，就换成 `word`
# - 美元符号前的反斜杠取消它的含义：`\$NAME` 变成 `$NAME`
#
# 换进去的内容不再处理。`re.sub(pattern, function, text)` 对每处匹配调用函数，把它返回的内容换进去。

# %% tags=["exercise"] zh="把文本里的变量换成它们的值，返回结果（3 行）。" of="02f5f86b"
@lab.step
def expand(text, variables):
    """Return a text with its variables' values in their places (3 lines)."""
    ...

# %% tags=["check"]
lab.check(expand)

# %% tags=["nbval-check-output"]
expand(r"${GREETING:-hello} $WHO, that is \$5", {"WHO": "reader"})

# %% [markdown] lang="en" id="settings"
# ## `WORKDIR`, `USER`, `EXPOSE`
#
# `WORKDIR` is the directory in which RUN, CMD and ENTRYPOINT run (and to which COPY copies, if the destination is relative); a relative one goes on from the
# one before, and `/` is the first. `USER` says who runs them. `EXPOSE` names a port. Somebody runs the image below, *without* `-p`: can port 5000 of the
# machine be reached then?

# %% [markdown] lang="zh" of="f8669c59"
# ## `WORKDIR`、`USER`、`EXPOSE`
#
# `WORKDIR` 是 RUN、CMD、ENTRYPOINT 运行时所在的目录（COPY 的目标是相对路径时，也从这里算起）；相对路径接在上一个后面，最初是 `/`。
# `USER` 规定以谁的身份运行。`EXPOSE` 写明一个端口。有人运行下面这个镜像，**不加** `-p`：从这台机器能访问 5000 端口吗？

# %%
lab.guess("exposed")

# %%
build('''
FROM busybox
WORKDIR /srv
WORKDIR site
RUN pwd > where; chmod 777 .
USER nobody
RUN id -un > who
EXPOSE 5000
''')

# %%
docker("run -d --name page try httpd -f -p 5000")
docker("port page")
docker("run -d --name other -P try httpd -f -p 5000")
docker("port other")
lab.outcome("exposed")

# %% [markdown] lang="en" id="apply-step"
# `EXPOSE` opens nothing. It is a note for people, and for `-P`, which publishes every exposed port at a free one of the machine. `USER` in the middle of
# the file counts from there on: `who` says `nobody`. (The article sorts it among the lines for the container's start. It is that, and more.)
#
# Mind where the files are: each `WORKDIR` made its directory, and a layer for that.
#
# **Your second step** is the half that changes the config. An instruction is a pair, as your `parse` of lesson 8 makes it: the name, and a text or,
# for the exec form, a list of words. The config is a dict. **Return a new one**, `config | {"User": …}`, with one field changed:
#
# | name | field | its value |
# | --- | --- | --- |
# | `CMD`, `ENTRYPOINT` | `Cmd`, `Entrypoint` | the list; a text becomes `["/bin/sh", "-c", text]`, unexpanded |
# | `ENV` | `Env` | `["NAME=value", …]`, the old ones and the new |
# | `WORKDIR` | `WorkingDir` | `os.path.join` of `/`, the one before, and the new; no `..` is left: `os.path.normpath` |
# | `USER` | `User` | the text |
# | `EXPOSE` | `ExposedPorts` | a dict, the old ports and the new: `{"5000/tcp": {}}`; `tcp` if nothing is said |
# | `LABEL` | `Labels` | a dict, the old labels and the new: `{"org.example.by": "me"}` |
#
# All but the first row are expanded, with `lab.environment(config)`, the variables by name. `lab.pairs(text)` reads what stands behind `ENV` and `LABEL`, several in a line,
# quotes and all: a dict.
# Fields may be missing, or `None`. Whatever else comes, RUN or COPY: return the config as it is.

# %% [markdown] lang="zh" of="72bc95bf"
# `EXPOSE` 什么也没打开。它是给人看的说明，也是给 `-P` 用的：`-P` 把每个写明的端口发布到机器的一个空闲端口上。
# 写在中间的 `USER` 从那一行起生效：`who` 里是 `nobody`。（文章把它归为容器启动指令，它的作用不止于此。）
#
# 留意文件在哪里：每个 `WORKDIR` 都建了自己的目录，为此加了一层。
#
# **你的第二步**是改配置的那一半。一条指令是一个二元组，就是你第 8 课的 `parse` 产生的：名字，再加一段文本；exec 形式则是一个列表。
# 配置是一个字典。**返回一个新的**，`config | {"User": …}`，改其中一个字段：
#
# | 指令 | 字段 | 值 |
# | --- | --- | --- |
# | `CMD`、`ENTRYPOINT` | `Cmd`、`Entrypoint` | 列表；文本则变成 `["/bin/sh", "-c", text]`，不展开变量 |
# | `ENV` | `Env` | `["NAME=value", …]`，原有的加上新的 |
# | `WORKDIR` | `WorkingDir` | 用 `os.path.join` 连接 `/`、上一个和新的；再用 `os.path.normpath` 去掉 `..` |
# | `USER` | `User` | 这段文本 |
# | `EXPOSE` | `ExposedPorts` | 字典，原有的端口加上新的：`{"5000/tcp": {}}`；没写协议就是 `tcp` |
# | `LABEL` | `Labels` | 字典，原有的标签加上新的：`{"org.example.by": "me"}` |
#
# 除第一行外都要展开变量，用 `lab.environment(config)`：按名字排好的变量。`lab.pairs(text)` 读出 `ENV` 和 `LABEL` 后面的内容（一行几对都行，引号也处理好），给出一个字典。
# 字段可能没有，也可能是 `None`。其他指令（RUN、COPY 等）：配置原样返回。

# %% tags=["exercise"] zh="返回执行一条指令之后的配置；多数指令不改它（12 行）。" of="76e54715"
@lab.step
def apply(instruction, config):
    """Return the config after an instruction; most say nothing of it (12 lines)."""
    ...

# %% tags=["check"]
lab.check(apply)

# %% [markdown] lang="en" id="apply-flask"
# The Flask example's eight lines by your `parse` and your `apply`, beside the config that the daemon has made:

# %% [markdown] lang="zh" of="763b51d4"
# Flask 例子的八行，经过你的 `parse` 和 `apply`，再和守护进程得到的配置对照：

# %% tags=["nbval-check-output"]
config = dict(build("FROM python:2.7").config)
for instruction in parse(text):
    config = apply(instruction, config)
print(config["Entrypoint"], config["Cmd"], config["WorkingDir"], config["ExposedPorts"])
config == flask.config

# %% [markdown] lang="en" id="programs"
# ## `ENTRYPOINT` and `CMD`
#
# From lesson 6 you know: what runs is the entry point, and behind it the words given to `docker run`, or else the CMD. Both have two forms. The **exec form** is the list
# itself; the **shell form**, a text, is a list of three words: `/bin/sh`, `-c`, the text. Of several CMDs, or ENTRYPOINTs, the last one counts.
#
# That sounds harmless. `ENTRYPOINT echo E`, and somebody types `docker run IMAGE echo A`: what is printed?

# %% [markdown] lang="zh" of="7872f32e"
# ## `ENTRYPOINT` 和 `CMD`
#
# 第 6 课讲过：运行的是入口，后面接 `docker run` 给的词，没给就接 CMD。两者都有两种形式。**exec 形式**就是列表本身；
# **shell 形式**是一段文本，变成三个词的列表：`/bin/sh`、`-c`、这段文本。写了多个 CMD 或 ENTRYPOINT，最后一个生效。
#
# 听起来很简单。写的是 `ENTRYPOINT echo E`，有人敲 `docker run IMAGE echo A`：会输出什么？

# %%
lab.guess("entry point")

# %%
lab.entry_points(daemon)

# %%
lab.outcome("entry point")

# %% [markdown] lang="en" id="matrix-look"
# All 18 were run just now. Three things to read off:
#
# - **The last row**: `sh -c TEXT more words` takes only the text as a program; the other words become `$0`, `$1` of a script that never asks for them. A shell-form entry point
#   swallows CMD and arguments.
# - **The last column**: a shell-form CMD behind an exec-form entry point becomes three strange arguments. Hence the rule: *exec form for both*.
# - **The middle**: ENTRYPOINT is the program, CMD its default arguments: the article's form "without a program". Arguments given to `docker run` replace the CMD, never the
#   entry point (that takes `--entrypoint`).
#
# So the Flask image behaves like a `python` that has a favourite file:

# %% [markdown] lang="zh" of="74642b4c"
# 18 种都是刚才运行的。可以看出三点：
#
# - **最后一行**：`sh -c TEXT 其他词` 只把 TEXT 当程序；其他词成了脚本的 `$0`、`$1`，而脚本从来不用。shell 形式的入口会吞掉 CMD 和参数。
# - **最后一列**：exec 形式的入口后面接 shell 形式的 CMD，得到三个古怪的参数。所以规矩是：**两个都用 exec 形式**。
# - **中间**：ENTRYPOINT 是程序，CMD 是它的默认参数，即文章所说的“无可执行程序形式”。`docker run` 给的参数替换 CMD，换不掉入口（那要用 `--entrypoint`）。
#
# 所以 Flask 镜像用起来就像 `python` 命令，只是有一个默认的文件：

# %%
docker("run --rm flask --version")
docker("run -d --name web flask")
docker("exec web sh -c 'until wget -qO- 127.0.0.1:5000; do sleep 0.1; done 2> /dev/null'")

# %% [markdown] lang="en" id="pid1"
# ## Who is process 1?
#
# The colours tell. It matters when a container is to stop: `docker stop` sends SIGTERM to *process 1*, and after ten seconds SIGKILL. Here is a server that
# tidies up and says `bye` when it is asked to end. With which exit codes will these two end? (137 is 128 + 9: killed.)

# %% [markdown] lang="zh" of="379ac007"
# ## 1 号进程是谁？
#
# 看颜色就知道。停止容器时这很要紧：`docker stop` 把 SIGTERM 发给 **1 号进程**，十秒之后再发 SIGKILL。
# 下面这个服务器，收到结束的请求会先收拾好，说一声 `bye`。这两个容器的退出码各是多少？（137 = 128 + 9：被杀死的。）

# %%
lab.guess("pid 1")

# %%
server = """#!/bin/sh
trap 'echo bye; exit 0' TERM
while :; do sleep 0.1; done
"""
for form, line in {"exec": 'CMD ["/serve"]', "shell": "CMD /serve; echo over"}.items():
    build(f"FROM busybox\nCOPY serve /\n{line}", {"serve": server}, tag=f"{form}-form")
    docker(f"run -d --name {form} {form}-form")
docker("top shell -o pid,ppid,args")

# %%
docker("stop -t 2 exec shell")
docker("inspect -f '{{.Name}} {{.State.ExitCode}}' exec shell")
docker("logs exec")
lab.outcome("pid 1")

# %% [markdown] lang="en" id="pid1-look"
# The signal went to the shell. That has no handler for it, and the kernel protects process 1 of a namespace: a signal without a handler does not even end it. The server,
# its child, never heard of anything, and was killed with it. Exec form is the cure; or, where a shell is needed, `exec` as its last word: `CMD prepare && exec /serve`.
# (With a single command some shells do that by themselves; do not count on it.) A process 1 also has to *reap* orphans: `docker run --init` puts a tiny program there that
# does both.

# %% [markdown] lang="zh" of="9c4b9cd6"
# 信号发给了 shell。它没有为此设处理函数，而内核保护命名空间里的 1 号进程：没有处理函数的信号连结束它都做不到。
# 服务器是它的子进程，什么也没听到，就一起被杀了。办法是用 exec 形式；必须用 shell 时，最后一条命令前加 `exec`：`CMD prepare && exec /serve`。
# （只有一条命令时，有些 shell 会自己这样做，但别指望。）1 号进程还得给孤儿进程**收尸**：`docker run --init` 在那里放一个很小的程序，两件事都做。

# %% [markdown] lang="en" id="run"
# ## `RUN`: a container, and its upper directory
#
# Lesson 3: a container is the image's layers, and an upper directory in which all that it writes ends up. `RUN` takes that literally. It starts a container on the layers so
# far, waits for its end, and the upper directory *is* the new layer. The layers below stay as they are.
#
# Here somebody needs a key for one step, and tidies up behind it. Is it gone?

# %% [markdown] lang="zh" of="4b6b1d11"
# ## `RUN`：一个容器，和它的 upper 目录
#
# 第 3 课讲过：容器就是镜像的各层，再加一个 upper 目录，写的东西都落在里面。`RUN` 就是照字面来的：在已有的层上启动一个容器，等它结束，
# 它的 upper 目录**就是**新的一层。下面的层不变。
#
# 这里有一步要用到密钥，用完就收拾干净。它真的没了吗？

# %%
lab.guess("secret")

# %%
leaky = build('''
FROM busybox
COPY key /key
RUN wc -c < /key > /used
RUN rm /key
''', {"key": "hunter2"}, tag="leaky")
leaky

# %%
docker("run --rm leaky cat /key")
for blob in leaky.layers:
    with tarfile.open(blob) as archive:
        if "key" in archive.getnames():
            print("in layer", blob.name[:12], archive.extractfile("key").read())
lab.outcome("secret")

# %% [markdown] lang="en" id="overlay-step"
# A container does not see it any more. But whoever pulls the image has the layer, and three lines of Python find the key. `rm` in a later line
# only adds a mark: *key is deleted*. (The same goes for size: what an `apt-get` leaves in one line, a later `rm` does not make smaller.)
#
# Now build this yourself, in three steps. **The third step** is small: your `overlay` of lesson 3 puts the upper directory on a tmpfs, gone with the container. Write it anew.
# `root.writable` may name a directory in which `upper` is to stay:
#
# - if it is not empty, all three directories lie in there, and no tmpfs is mounted
# - if it is, all as before, in `root.scratch`
#
# (The real daemon needs this of your stages, too: it commits, diffs and restarts containers by their upper directories.)

# %% [markdown] lang="zh" of="7459af03"
# 容器确实看不到它了。可是谁拉取镜像，谁就有那一层，三行 Python 就能找到密钥。后面一行的 `rm` 只是添了一个标记：**key 已删除**。
# （大小也一样：`apt-get` 在某一行留下的东西，后面再 `rm` 也不会变小。）
#
# 现在自己来做，分三步。**第三步**很小：你第 3 课的 `overlay` 把 upper 目录放在 tmpfs 上，容器结束就没了。重写一遍。
# `root.writable` 可能给出一个目录，`upper` 要留在里面：
#
# - 不为空时，三个目录都放在那里，不挂 tmpfs
# - 为空时，一切照旧，放在 `root.scratch`
#
# （真正的守护进程也需要你的阶段做到这一点：提交、比较、重启容器，靠的都是 upper 目录。）

# %% tags=["exercise"] zh="返回把各层叠起来的操作；有 `root.writable` 时，写的内容留在那里（新增 2 行）。" of="933b12d8"
@lab.step
def overlay(root):
    """Return the ops that stack the layers; in `root.writable` it stays (2 new lines)."""
    ...

# %% tags=["check"]
lab.check(overlay)

# %% [markdown] lang="en" id="layer-step"
# **The fourth step** makes an archive of an upper directory: `whiteouts` of lesson 3, backwards. Overlayfs has left its own marks there, and a layer has others:
#
# | in the upper directory | in the layer |
# | --- | --- |
# | a character device 0/0, `NAME` | an empty file `.wh.NAME` beside it, and no device |
# | an attribute `OPAQUE` on a directory | the directory, and an empty file `.wh..wh..opq` in it |
# | anything else | itself |
#
# - `content = io.BytesIO()` is a file in memory; `tarfile.open(fileobj=content, mode="w")`
# - `sorted(Path(upper).rglob("*"))` gives every path, a directory before what is in it; names in the archive are relative: `path.relative_to(upper)`
# - `path.lstat()` has `st_mode` and `st_rdev`: `stat.S_ISCHR`; `os.listxattr(path, follow_symlinks=False)`
# - `archive.add(path, NAME, recursive=False)` puts one in; `archive.addfile(tarfile.TarInfo(NAME))` an empty file
# - `return lab.blob(store, content.getvalue())` keeps it, and gives its descriptor: type, digest, size

# %% [markdown] lang="zh" of="51ddb71d"
# **第四步**把 upper 目录打成归档：把第 3 课的 `whiteouts` 倒过来做。overlayfs 在里面留的是它自己的标记，层里用的是另一种：
#
# | upper 目录里 | 层里 |
# | --- | --- |
# | 字符设备 0/0，名为 `NAME` | 旁边一个空文件 `.wh.NAME`，不要设备 |
# | 目录上的属性 `OPAQUE` | 这个目录，里面一个空文件 `.wh..wh..opq` |
# | 其他 | 它本身 |
#
# - `content = io.BytesIO()` 是内存里的文件；`tarfile.open(fileobj=content, mode="w")`
# - `sorted(Path(upper).rglob("*"))` 给出所有路径，目录排在它的内容前面；归档里用相对路径：`path.relative_to(upper)`
# - `path.lstat()` 有 `st_mode` 和 `st_rdev`：`stat.S_ISCHR`；`os.listxattr(path, follow_symlinks=False)`
# - `archive.add(path, NAME, recursive=False)` 放入一个；`archive.addfile(tarfile.TarInfo(NAME))` 放入一个空文件
# - `return lab.blob(store, content.getvalue())` 存起来，给出描述符：类型、摘要、大小

# %% tags=["exercise"] zh="把 upper 目录的内容作为一层存进存储，返回它的描述符（11 行）。" of="6056bbf0"
@lab.step
def layer(upper, store):
    """Keep an upper directory as a layer of the store; return a descriptor (11 lines)."""
    ...

# %% tags=["check"]
lab.check(layer)

# %% [markdown] lang="en" id="run-step"
# **The last step** puts it together. `command` is what stands behind RUN, a text or a list; `config` the image's so far; `below` its layers' descriptors, the lowest first.
#
# - `place = lab.tray("step")` has an empty `upper` and `work` in it
# - the root: `OverlayRoot(store, tuple(layers({"layers": below}, store)), "scratch", writable=place)`
# - the spec: `ContainerSpec(root, tuple(argv), tuple(config.get("Env") or ()))`; the config's Cmd and Entrypoint have no say
# - the plan as in your `run` of lesson 3: limits, namespaces, host name, root, confine; then `*lab.workdir_and_user(config, root)`, which goes to the working directory (and makes it, as runc
#   does) and becomes the user; then the program
# - another exit code than 0 is an error that tells it: `raise RuntimeError(f"{command} returned a non-zero code: {code}")`
# - else return the `layer` of `{place}/upper`

# %% [markdown] lang="zh" of="99104d76"
# **最后一步**把它们合起来。`command` 是 RUN 后面的内容，一段文本或一个列表；`config` 是镜像到此为止的配置；`below` 是已有各层的描述符，最低的在前。
#
# - `place = lab.tray("step")` 里面有空的 `upper` 和 `work`
# - 根：`OverlayRoot(store, tuple(layers({"layers": below}, store)), "scratch", writable=place)`
# - 规格：`ContainerSpec(root, tuple(argv), tuple(config.get("Env") or ()))`；配置里的 Cmd 和 Entrypoint 这时不起作用
# - 计划同你第 3 课的 `run`：限制、命名空间、主机名、根、约束；然后是 `*lab.workdir_and_user(config, root)`，它进入工作目录（没有就建，runc 也这样），并变成指定的用户；最后是程序
# - 退出码不是 0 就是错误，要说出是几：`raise RuntimeError(f"{command} returned a non-zero code: {code}")`
# - 否则返回 `{place}/upper` 的 `layer`

# %% tags=["exercise"] zh="在下面各层上运行一个程序，把它写的内容作为一层返回；失败则抛出错误（10 行）。" of="5a469003"
@lab.step
def run_step(command, config, below, store):
    """Run a program on layers; return what it wrote as a layer, or raise (10 lines)."""
    ...

# %% tags=["check"]
lab.check(run_step)

# %% [markdown] lang="en" id="mine"
# The same three lines by your own functions, and the layers drawn. Where is the key?

# %% [markdown] lang="zh" of="5878705d"
# 同样的三行，用你自己的函数来做，再把各层画出来。密钥在哪里？

# %%
store = lab.new_store("busybox")
below = lab.manifest(store, "busybox")["layers"]
for command in ("echo hunter2 > /key", "wc -c < /key > /used", "rm /key"):
    below = [*below, run_step(command, {}, below, store)]
names = layers({"layers": below}, store)
lab.stack([f"{store}/{name}" for name in names], files=["key", "used", "bin/busybox"])

# %% [markdown] lang="en" id="mount"
# What comes from above sees a mark. What is below still holds the key, and is in every copy of the image.
#
# The cure is never to write it into a layer. BuildKit (which came in 2018, and has been the usual builder since 2023) mounts secrets: a file that is there while the step runs, on a tmpfs.
# At a terminal: `docker build --secret id=key,src=key .`, or the same with `labcore build`.

# %% [markdown] lang="zh" of="c8164818"
# 从上面看，只有一个标记；下面的密钥还在，镜像的每一份拷贝里都有。
#
# 办法是永远不把它写进层里。BuildKit（2018 年出现，2023 年起是默认的构建器）可以挂载秘密：这一步运行期间才有的文件，放在 tmpfs 上。
# 在终端里是 `docker build --secret id=key,src=key .`，`labcore build` 也一样。

# %%
build('''
FROM busybox
RUN --mount=type=secret,id=key wc -c < /run/secrets/key > /used
''', secrets={"key": b"hunter2"}, tag="tight")

# %% [markdown] lang="en" id="cache"
# ## The cache, hit and missed
#
# A step is known by what is below it, what it says, and the files that it reads. Whoever has been here before need not run it again. In the Flask example, one word of `app.py`
# is changed, and it is built once more. Will `pip install` run again?

# %% [markdown] lang="zh" of="e6eba864"
# ## 缓存：命中与未命中
#
# 一步由三样东西认定：下面是什么，它写的是什么，它读的文件是什么。做过的就不必再做。Flask 例子里，把 `app.py` 改一个词，再构建一次。`pip install` 会重新运行吗？

# %%
lab.guess("rebuilt")

# %%
changed = {**files, "app.py": files["app.py"].replace("Hello", "Good morning")}
build(text, changed, tag="flask")

# %% [markdown] lang="en" id="cache-look"
# It does: `COPY . /app` reads `app.py`, its layer is another one, and whatever stands on it is new. So copy first what changes seldom. This one is built twice, before the change and after it:

# %% [markdown] lang="zh" of="d94d9e7d"
# 会：`COPY . /app` 读了 `app.py`，它的层变了，建在上面的也就都是新的。所以，不常变的先复制。下面这个构建两次，一次在修改之前，一次在修改之后：

# %%
better = '''
FROM python:2.7
WORKDIR /app
COPY requirements.txt ./
COPY wheels wheels
RUN pip install -r requirements.txt
COPY . .
EXPOSE 5000
ENTRYPOINT ["python"]
CMD ["app.py"]
'''
build(better, files, tag="flask")
build(better, changed, tag="flask")

# %%
lab.outcome("rebuilt")

# %% [markdown] lang="en" id="copy"
# ## `COPY` and `ADD`
#
# `COPY` takes files from the **context**, the directory that was sent to the daemon: its paths are relative to that, and nothing outside can be reached. `COPY . /app` copies what is *in*
# the directory. The article recommends it for local directories, and it still is right: `ADD` does more, and not always what one expects. What will be in `/added`?

# %% [markdown] lang="zh" of="5e75f8b9"
# ## `COPY` 和 `ADD`
#
# `COPY` 从**上下文**（context，即发给守护进程的那个目录）取文件：路径相对于它，外面的够不着。`COPY . /app` 复制的是目录**里面**的内容。
# 文章推荐本地目录用 COPY，今天仍然对：`ADD` 做得更多，而且不总是人们想的那样。`/added` 里会有什么？

# %%
lab.guess("add")

# %%
build('''
FROM busybox
COPY site.tar /copied/
ADD site.tar /added/
''', {"site.tar": lab.layer({"index.html": "hello\n"})})

# %%
lab.outcome("add")

# %% [markdown] lang="en" id="others"
# `ADD` unpacks archives, and downloads URLs. The remaining instructions are soon told, and each is an experiment of three lines: `STOPSIGNAL` writes one field, as `LABEL` does;
# `VOLUME` says where a container gets a volume of its own; `HEALTHCHECK` a command that `docker ps` reports on; `SHELL` replaces `/bin/sh -c`; `ONBUILD` waits for the next FROM.

# %% [markdown] lang="zh" of="6033888a"
# `ADD` 会解开归档，还会下载 URL。其余的指令几句话就能说完，每条都是三行的实验：`STOPSIGNAL` 和 `LABEL` 一样，只写一个字段；`VOLUME` 说明容器在哪里有自己的卷；
# `HEALTHCHECK` 是 `docker ps` 据以报告健康状况的命令；`SHELL` 替换 `/bin/sh -c`；`ONBUILD` 等到下一个 FROM 才执行。

# %% [markdown] lang="en" id="copy-step"
# ## Further: your own `COPY`
#
# **A challenge**: files of a context become a layer. `sources` is a list of paths in the directory `context` (a `/` in front means that directory, not the machine's root), `destination` an absolute path in the image.
#
# - write into the `upper` of `lab.tray("copy")`, and return its `layer`
# - of a directory what is *in* it is copied; a file goes to the destination itself, or into it, if that ends in `/` or `/.`, if there are several sources, or if one of the layers `below` has a directory there
# - a source that is not within the context (mind links: `Path.resolve`, `is_relative_to`) is an error, and so is one that is not there
# - `shutil.copytree(…, symlinks=True, dirs_exist_ok=True)` and `shutil.copy2` copy, or cp(1) both: `cp -RT`

# %% [markdown] lang="zh" of="498d5431"
# ## 进阶：你自己的 `COPY`
#
# **一道挑战题**：把上下文里的文件变成一层。`sources` 是目录 `context` 里的一组路径（开头的 `/` 指这个目录，而不是本机的根），`destination` 是镜像里的绝对路径。
#
# - 写进 `lab.tray("copy")` 的 `upper`，返回它的 `layer`
# - 目录只复制**里面**的内容；文件复制成目标本身。目标以 `/` 或 `/.` 结尾、来源不止一个，或者 `below` 的某一层在那里有目录，就复制到目标里面
# - 不在上下文之内的来源是错误（当心链接：`Path.resolve`、`is_relative_to`），不存在的也是
# - 复制用 `shutil.copytree(…, symlinks=True, dirs_exist_ok=True)` 和 `shutil.copy2`；cp(1) 的 `cp -RT` 两样都行

# %% tags=["exercise"] zh="把上下文里的文件复制到下面各层上的一个位置，作为一层返回（11 行）。" of="e7e00139"
@lab.step
def copy_step(sources, destination, context, below, store):
    """Copy files of the context to a place; return their layer (11 lines)."""
    ...

# %% tags=["check"]
lab.check(copy_step)

# %% [markdown] lang="en" id="orphans"
# ## Further: a process 1 of your own
#
# A program whose parent has ended becomes a child of process 1, and when it ends it stays a **zombie**, a number without a program, until process 1 asks for its exit code. Few programs do.
# Both containers below leave two orphans behind; in the second one `--init` has put a process 1 before the program. What does `ps` show of the orphans, a second later?

# %% [markdown] lang="zh" of="ee03429f"
# ## 进阶：自己的 1 号进程
#
# 父进程已经结束的程序，会成为 1 号进程的子进程；它结束以后是一个**僵尸**：有编号，没有程序，直到 1 号进程来取它的退出码。这样做的程序不多。
# 下面两个容器都会留下两个孤儿进程；第二个容器里，`--init` 在程序前面放了一个 1 号进程。一秒之后，`ps` 里会看到这些孤儿吗？

# %%
program = "(sleep 0.1 &); (sleep 0.1 &); exec sleep 1000"
for name, option in {"careless": "", "careful": "--init"}.items():
    docker(f"run -d --name {name} {option} busybox sh -c '{program}'")
    docker(f"exec {name} sh -c 'sleep 1; ps -o stat,pid,ppid,args'")

# %% [markdown] lang="en" id="reaper-step"
# `Z` is a zombie, and holds one of the numbers that `--pids-limit` counts. Where there is an init, nothing is left to be seen.
#
# **A challenge**: be that init. `reaper(argv)` is called in process 1 of a new PID namespace; it starts the program and returns when that has ended.
#
# - `os.posix_spawnp(argv[0], argv, os.environ, setsigmask=())` starts it, with no signal blocked
# - whoever has ended is reaped, the program or not; several that end together send one SIGCHLD
# - each signal that process 1 is given goes to the program: `os.kill`
# - return the program's exit code, as `docker run` would: 128 and the number of the signal, if one has ended it
#
# A signal that comes just before the wait must not be lost. So block all of them (`signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())`), and let `signal.sigwait` bring one after the other.

# %% [markdown] lang="zh" of="dc2078bb"
# `Z` 就是僵尸，它占着一个编号，`--pids-limit` 也把它算在内。有 init 的地方，什么也看不到。
#
# **一道挑战题**：自己来当这个 init。`reaper(argv)` 在一个新的 PID 命名空间的 1 号进程里被调用；它启动程序，程序结束时返回。
#
# - `os.posix_spawnp(argv[0], argv, os.environ, setsigmask=())` 启动程序，不阻塞任何信号
# - 谁结束了都要收尸，不管是不是那个程序；几个同时结束，只来一次 SIGCHLD
# - 1 号进程收到的每个信号都转给程序：`os.kill`
# - 返回程序的退出码，同 `docker run` 一样：死于信号的，是 128 加信号的编号
#
# 恰好在开始等待之前到来的信号也不能丢。所以先阻塞全部信号（`signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())`），再用 `signal.sigwait` 一个一个地取。

# %% tags=["exercise"] zh="当一个程序的 1 号进程：收尸、转发信号，返回退出码（11 行）。" of="6a55624b"
@lab.step
def reaper(argv):
    """Be a program's process 1: reap, pass on signals; return its code (11 lines)."""
    ...

# %% tags=["check"]
lab.check(reaper)

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# An image with something wrong in its Dockerfile, and somebody who complains. The story says where the Dockerfile lies: find the line, mend it (in the file, or with `fault.docker("build -t NAME -", stdin="FROM …")`), and build
# it under the same name. The next numbers break something else.

# %% [markdown] lang="zh" of="61e6e793"
# ## 进阶：找出故障
#
# 一个镜像，它的 Dockerfile 有毛病，有人在抱怨。故事里说了 Dockerfile 在哪里：找出是哪一行，改好（改文件，或者用 `fault.docker("build -t NAME -", stdin="FROM …")`），用同样的名字重新构建。
# 换成后面的数字，坏的就是别的地方。

# %%
fault = lab.fault(9, seed=1)
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
fault.restore(), daemon.close()
lab.reset()

# %% [markdown] lang="en" id="next"
# Your `my_runtime.py` can now do what each line asks for: `expand`, `apply`, an `overlay` that stays, `layer`, `run_step`. What Docker's builder does besides: it keeps extended attributes and times, runs independent
# stages side by side, sends only what has changed of a context, and knows a dozen kinds of `${…}`. Lesson 10 puts your pieces together: a cache key, a `build`, and then the stock `docker build` on all of it.

# %% [markdown] lang="zh" of="d6992fc4"
# 你的 `my_runtime.py` 现在能做到每一行要求的事：`expand`、`apply`、会留下来的 `overlay`、`layer`、`run_step`。Docker 的构建器还会：保留扩展属性和时间，让互不相干的阶段同时进行，
# 上下文只发送变化的部分，认识十二种 `${…}`。第 10 课把你的这些零件装到一起：缓存键、`build`，然后让现成的 `docker build` 在这一切之上运行。
