# %% [markdown] lang="en" id="title"
# # 8. What is a Dockerfile?
#
# An image is layers and a config (lesson 3). So far others made it, or `docker commit` did (lesson 7). A Dockerfile says in a few lines how
# it is to be made. In this lesson you take one apart, from the text to lines, to instructions, to layers, to an image and its
# containers. The parser you write yourself, in four short functions, and in the end a real daemon builds by it. The core takes about 75 minutes.

# %% [markdown] lang="zh" of="af05f53c"
# # 8. Dockerfile 是什么
#
# 镜像就是若干层加一份配置（第 3 课）。到现在为止，它要么是别人做好的，要么是 `docker commit` 做的（第 7 课）。Dockerfile 用几行文字写明它该怎样做出来。
# 这一课把 Dockerfile 一步步拆开：文本、行、指令、层、镜像、容器。解析器由你自己写，四个短函数；最后一个真正的守护进程会用它来构建。主线约 75 分钟。

# %% [markdown] lang="en" id="first"
# ## A text
#
# A Dockerfile, says the article, is a configuration file: images are built from it, automatically, and its commands look much like a
# shell's. Its author comes from CTF contests, in which one needs a service with *that* hole in *that* version, the same for
# every player. A page of text does it: it defines the image, and the image the container.
#
# The article's example is for a small web program in Python (Flask). On the page its line ends have got lost. Does it matter to a builder?

# %% [markdown] lang="zh" of="bfbfa33e"
# ## 一段文本
#
# 文章说，Dockerfile 是自动构建镜像的配置文件，里面的命令很像 Linux 的 Shell 命令。作者是打 CTF 的，要的是某个服务的**那个**版本、带着**那个**漏洞，
# 而且每个选手的都一样。一页文本就够了：它定义镜像，镜像再运行成容器。
#
# 文章的例子是一个小小的 Python 网站程序（Flask）。网页上，例子的换行全丢了。构建程序在意吗？

# %%
from labcore.lab.vocabulary import *
lab.begin(8)
lab.guess("one line")

# %%
daemon = lab.daemon(images=("busybox",))
docker = lab.docker(daemon)
printed = ("FROM python:2.7MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>COPY . /app"
           "WORKDIR /appRUN pip install -r requirements.txtEXPOSE 5000"
           'ENTRYPOINT ["python"]CMD ["app.py"]')
docker("build -", stdin=printed)
lab.outcome("one line")

# %% [markdown] lang="en" id="lines"
# **A line is an instruction**: the line ends are all that parts them. Without them there is one FROM, with far too many words.
#
# (And what is *deprecated*? Since 2023 Docker builds by BuildKit, a builder that was written anew. The article's, the *classic* one, is
# still there, and labcore's daemon has one, too. Both read the same language, which has grown since.)
#
# With its line ends the file has eight instructions. The article sorts them into four parts. Point at a line, or at a name, and you see
# where it belongs.

# %% [markdown] lang="zh" of="7ef18f63"
# **一行就是一条指令**：分开它们的只有换行。没有换行，就只剩一条 FROM，后面跟着太多的词。
#
# （开头说的 *deprecated* 是什么？2023 年起，Docker 用重新写过的构建器 BuildKit 来构建。文章里的那个叫经典构建器，现在还在，labcore 的守护进程里也有一个。
# 两者读的是同一种语言，只是后来又添了些东西。）
#
# 有换行，文件里就是八条指令。文章把它们分成四个部分。把鼠标指向某一行，或某个名字，就能看到它属于哪里。

# %%
ARTICLE = """\
FROM python:2.7
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
COPY . /app
WORKDIR /app
RUN pip install -r requirements.txt
EXPOSE 5000
ENTRYPOINT ["python"]
CMD ["app.py"]
"""
lab.dockerfile(ARTICLE).parts()

