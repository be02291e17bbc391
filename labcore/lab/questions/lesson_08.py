"""Questions of lesson 8: what a line is, both forms, what a line makes, and how file, image and container belong together."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "swallowed": Question(
        T(
            "A RUN ends in a backslash. Then comes a blank line, then `USER web`. Whose programs run as web?",
            "一条 RUN 以反斜杠结尾，接着是一个空行，然后是 `USER web`。谁的程序以 web 的身份运行？",
        ),
        (
            T("those of all that follows", "后面所有的"),
            T("nobody's: USER is a part of the command", "谁也不是：USER 成了那条命令的一部分"),
            T("none: the build is refused", "没有：构建会被拒绝"),
        ),
        1,
        T("A blank line does not end what is continued.", "空行并不结束续行。"),
    ),
    "hash": Question(
        T("`RUN echo a # b`: who takes `# b` away?", "`RUN echo a # b`：是谁去掉了 `# b`？"),
        (
            T("the builder", "构建程序"),
            T("the shell in the container", "容器里的 shell"),
            T("nobody: it is printed", "没有谁：会输出出来"),
        ),
        1,
        T("To the builder only a whole line is a comment.", "对构建程序来说，只有整行才是注释。"),
    ),
    "exec form": Question(
        T('`CMD ["echo", "$HOME"]` prints', '`CMD ["echo", "$HOME"]` 输出'),
        (T("/root", "/root"), T("$HOME", "$HOME"), T("an empty line", "空行")),
        1,
        T("In the exec form no shell is there to replace it.", "exec 形式里没有 shell 来替换它。"),
    ),
    "single quotes": Question(
        T("`ENTRYPOINT ['nginx']` is", "`ENTRYPOINT ['nginx']` 是"),
        (T("the exec form", "exec 形式"), T("the shell form", "shell 形式"), T("an error of the build", "构建错误")),
        1,
        T("JSON knows double quotes only; all else is a text.", "JSON 只认双引号，其余都是文本。"),
    ),
    "true": Question(
        T("`RUN true`: `true` is JSON. What is RUN's value?", "`RUN true`：`true` 也是 JSON。RUN 的值是什么？"),
        (T("the text true", "文本 true"), T("a list of one word", "一个词的列表"), T("a Boolean", "布尔值")),
        0,
        T("The exec form is an array of strings, and nothing else.", "exec 形式只能是字符串数组。"),
    ),
    "case": Question(
        T("`from busybox`, in small letters:", "小写的 `from busybox`："),
        (T("is refused", "会被拒绝"), T("is FROM", "就是 FROM"), T("is a comment", "是注释")),
        1,
        T("Names are written in capitals by custom only.", "大写只是习惯。"),
    ),
    "cd": Question(
        T("A directory that later RUNs start in is chosen by", "要让后面的 RUN 从某个目录开始，用"),
        (T("RUN cd", "RUN cd"), T("WORKDIR", "WORKDIR"), T("ENV PWD", "ENV PWD")),
        1,
        T("Each RUN is a new container; only the config is handed on.", "每条 RUN 都是新容器，传下去的只有配置和层。"),
    ),
    "layer": Question(
        T("Which of these makes a layer?", "下面哪一条会产生层？"),
        (T("EXPOSE 80", "EXPOSE 80"), T('CMD ["sh"]', 'CMD ["sh"]'), T("COPY page /srv/", "COPY page /srv/")),
        2,
        T("A layer holds files; the others are words in the config.", "层里是文件，另外两条只是配置里的词。"),
    ),
    "expose": Question(
        T("`EXPOSE 5000` opens a port", "`EXPOSE 5000` 打开端口是在"),
        (
            T("when the image is built", "构建镜像时"),
            T("when the container starts", "容器启动时"),
            T("never: it is a note", "从不：它只是个记号"),
        ),
        2,
        T("Ports are published by `docker run -p`.", "发布端口靠 `docker run -p`。"),
    ),
    "maintainer": Question(
        T("In place of MAINTAINER one writes today", "MAINTAINER 现在改写成"),
        (T("LABEL maintainer=…", "LABEL maintainer=…"), T("AUTHOR", "AUTHOR"), T("a comment", "注释")),
        0,
        T("It has been deprecated since 2017.", "2017 年起它就被弃用了。"),
    ),
    "back": Question(
        T("You change the Dockerfile. What becomes of a container that runs?", "改了 Dockerfile，正在运行的容器会怎样？"),
        (
            T("it is started again", "会重新启动"),
            T("nothing", "什么也不会发生"),
            T("its next start is by the new file", "下次启动就用新的文件"),
        ),
        1,
        T("Containers come from an image, and do not look back.", "容器来自镜像，不再回头看。"),
    ),
}
