"""Questions of lesson 9: what instructions change, how programs are put together, and what a layer keeps."""

from labcore.lab.questions import Question
from labcore.language import Bilingual as T

QUESTIONS = {
    "makes a layer": Question(
        T("Which of these lines always adds a layer of files?", "下面哪一行总会加上一层文件？"),
        (T("ENV A=1", "ENV A=1"), T("COPY . /app", "COPY . /app"), T("EXPOSE 80", "EXPOSE 80")),
        1,
        T("ENV and EXPOSE write a field of the config.", "ENV 和 EXPOSE 只写配置里的一个字段。"),
    ),
    "build argument": Question(
        T(
            "A password is handed over with `--build-arg`. Where can it be read later?",
            "用 `--build-arg` 传入密码。以后在哪里能读到它？",
        ),
        (
            T("nowhere: an ARG is only there for the build", "哪里都读不到：ARG 只在构建时存在"),
            T("in the environment of every container", "在每个容器的环境变量里"),
            T("in the image's history", "在镜像的历史里"),
        ),
        2,
        T(
            "`docker history` shows the arguments of each RUN; use --mount=type=secret.",
            "`docker history` 会显示每个 RUN 的参数；该用 --mount=type=secret。",
        ),
    ),
    "who expands": Question(
        T("`RUN echo $HOME`: who replaces `$HOME`?", "`RUN echo $HOME`：谁来替换 `$HOME`？"),
        (T("the builder", "构建器"), T("the shell in the container", "容器里的 shell"), T("the client", "客户端")),
        1,
        T("RUN, CMD and ENTRYPOINT reach the shell as they are written.", "RUN、CMD、ENTRYPOINT 原样交给 shell。"),
    ),
    "exec form unexpanded": Question(
        T('`CMD ["echo", "$HOME"]`: what does the container print?', '`CMD ["echo", "$HOME"]`：容器输出什么？'),
        (T("/root", "/root"), T("$HOME", "$HOME"), T("an empty line", "一个空行")),
        1,
        T("In the exec form there is no shell that would expand it.", "exec 形式里没有 shell 来展开它。"),
    ),
    "relative": Question(
        T(
            "`WORKDIR /srv`, `WORKDIR site`, `RUN cd /tmp`, `RUN pwd`: what does the last one print?",
            "`WORKDIR /srv`、`WORKDIR site`、`RUN cd /tmp`、`RUN pwd`：最后一行输出什么？",
        ),
        (T("/tmp", "/tmp"), T("/site", "/site"), T("/srv/site", "/srv/site")),
        2,
        T("Each RUN is a container of its own, and begins in WORKDIR.", "每个 RUN 都是单独的容器，从 WORKDIR 开始。"),
    ),
    "arguments": Question(
        T(
            '`ENTRYPOINT ["python"]`, `CMD ["app.py"]`, and `docker run IMAGE --version`: what runs?',
            '`ENTRYPOINT ["python"]`、`CMD ["app.py"]`，敲 `docker run IMAGE --version`：运行的是什么？',
        ),
        (
            T("python app.py --version", "python app.py --version"),
            T("python --version", "python --version"),
            T("--version", "--version"),
        ),
        1,
        T("Words behind the name replace the CMD, and nothing else.", "镜像名后面的词替换 CMD，也只替换 CMD。"),
    ),
    "shell entry point": Question(
        T(
            "An image has `ENTRYPOINT server` (shell form). Its CMD is …",
            "镜像写的是 `ENTRYPOINT server`（shell 形式）。它的 CMD……",
        ),
        (
            T("ignored by the shell", "被 shell 忽略"),
            T("handed to the server", "交给 server"),
            T("run after the server", "在 server 之后运行"),
        ),
        0,
        T(
            "Words behind the text of `sh -c` are $0, $1, … which it does not use.",
            "`sh -c` 文本后面的词是 $0、$1……它没有用到。",
        ),
    ),
    "slow stop": Question(
        T(
            "`docker stop` takes ten seconds each time, and the exit code is 137. What is the likely cause?",
            "每次 `docker stop` 都要十秒，退出码是 137。最可能的原因是什么？",
        ),
        (
            T("process 1 is a shell, or does not handle SIGTERM", "1 号进程是 shell，或者不处理 SIGTERM"),
            T("the disk is slow", "磁盘太慢"),
            T("the port is still open", "端口还开着"),
        ),
        0,
        T(
            "The kernel lets process 1 ignore what it has no handler for; then comes SIGKILL.",
            "1 号进程没有设处理函数的信号，内核就当它忽略了；随后是 SIGKILL。",
        ),
    ),
    "smaller": Question(
        T(
            "An image of 900 MB. Somebody adds `RUN rm -r /var/cache`, of 300 MB. How large is it then?",
            "镜像有 900 MB。有人加了一行 `RUN rm -r /var/cache`，删掉 300 MB。现在镜像多大？",
        ),
        (T("600 MB", "600 MB"), T("900 MB and a mark", "900 MB，外加一个标记"), T("1.2 GB", "1.2 GB")),
        1,
        T("Layers below never change. Delete in the same RUN that writes.", "下面的层永远不变。在写入的同一个 RUN 里删。"),
    ),
    "deleted": Question(
        T("How does a layer's archive say that `etc/motd` is deleted?", "层的归档怎样表示 `etc/motd` 已删除？"),
        (
            T("by a device 0/0, etc/motd", "用设备 0/0，etc/motd"),
            T("by an empty file, etc/.wh.motd", "用空文件 etc/.wh.motd"),
            T("by leaving it out", "不写它"),
        ),
        1,
        T(
            "The device is overlayfs's mark, in the upper directory; left out means unchanged.",
            "设备是 overlayfs 在 upper 目录里的标记；不写表示没变。",
        ),
    ),
    "cache order": Question(
        T("Which order makes the cache useful?", "哪种顺序能让缓存派上用场？"),
        (
            T("COPY everything, then install", "先全部 COPY，再安装"),
            T("COPY the list of packages, install, COPY the rest", "先 COPY 软件包清单，安装，再 COPY 其余的"),
            T("it makes no difference", "没有区别"),
        ),
        1,
        T("A step is known by what is below it and by what it reads.", "一步由它下面的内容和它读的内容认定。"),
    ),
    "context": Question(
        T("`COPY ../key /key` fails. Why?", "`COPY ../key /key` 失败了。为什么？"),
        (
            T("the daemon has only been sent the context", "守护进程只收到了上下文"),
            T("keys may not be copied", "密钥不许复制"),
            T("the path must be absolute", "路径必须是绝对的"),
        ),
        0,
        T("Paths are relative to the context, and end at its edge.", "路径相对于上下文，到它的边界为止。"),
    ),
}