# %% [markdown] lang="en" id="parts"
# | part | instructions, says the article | since then |
# | --- | --- | --- |
# | 1 base image | FROM | `python:2.7` gets no more repairs, since 2020 |
# | 2 maintainer | MAINTAINER | deprecated in 2017; `LABEL maintainer="…"` took its place |
# | 3 image | RUN, *EVN*, ADD, WORKDIR, … | it is spelled ENV; COPY and EXPOSE belong here, too |
# | 4 start | CMD, ENTRYPOINT, USER | USER is for more than the start: each RUN below it is that user's |
#
# They are an aid for readers. A builder goes from line to line, and wants FROM first; only ARG may come before it.
#
# ## From a text to lines
#
# The file above is plain. Most have comments, blank lines, and long commands that go over several lines. **Your first step** returns a
# list of the instructions, each of them on one line.
#
# - a line that begins with `#`, blanks aside, is a comment. It is left out, and so is a blank line
# - a line that ends in a backslash (`"\\"` in Python), blanks behind it aside, is continued: the backslash goes, and the next line takes its
#   place, as it stands. Comments and blank lines in between are left out here, too
# - `strip()` an instruction when it is whole. (It also takes the `\r` away with which lines end on Windows.)

# %% [markdown] lang="zh" of="74207c81"
# | 部分 | 文章列的指令 | 后来 |
# | --- | --- | --- |
# | 1 基础镜像 | FROM | `python:2.7` 从 2020 年起不再修补 |
# | 2 维护者 | MAINTAINER | 2017 年弃用，改用 `LABEL maintainer="…"` |
# | 3 镜像操作 | RUN、*EVN*、ADD、WORKDIR 等 | 应该写作 ENV；COPY 和 EXPOSE 也在这里 |
# | 4 容器启动 | CMD、ENTRYPOINT、USER 等 | USER 管的不只是启动：它下面的每个 RUN 也由这个用户执行 |
#
# 分成几部分是方便人看的。构建程序只是一行一行往下走，并且要求 FROM 在最前面；能放在它前面的只有 ARG。
#
# ## 从文本到行
#
# 上面的文件很规整。多数文件有注释、空行，长命令还会分成几行写。**你的第一步**返回指令的列表，每条指令一行。
#
# - 开头是 `#` 的行（空白不算）是注释，去掉；空行也去掉
# - 末尾是反斜杠（Python 里写作 `"\\"`）的行（后面的空白不算）没有完：去掉反斜杠，下一行原样接上。夹在中间的注释和空行同样去掉
# - 一条指令完整之后，用 `strip()` 去掉两头的空白。（Windows 的行尾 `\r` 也就一起去掉了。）

# %% tags=["exercise"] zh="返回 Dockerfile 的各条指令，每条一行（12 行）。" of="ef49a814"
@lab.step
def logical_lines(text):
    """Return the instructions of a Dockerfile, each on one line (12 lines)."""
    ...

# %% tags=["check"]
lab.check(logical_lines)

# %% [markdown] lang="en" id="how-many"
# (The solution below the check asks two functions more, `escape` and `heredoc`. They come at the end of this lesson.)
#
# How many instructions are here? Count before you ask.

# %% [markdown] lang="zh" of="c6190f96"
# （检查下面的参考答案里还用到两个函数，`escape` 和 `heredoc`，本课末尾会讲到。）
#
# 这里有几条指令？先数，再看答案。

# %%
PUZZLE = r"""
FROM busybox
RUN echo one \
# CMD echo two
    three
CMD echo four # five \

EXPOSE 80
"""
print(PUZZLE)
lab.guess("how many")

# %%
for line in logical_lines(PUZZLE):
    print(line)
lab.outcome("how many")

