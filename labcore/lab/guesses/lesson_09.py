"""Guesses of lesson 9."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "added layers": Guess(
        T("How many layers do the eight lines add?", "这八行加了几层？"),
        (T("one", "一层"), T("two", "两层"), T("five", "五层"), T("eight", "八层")),
        1,
        T("Of COPY and of RUN; the other lines only write into the config.", "COPY 和 RUN 各一层；其他行只写配置。"),
    ),
    "arg or env": Guess(
        T("Which of both has a container in its environment?", "容器的环境变量里有哪一个？"),
        (T("ARG's", "ARG 的"), T("ENV's", "ENV 的"), T("both", "两个都有"), T("neither", "都没有")),
        1,
        T(
            "ENV stands in the config; an ARG is forgotten with the build, but for the history.",
            "ENV 写在配置里；ARG 构建完就没了，只在历史里留下痕迹。",
        ),
    ),
    "exposed": Guess(
        T(
            "EXPOSE 5000, and no -p: can the port be reached from this machine's address?",
            "写了 EXPOSE 5000，没加 -p：通过本机地址能访问这个端口吗？",
        ),
        (
            T("yes, at 5000", "能，在 5000"),
            T("yes, at another port", "能，在别的端口"),
            T("no", "不能"),
        ),
        2,
        T(
            "It is a note in the config. -p publishes a port, and -P all that are exposed.",
            "它只是配置里的一条说明。发布端口要用 -p；-P 发布所有写明的端口。",
        ),
    ),
    "entry point": Guess(
        T(
            "ENTRYPOINT echo E, and `docker run IMAGE echo A`: what is printed?",
            "ENTRYPOINT echo E，敲 `docker run IMAGE echo A`：输出什么？",
        ),
        (T("E echo A", "E echo A"), T("A", "A"), T("E", "E"), T("E A", "E A")),
        2,
        T("The shell runs its text, and never looks at the words behind it.", "shell 只运行那段文本，后面的词它从来不看。"),
    ),
    "pid 1": Guess(
        T(
            "docker stop: with which codes do the two end, exec form and shell form?",
            "docker stop：两个容器（exec 形式、shell 形式）的退出码各是多少？",
        ),
        (
            T("0 and 0", "0 和 0"),
            T("0 and 137", "0 和 137"),
            T("137 and 137", "137 和 137"),
            T("137 and 0", "137 和 0"),
        ),
        1,
        T(
            "SIGTERM goes to process 1. A shell there neither handles it nor hands it on.",
            "SIGTERM 发给 1 号进程。那里是 shell 的话，它既不处理，也不转发。",
        ),
    ),
    "secret": Guess(
        T(
            "COPY key, RUN something with it, RUN rm /key. Who can still read the key?",
            "COPY key，RUN 用它做点事，RUN rm /key。谁还能读到密钥？",
        ),
        (
            T("nobody", "谁也不能"),
            T("root in a container", "容器里的 root"),
            T("everybody who has the image", "拿到镜像的每个人"),
        ),
        2,
        T("Its layer is as it was; rm adds a mark in a later one.", "它那一层原样不动；rm 只在后面的层里加了一个标记。"),
    ),
    "rebuilt": Guess(
        T("One word of app.py is changed. Is `pip install` run again?", "app.py 改了一个词。`pip install` 会重新运行吗？"),
        (
            T("no: requirements.txt is the same", "不会：requirements.txt 没变"),
            T("yes: COPY . stands before it", "会：它前面是 COPY ."),
            T("yes: RUN always is", "会：RUN 总是重新运行"),
        ),
        1,
        T("What stands on a new layer is new. Copy first what changes seldom.", "建在新层之上的都是新的。不常变的先复制。"),
    ),
    "add": Guess(
        T("ADD site.tar /added/: what is in /added?", "ADD site.tar /added/：/added 里有什么？"),
        (T("site.tar", "site.tar"), T("index.html", "index.html"), T("both", "两个都有")),
        1,
        T("ADD unpacks a local archive, and COPY never does.", "ADD 会解开本地的归档，COPY 从不解开。"),
    ),
}
