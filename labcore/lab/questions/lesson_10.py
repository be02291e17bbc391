"""Questions of lesson 10: contexts, names, keys and caches, what an image consists of, and what BuildKit does otherwise."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "the dot": Question(
        T("What does the dot in `docker build -t site .` mean?", "`docker build -t site .` 里的点是什么意思？"),
        (
            T("where the image is written to", "镜像写到哪里"),
            T("the folder whose files are sent to the daemon", "把哪个文件夹的文件发给守护进程"),
            T("that all steps are shown", "显示全部步骤"),
        ),
        1,
        T("The build context: COPY can take files from it, and from nowhere else.", "构建上下文：COPY 只能从里面取文件。"),
    ),
    "outside": Question(
        T("`COPY ../secret /` fails. Why?", "`COPY ../secret /` 失败了。为什么？"),
        (
            T("the daemon has been sent the context alone", "守护进程收到的只有上下文"),
            T("COPY takes absolute paths only", "COPY 只接受绝对路径"),
            T("two dots have to be in quotes", "两个点要加引号"),
        ),
        0,
        T(
            "The daemon may be on another machine: there is no folder above the context.",
            "守护进程可能在另一台机器上：上下文上面没有别的文件夹。",
        ),
    ),
    "without a tag": Question(
        T("`docker build -t team/site .`: what is the image called?", "`docker build -t team/site .`：镜像叫什么？"),
        (T("team/site:latest", "team/site:latest"), T("team/site:v1", "team/site:v1"), T("team:site", "team:site")),
        0,
        T("latest is the name of a tag, and says nothing of how new it is.", "latest 只是一个标签的名字，并不说明有多新。"),
    ),
    "key": Question(
        T("What is NOT in the key of a RUN?", "下面哪一样不在 RUN 的键里？"),
        (
            T("the key of the step below", "下面一步的键"),
            T("its own text", "它自己的文本"),
            T("what its program downloads", "它的程序下载了什么"),
        ),
        2,
        T(
            "Nobody knows beforehand what a program will read: apt-get update may be years old in the cache.",
            "程序会读什么，没人能预先知道：缓存里的 apt-get update 可能是几年前的。",
        ),
    ),
    "which order": Question(
        T("Which order builds faster after a change in app.py?", "app.py 改了以后，哪种顺序构建得更快？"),
        (
            T("COPY . /app, then RUN pip install", "先 COPY . /app，再 RUN pip install"),
            T(
                "COPY requirements.txt, RUN pip install, then COPY . /app",
                "先 COPY requirements.txt，RUN pip install，再 COPY . /app",
            ),
            T("both alike", "一样快"),
        ),
        1,
        T(
            "A changed COPY gives all steps above it other keys, pip install too.",
            "COPY 一变，它上面所有步骤的键都变，pip install 也不例外。",
        ),
    ),
    "hash of three": Question(
        T("Why is Python's hash() of the three no good key?", "为什么不能用 Python 的 hash() 当键？"),
        (
            T("for texts it is another in each process", "字符串的 hash() 在每个进程里都不同"),
            T("it is too slow", "太慢"),
            T("it is too long", "太长"),
        ),
        0,
        T(
            "Its seed is drawn at each start, and it has 64 bits only: a cache needs neither.",
            "它的种子每次启动都重新抽取，而且只有 64 位：缓存两样都不想要。",
        ),
    ),
    "diff id": Question(
        T("In which is the digest of a layer as it is unpacked?", "一层解压之后的摘要写在哪里？"),
        (T("in the config", "配置里"), T("in the manifest", "清单里"), T("in the tag", "标签里")),
        0,
        T(
            "So an image keeps its ID when its layers are compressed otherwise; the manifest names what is sent.",
            "所以换一种压缩方式，镜像的 ID 不变；清单里写的是实际传输的那份。",
        ),
    ),
    "empty layer": Question(
        T(
            "`docker history` shows 0 B for MAINTAINER. What does that mean?",
            "`docker history` 里 MAINTAINER 一行是 0 B。说明什么？",
        ),
        (
            T("an empty layer was made", "做了一个空的层"),
            T("it has changed the config alone", "它只改了配置"),
            T("it was found in the cache", "它在缓存里找到了"),
        ),
        1,
        T(
            "History has an entry for each instruction, and says of some that they are without a layer.",
            "历史里每条指令都有一项，其中有些注明没有层。",
        ),
    ),
    "published": Question(
        T("A container was started with -p 8080:80. Who can see its page?", "容器用 -p 8080:80 启动。谁能看到网页？"),
        (
            T("this machine only", "只有本机"),
            T("whoever reaches this machine", "能连到本机的任何人"),
            T("other containers only", "只有别的容器"),
        ),
        1,
        T(
            "Without an address it is all of the machine's: 127.0.0.1:8080:80 keeps it here.",
            "不写地址就是本机的所有地址；127.0.0.1:8080:80 才只限本机。",
        ),
    ),
    "foreground": Question(
        T("Why does nginx's image start it with `daemon off;`?", "nginx 的镜像启动它时为什么加 `daemon off;`？"),
        (
            T("a container ends with its first process", "容器随它的第一个进程结束"),
            T("containers may have one process only", "容器里只许有一个进程"),
            T("it is faster", "这样更快"),
        ),
        0,
        T(
            "A server that goes into the background ends its first process, and the kernel ends the rest.",
            "服务器转入后台时，第一个进程就结束了，其余的内核会一并结束。",
        ),
    ),
    "buildkit": Question(
        T("What does BuildKit do that a builder of lines cannot?", "BuildKit 能做、而逐行的构建器做不到的是什么？"),
        (
            T("leave out stages that the target does not need", "省去目标用不着的阶段"),
            T("read a .dockerignore", "读取 .dockerignore"),
            T("find a step in a cache", "在缓存里找到一个步骤"),
        ),
        0,
        T(
            "It makes a graph of all stages first, and then carries out what is needed, side by side.",
            "它先把所有阶段做成一张图，再把需要的部分并行执行。",
        ),
    ),
}