# %% [markdown] lang="en" id="two-forms"
# Two traps. Within a line `#` is nothing special: for the builder `# five` belongs to the command, and the *shell* will take it for a
# comment. And the last backslash swallows EXPOSE, over the blank line. No builder complains.
#
# ## Two forms
#
# Behind an instruction's name stands its value. Seven instructions know two forms of it: RUN, CMD, ENTRYPOINT, SHELL, VOLUME, COPY, ADD.
#
# - the **exec form** is a JSON array of strings, `["python", "app.py"]`: words, handed on as they are
# - all else is a **text**. RUN, CMD and ENTRYPOINT give it to a shell: `/bin/sh -c` and the text. That is the **shell form**
#   (so does HEALTHCHECK, behind a word of its own; to us its value is a text)
#
# With single quotes, `CMD ['echo', '$HOME']`: what will happen?

# %% [markdown] lang="zh" of="d0704794"
# 两个陷阱。行中间的 `#` 没有特别的意思：对构建程序来说 `# five` 是命令的一部分，把它当成注释的是后来的 *shell*。
# 最后那个反斜杠则隔着空行把 EXPOSE 吞了进去。构建程序都不会报错。
#
# ## 两种形式
#
# 指令名后面是它的值。有七条指令的值可以写成两种形式：RUN、CMD、ENTRYPOINT、SHELL、VOLUME、COPY、ADD。
#
# - **exec 形式**是 JSON 的字符串数组 `["python", "app.py"]`：一个个词，原样传下去
# - 其余都是一段**文本**。RUN、CMD、ENTRYPOINT 把它交给 shell：`/bin/sh -c` 加上这段文本。这就是 **shell 形式**
#   （HEALTHCHECK 也有这两种形式，不过前面还有一个词；我们把它的值当作文本）
#
# 如果用单引号，`CMD ['echo', '$HOME']`，会怎么样？

# %%
lab.guess("quotes")

# %%
for form in ('["echo", "$HOME"]', "echo $HOME", "['echo', '$HOME']"):
    docker.quietly("build -t form -", stdin=f"FROM busybox\nCMD {form}\n")
    print("CMD", form)
    docker("run --rm form")
lab.outcome("quotes")

# %% [markdown] lang="en" id="value-step"
# The first has no shell, and so nobody replaces `$HOME`. In the second a shell does. The third is no JSON, which knows double
# quotes only: it became a text, and the shell looks for a program called `[echo,`.
#
# **Your second step** is given the name, in upper case, and what stands behind it. If the name is one of the seven, and
# `json.loads` makes a list of it that holds nothing but strings, return that list; else the text as it is. (`json.loads` raises
# ValueError for what is no JSON. Not all JSON is a list: `true` is some, too, and a good program to RUN. And a list with a number in
# it? Docker will refuse that; for us it is a text.)

# %% [markdown] lang="zh" of="881ab44a"
# 第一个没有 shell，所以没人替换 `$HOME`；第二个由 shell 替换；第三个不是 JSON（JSON 只认双引号），于是成了文本，shell 去找一个名叫 `[echo,` 的程序。
#
# **你的第二步**拿到大写的指令名和它后面的内容。如果名字是那七个之一，而且 `json.loads` 得到的是一个只含字符串的列表，就返回这个列表；
# 否则原样返回文本。（不是 JSON 的，`json.loads` 抛出 ValueError。JSON 也不一定是列表：`true` 就是 JSON，也是 RUN 可以运行的程序。
# 列表里有数字呢？Docker 会拒绝；在我们这里它就是文本。）

# %% tags=["exercise"] zh="返回指令的值：exec 形式的各个词，或者原来的文本（8 行）。" of="f4be9f1f"
@lab.step
def value_of(name, rest):
    """Return a value: the words of the exec form, or the text as it is (8 lines)."""
    ...

# %% tags=["check"]
lab.check(value_of)

# %% [markdown] lang="en" id="instruction-step"
# ## From a line to an instruction
#
# Each line has the form `INSTRUCTION argument`. **Your third step** returns it as a pair: the name in upper case, in whatever case it is
# written, and its value. White space parts the two, however much; `line.split(None, 1)` cuts there, once. White space at the value's
# end is none of it (`strip()`). Of a name that stands alone the value is the empty text.

