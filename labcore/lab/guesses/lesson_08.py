"""Guesses of lesson 8."""

from typing import Final

from labcore.lab.guesses import Guess
from labcore.language import Bilingual as T

GUESSES: Final[dict[str, Guess]] = {
    "one line": Guess(
        T("Eight instructions, and no line ends. What does the builder do?", "八条指令，没有换行。构建程序会怎样？"),
        (
            T("it builds: the names are in capitals", "照常构建：指令名是大写的，认得出"),
            T("it complains of FROM", "报错，说 FROM 不对"),
            T("it complains of CMD, the last one", "报错，说最后的 CMD 不对"),
        ),
        1,
        T("It sees one instruction, FROM, with too many words.", "它只看到一条 FROM，词太多了。"),
    ),
    "how many": Guess(
        T("How many instructions has this Dockerfile?", "这个 Dockerfile 有几条指令？"),
        (T("three", "三条"), T("four", "四条"), T("five", "五条")),
        0,
        T(
            "FROM, RUN and CMD: one line is a comment, and EXPOSE is a part of CMD's text.",
            "FROM、RUN、CMD：有一行是注释，EXPOSE 成了 CMD 文本的一部分。",
        ),
    ),
    "quotes": Guess(
        T("`CMD ['echo', '$HOME']`: what will the container do?", "`CMD ['echo', '$HOME']`：容器会做什么？"),
        (
            T("print $HOME", "输出 $HOME"),
            T("print /root", "输出 /root"),
            T("look for a program [echo,", "去找名叫 [echo, 的程序"),
            T("nothing: the build is refused", "什么也不做：构建时就被拒绝"),
        ),
        2,
        T("It is no JSON, so it is a line for the shell.", "这不是 JSON，所以整段都交给了 shell。"),
    ),
    "cd": Guess(
        T("After `RUN cd /app`, what does `RUN pwd` print?", "`RUN cd /app` 之后，`RUN pwd` 输出什么？"),
        (T("/app", "/app"), T("/", "/"), T("nothing: the build fails", "什么也没有：构建失败")),
        1,
        T("Another RUN, another container, another shell.", "另一条 RUN，就是另一个容器、另一个 shell。"),
    ),
    "layers": Guess(
        T("How many of the eight instructions make a layer of their own?", "八条指令里，有几条产生自己的层？"),
        (T("eight", "八条"), T("five", "五条"), T("two", "两条"), T("none", "一条也没有")),
        2,
        T("COPY and RUN. FROM brings those of its image.", "COPY 和 RUN。FROM 带来的是基础镜像的层。"),
    ),
    "gone": Guess(
        T("The files have changed. What does `first` say when it starts again?", "文件改了。`first` 再次启动时会说什么？"),
        (
            T("hello from /app", "hello from /app"),
            T("goodbye", "goodbye"),
            T("nothing: its Dockerfile is gone", "什么也不说：它的 Dockerfile 没了"),
        ),
        0,
        T("The image was built before, and does not look back.", "镜像早就构建好了，不会再回头看。"),
    ),
    "same": Guess(
        T("Built by your parser: is it the same image?", "用你的解析器构建出来的，是同一个镜像吗？"),
        (
            T("no: an ID is drawn at random", "不是：ID 是随机产生的"),
            T("only its layers are the same", "只有层是一样的"),
            T("yes, to the last byte", "是，一个字节都不差"),
        ),
        2,
        T("An ID is a digest, and the instructions are the same.", "ID 是摘要，而指令是相同的。"),
    ),
}