# %% [markdown] lang="zh" of="96f7c097"
# ## 从行到指令
#
# 每一行的形式都是 `INSTRUCTION argument`。**你的第三步**把它变成一对：指令名（不管怎么写，一律变成大写）和它的值。
# 两者之间是空白，多少都行；`line.split(None, 1)` 就在那里切一刀。值末尾的空白不算在内（`strip()`）。如果只有名字，值就是空文本。

# %% tags=["exercise"] zh="把一行变成一对：大写的指令名和它的值（2 行）。" of="d76752f4"
@lab.step
def instruction(line):
    """Return a line as a pair: the name in upper case, and its value (2 lines)."""
    ...

# %% tags=["check"]
lab.check(instruction)

# %% [markdown] lang="en" id="parse-step"
# **Your fourth step** is the parser: all of the three, in one line.

# %% [markdown] lang="zh" of="85b5a0c2"
# **你的第四步**就是解析器：把前三个合起来，一行。

# %% tags=["exercise"] zh="返回 Dockerfile 的各条指令，每条是名字和值的一对（1 行）。" of="d421d28d"
@lab.step
def parse(text):
    """Return the instructions of a Dockerfile, each a pair of name and value (1 line)."""
    ...

# %% tags=["check"]
lab.check(parse)

# %% [markdown] lang="en" id="tree"
# What a parser makes of a text is called a **tree**: the file at the root, the instructions as its branches, words as leaves. This one is
# drawn from what *your* `parse` returned. Point at a leaf to see where it grew, or at a piece of the text.

# %% [markdown] lang="zh" of="03111638"
# 解析器从文本得到的东西叫做**树**：根是文件，枝是指令，叶是词。下面这棵就是照**你的** `parse` 返回的结果画的。
# 把鼠标指向一片叶子，看它长在文本的哪里；反过来也行。

# %%
lab.dockerfile(ARTICLE).tree(parse(ARTICLE))

# %% [markdown] lang="en" id="names"
# A parser that knows no names takes all of them, the article's *EVN*, too: `parse("EVN A=b")` is a pair like others. The daemon knows the
# eighteen that there are, and looks before it builds anything:

# %% [markdown] lang="zh" of="49fb3c6d"
# 不认得名字的解析器什么名字都收，文章里的 *EVN* 也不例外：`parse("EVN A=b")` 照样得到一对。守护进程则认得全部十八个指令名，动手构建之前先看一遍：

# %%
docker("build -", stdin="FROM busybox\nEVN A=b\n")

# %% [markdown] lang="en" id="shell"
# ## Like a shell?
#
# The article says that the commands are much like a shell's. Two lines of a shell script: `cd /app`, then `pwd`. And as two RUNs?

# %% [markdown] lang="zh" of="4dfb55b6"
# ## 像 Shell 吗？
#
# 文章说，这些命令非常类似 Shell 命令。Shell 脚本里写两行：`cd /app`，然后 `pwd`。换成两条 RUN 呢？

# %%
lab.guess("cd")

# %%
docker("build -t where -", stdin="FROM busybox\nRUN mkdir /app\nRUN cd /app\nRUN pwd\n")
lab.outcome("cd")

# %% [markdown] lang="en" id="steps"
# `Running in …` says it: each RUN is a container of its own, with a new shell in it, which ends. What stays of it is what it has written to
# its **layer**; a current directory, a variable, a process in the background are gone. (So there is WORKDIR, lesson 9.)
#
# ## What does each line make?
#
# The article's eight lines, on a base that is here. In place of Python there is a shell, in place of `pip install` a `sort`; the shape is the
# same. Files for it lie in a directory, the **build context**. How many of the eight make a layer?

# %% [markdown] lang="zh" of="1cccb817"
# `Running in …` 说明了一切：每条 RUN 都是一个单独的容器，里面是一个新的 shell，运行完就结束。留下来的只有它写进自己那一**层**的东西；
# 当前目录、变量、后台进程，统统没了。（所以才有 WORKDIR，第 9 课。）
#
# ## 每一行做出了什么？
#
# 还是文章的八行，换成这里有的基础镜像：Python 换成 shell，`pip install` 换成 `sort`，结构不变。它要用的文件放在一个目录里，这就是**构建上下文**。
# 八行里有几行会产生层？

# %%
SMALL = """\
FROM busybox
LABEL maintainer="Angel_Kitty <angelkitty6698@gmail.com>"
COPY . /app
WORKDIR /app
# in the article: pip install -r requirements.txt
RUN sort requirements.txt > \\
    installed.txt
EXPOSE 5000
ENTRYPOINT ["sh"]
CMD ["app.sh"]
"""
files = {"app.sh": "echo hello from $PWD\n", "requirements.txt": "werkzeug\nflask\n"}
directory = lab.context({"Dockerfile": SMALL, **files})
lab.guess("layers")

# %%
docker(f"build -t flask {directory}")

# %%
lab.dockerfile(SMALL).layers(daemon, "flask")

# %% [markdown] lang="en" id="layers"
# FROM brings its image's layers along. COPY and RUN add one each: the files that they wrote, and no others (the Dockerfile is among
# them, for it lies in the context). The rest is a few words in the config; WORKDIR makes a layer only if the directory is not
# there yet. Here they are, and the program runs:

# %% [markdown] lang="zh" of="8131d8cf"
# FROM 带来基础镜像的层；COPY 和 RUN 各加一层，里面正是它们写下的文件，不多不少（Dockerfile 也在其中，因为它就放在上下文里）。
# 其余几行不过是配置里的几个词；WORKDIR 只有在目录还不存在时才会产生一层。配置如下，再把程序运行起来：

# %% tags=["nbval-check-output"]
config = json.loads(docker.quietly("image inspect flask").output)[0]["Config"]
fields = "WorkingDir", "ExposedPorts", "Entrypoint", "Cmd", "Labels"
{name: config[name] for name in fields}

# %%
docker("run --rm flask")
lab.outcome("layers")

# %% [markdown] lang="en" id="seven"
# The article explains its example in seven sentences. Now one can tell when each of them comes true.
#
# | the article | what happens | when |
# | --- | --- | --- |
# | pull Python 2.7 from Docker Hub | layers, if they are not here yet | build |
# | show the maintainer | nothing is shown: an entry in the config | build |
# | copy the current directory to /App | the *context* is sent to the daemon, and copied. The file says `/app`: to Linux that is another directory | build |
# | set the working directory | an entry in the config | build |
# | install packages | a container runs, and its layer is kept | build |
# | expose port 5000 | an entry: nothing is opened before `docker run -p` (lesson 7) | run |
# | start the app | an entry: nothing runs before `docker run` | run |

# %% [markdown] lang="zh" of="939324fe"
# 文章用七句话解释了这个例子。现在可以说清楚，每一句是什么时候发生的。
#
# | 文章 | 发生了什么 | 何时 |
# | --- | --- | --- |
# | 从 Docker Hub 拉取 Python 2.7 | 得到各层（本地没有的话） | 构建 |
# | 显示维护者的信息 | 什么也不显示，只是配置里的一项 | 构建 |
# | 把当前目录复制到 /App | 把**上下文**发给守护进程，再复制进去。文件里写的是 `/app`，在 Linux 上是另一个目录 | 构建 |
# | 指定工作路径 | 配置里的一项 | 构建 |
# | 安装依赖包 | 运行一个容器，留下它那一层 | 构建 |
# | 暴露 5000 端口 | 配置里的一项：没有 `docker run -p`（第 7 课），什么端口也不开 | 运行 |
# | 启动 App | 配置里的一项：`docker run` 之前什么也不运行 | 运行 |

# %% [markdown] lang="en" id="three"
# ## Dockerfile, image, container
#
# Two containers of the image. Then `app.sh` is changed, and the context with the Dockerfile written anew. What does the container `first` say
# when it is started again?

# %% [markdown] lang="zh" of="f7c20c70"
# ## Dockerfile、镜像、容器
#
# 从镜像得到两个容器。然后改掉 `app.sh`，连同 Dockerfile 把上下文重写一遍。容器 `first` 再次启动时会说什么？

# %%
lab.guess("gone")

# %%
docker("run --name first flask")
docker("create --name second flask")
files["app.sh"] = "echo goodbye\n"
directory = lab.context({"Dockerfile": SMALL, **files})
docker("start -a first")
lab.outcome("gone")

# %%
lab.dockerfile(SMALL).drawing(daemon, "flask")

# %% [markdown] lang="en" id="drawing"
# This is the article's picture, drawn from what is in the daemon now. **The arrows lead one way.** An image is built from a Dockerfile and its context, and
# does not look back; a container is started from an image, and does not either. Who changes something builds anew, and
# starts new containers: the old ones stay what they are.
#
# One can also go from a container to an image, by `docker commit`. But nobody will know how that came about. A Dockerfile tells it,
# in 250 letters for two million bytes; it can be read, compared, kept under version control, sent by mail. That is why the article calls it the key to images
# and containers.

# %% [markdown] lang="zh" of="6d5156c1"
# 这就是文章里的那幅图，照守护进程里此刻的东西画的。**箭头只朝一个方向。** 镜像由 Dockerfile 和上下文构建出来，之后不再回头看；容器从镜像启动，也不再回头看。
# 要改什么，就重新构建，再启动新的容器；旧的该怎样还怎样。
#
# 从容器也能得到镜像：`docker commit`。但谁也说不清那个镜像是怎么来的。Dockerfile 则写得明明白白，250 个字母说清两百万字节：可以读，可以比较，
# 可以放进版本库，可以发邮件。所以文章说它是镜像和容器的关键。

# %% [markdown] lang="en" id="frontends"
# ## Your parser in the daemon
#
# Who says that a Dockerfile has to look like that? BuildKit leaves it open: the first line `# syntax=docker/dockerfile:1` names the
# program that is to read the rest. labcore's daemon takes your `parse` for it, out of the file of `--stages`. First a parser for a language of our own:
#
# (Before that the file is built once more by labcore's parser, and with `SOURCE_DATE_EPOCH`: all times in it are 1970, else no image is
# like another. We keep its ID.)

# %% [markdown] lang="zh" of="3b96f7f9"
# ## 让守护进程用你的解析器
#
# 谁规定 Dockerfile 非得长这样？BuildKit 没有定死：第一行写上 `# syntax=docker/dockerfile:1`，就是指名由哪个程序来读后面的内容。
# labcore 的守护进程则从 `--stages` 的文件里取你的 `parse`。先来一个自创语言的解析器：
#
# （在此之前，用 labcore 的解析器再构建一次，并加上 `SOURCE_DATE_EPOCH`：其中所有的时间都算作 1970 年，否则没有两个镜像会一样。记下它的 ID。）

# %%
build = f"build -q --build-arg SOURCE_DATE_EPOCH=0 {directory}"
labcores = docker.quietly(build).output.split()[-1]
mine = Path(lab.tray("parser"), "stages.py")
own = "def parse(text):\n    return [('FROM', 'busybox'), ('CMD', ['echo', text])]\n"
mine.write_text(own)
daemon = lab.daemon("--stages", str(mine), images=("busybox",))
docker = lab.docker(daemon)
haiku = "The old pond\na frog leaps in\nthe water's sound"
docker.quietly("build -t poem -", stdin=haiku)
docker("run --rm poem")

# %% [markdown] lang="en" id="same"
# A poem as a Dockerfile. Now your own `my_runtime.py` takes its place, and reads the article's lines. Two daemons, two parsers, one file: will the
# images be the same?
#
# (All of it but your `rootfs`, which a line at its end takes out again: since lesson 3 it throws away what a container has written, and
# of a RUN nothing would be left. Lesson 9 mends that.)

# %% [markdown] lang="zh" of="94308f1a"
# 一首俳句当了 Dockerfile。现在换上你自己的 `my_runtime.py`，读的是文章那几行。两个守护进程，两个解析器，同一份文件：镜像会一样吗？
#
# （只有你的 `rootfs` 除外，末尾添上的一行又把它去掉了：从第 3 课起，它会把容器写下的东西全部扔掉，RUN 就什么也留不下来。第 9 课会改好。）

# %%
lab.guess("same")

# %%
mine.write_text(Path(lab.my_runtime()).read_text() + "\ndel rootfs\n")
yours = docker.quietly(build).output.split()[-1]
print(labcores, yours, sep="\n")
lab.outcome("same")

# %% [markdown] lang="en" id="same-look"
# To the last byte: an ID is the digest of the config, and in that stand the digests of the layers (lesson 3), and the instructions, as its
# history. Whoever reads the same makes the same. (What you left blank labcore's own does.)
#
# ## Further: a text within the text
#
# Since 2022 a RUN may bring a whole script along, a COPY a whole file (by BuildKit only, and by labcore's daemon). It is called a
# **heredoc**, and comes from the shell:
#
#     RUN <<END
#     echo one
#     # a comment of the shell's
#     echo two
#     END
#     CMD ["sh"]
#
# The lines up to the one that is `END` and nothing else belong to RUN, as they stand. **A challenge**: `heredoc(line, following)` is given a
# whole line, and an iterator over the lines that follow. Return the line with those that belong to it, joined by `"\n"`, the last of them
# included; take no others from `following`.
#
# - only RUN, COPY and ADD have one: a *word* `<<NAME`, also with quotes around the name, or `<<-NAME`: then tabs may stand before the end
# - there may be two of them in one line; their lines follow one another

# %% [markdown] lang="zh" of="be13cb2d"
# 一个字节都不差：ID 是配置的摘要，而配置里写着各层的摘要（第 3 课），还有作为历史记下的各条指令。读出来的一样，做出来的就一样。
# （你空着的步骤，由 labcore 自己的代劳。）
#
# ## 进阶：文本里的文本
#
# 2022 年起，RUN 可以带上一整段脚本，COPY 可以带上一整个文件（只有 BuildKit 行，还有 labcore 的守护进程）。这叫 **heredoc**，来自 shell：
#
#     RUN <<END
#     echo one
#     # a comment of the shell's
#     echo two
#     END
#     CMD ["sh"]
#
# 直到只有 `END` 的那一行为止，这些行原样属于 RUN。**一道挑战题**：`heredoc(line, following)` 拿到完整的一行，以及后面各行的迭代器。
# 返回这一行加上属于它的各行，用 `"\n"` 连起来，包括最后的结束行；除此之外不要从 `following` 里多取。
#
# - 只有 RUN、COPY、ADD 才有：一个**词** `<<NAME`，名字可以加引号；或者 `<<-NAME`，这时结束行前面可以有制表符
# - 一行里可以有两个，它们的内容依次排列

# %% tags=["exercise"] zh="返回 RUN、COPY 或 ADD 的一行，连同它的 heredoc 的各行（8 行）。" of="821ed875"
@lab.step
def heredoc(line, following):
    """Return a RUN, COPY or ADD with the lines of its heredocs (8 lines)."""
    ...

# %% tags=["check"]
lab.check(heredoc)

# %% [markdown] lang="en" id="heredoc-in"
# Your `logical_lines` has to call it where an instruction is whole, or the comment would be lost. Loop over an iterator, `lines = iter(text.split("\n"))`,
# and hand that on: `heredoc(begun, lines)` takes what it needs, and the loop goes on behind. Until then the tree says below how Docker
# reads it.

# %% [markdown] lang="zh" of="c633c047"
# 还要让你的 `logical_lines` 在一条指令完整的时候调用它，不然注释就丢了。循环用迭代器：`lines = iter(text.split("\n"))`，
# 再把它传下去：`heredoc(begun, lines)` 取走自己要的，循环从后面接着走。在那之前，树的下面会写着 Docker 读出来是几条。

# %%
SCRIPT = 'FROM busybox\nRUN <<END\necho one\n# a comment\necho two\nEND\nCMD ["sh"]\n'
lab.dockerfile(SCRIPT).tree(parse(SCRIPT))

# %% [markdown] lang="en" id="escape-step"
# ## Further: where the backslash is needed
#
# On Windows paths have backslashes, and this line would swallow the next one:
#
#     COPY page C:\
#
# So a **directive** can name another sign, the backquote: a comment `# escape=` and the sign, at the very top (in any case, and with
# blanks wherever you like: `#Escape = x` is one). Only other directives
# (`syntax`, `check`) may stand before it; after any other line, a comment too, it is a comment like others. **A challenge**: return the
# sign. (Your `logical_lines` may ask it then.)

# %% [markdown] lang="zh" of="fc3cf7f0"
# ## 进阶：反斜杠另有用处
#
# Windows 的路径里有反斜杠，下面这一行会把后面的一行吞掉：
#
#     COPY page C:\
#
# 所以可以用**解析器指令**（directive）换一个符号，即反引号：文件最上面写一行注释，`# escape=` 加上这个符号
# （大小写不论，空格随意：`#Escape = x` 也算）。
# 它前面只能有别的解析器指令（`syntax`、`check`）；只要先出现了别的行，哪怕是注释，它就只是一条普通的注释。
# **一道挑战题**：返回这个符号。（之后你的 `logical_lines` 就可以用它了。）

# %% tags=["exercise"] zh="返回续行的符号：文件开头的指令说的，否则是反斜杠（7 行）。" of="10e01d5a"
@lab.step
def escape(text):
    """Return the sign that continues a line, as the file's top says it (7 lines)."""
    ...

# %% tags=["check"]
lab.check(escape)

# %% [markdown] lang="en" id="fault"
# ## Further: find the fault
#
# Somebody's Dockerfile does not do what it should. Mend the file, here with `Path(…).write_text(…)` or in a terminal, and build
# it with `fault.docker("build -t …")`. The next numbers break something else.

# %% [markdown] lang="zh" of="23057378"
# ## 进阶：找出故障
#
# 有人的 Dockerfile 没有做到该做的事。把文件改好（在这里用 `Path(…).write_text(…)`，或者在终端里改），再用 `fault.docker("build -t …")` 构建。
# 换成后面的数字，坏的就是别的地方。

# %%
fault = lab.fault(8, seed=1)
fault

# %% [markdown] lang="en" id="mended"
# The check looks at the image, and at what its container says. `print(fault.cause)` tells those who give up.

# %% [markdown] lang="zh" of="580565cc"
# 检查看的是镜像，以及它的容器说了什么。放弃的人可以看 `print(fault.cause)`。

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
# Your `my_runtime.py` can read: `parse` makes pairs of a text, and the daemon builds by it. What labcore's parser does besides: it
# knows the names, the flags and the number of words of each instruction, and says of each mistake on which line and in which column it is.
# In lesson 9 you carry the pairs out, one by one.

# %% [markdown] lang="zh" of="dbd94e1b"
# 你的 `my_runtime.py` 会读了：`parse` 把文本变成一对对的指令，守护进程就照它构建。labcore 的解析器还会：认得每条指令的名字、选项和词数，
# 每个错误都说得出在哪一行、哪一列。第 9 课里，你来把这些指令一条条执行。
