"""Hints of lesson 6."""

from labcore.language import Bilingual as T

HINTS = {
    "command": (
        T(
            "Somebody asks for an image and for no program. Which of the image's parts says what to run?",
            "只给了镜像，没有给程序。镜像的哪一部分写着该运行什么？",
        ),
        T(
            "The manifest names the config by its digest; the blob of that digest is JSON, and its part `config` may hold `Entrypoint` and `Cmd`. Either may be missing, or null.",
            "清单用摘要指出配置；那个 blob 是 JSON，其中的 `config` 可能有 `Entrypoint` 和 `Cmd`，也可能没有，或者是 null。",
        ),
        T(
            "`return [*(config.get('Entrypoint') or ()), *(argv or …)]`",
            "`return [*(config.get('Entrypoint') or ()), *(argv or …)]`",
        ),
    ),
    "create": (
        T(
            "The image is not here. Who is to do something about it, the daemon or the client?",
            "镜像不在这里。该由谁来处理：守护进程，还是客户端？",
        ),
        T(
            "`command` raises ImageNotFound. Answer it with 404 and a message; else make the container as in lesson 5, with the program that `command` returned.",
            "`command` 会抛出 ImageNotFound：应答 404 和一条消息；否则像第 5 课那样建容器，程序用 `command` 返回的。",
        ),
        T(
            "`try: argv = command(…)` / `except ImageNotFound: return Reply(404, {'message': …})`; `container = Container(…)`; `daemon.containers[container.id] = container`",
            "`try: argv = command(…)` / `except ImageNotFound: return Reply(404, {'message': …})`；`container = Container(…)`；`daemon.containers[container.id] = container`",
        ),
    ),
    "images_create": (
        T(
            "A download may take minutes. When does the client want to hear the first word of it?",
            "下载可能要几分钟。客户端希望什么时候听到第一句话？",
        ),
        T(
            "Return a `Reply` at once, whose body is a generator; the pull happens inside of it. The status has gone by then: an error can only be a line.",
            "马上返回 `Reply`，正文是一个生成器，拉取在生成器里进行。那时状态码已经发出，出错只能写成一行。",
        ),
        T(
            "`def progress(): yield {…}; try: pull(daemon.registry, …); yield {…} except Exception as error: yield {'error': str(error), 'errorDetail': {'message': …}}`, then `return Reply(200, progress())`",
            "`def progress(): yield {…}; try: pull(daemon.registry, …); yield {…} except Exception as error: yield {'error': str(error), 'errorDetail': {'message': …}}`，然后 `return Reply(200, progress())`",
        ),
    ),
    "attach": (
        T(
            "One connection, two streams. How does the client know of each piece which one it belongs to, and where it ends?",
            "一条连接，两个流。客户端怎么知道每一段属于哪个流、到哪里结束？",
        ),
        T(
            "A head of eight bytes before each piece: the stream's number, three zeros, and the length in four bytes, the biggest first.",
            "每段前面有 8 个字节的头：流的编号，三个零，再用四个字节写长度，高位在前。",
        ),
        T(
            "`return Hijack(bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, …) + data for stream, data in …)`",
            "`return Hijack(bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, …) + data for stream, data in …)`",
        ),
    ),
    "normalize": (
        T(
            "`cafe/menu` and `localhost/menu`: which of the first words is a registry, and how can one tell?",
            "`cafe/menu` 和 `localhost/menu`：哪个开头的词是注册服务器？怎样分辨？",
        ),
        T(
            "The word before the first slash is a registry if it has a dot or a colon in it, or is `localhost`. Only behind the last slash does a colon begin a tag.",
            "第一个斜杠前的词里有点号或冒号，或者就是 `localhost`，它才是注册服务器。只有最后一个斜杠之后的冒号，才引出标签。",
        ),
        T(
            "`first, slash, rest = name.partition('/')`; if it is no registry: `first, rest = 'docker.io', name`; `repository, _, tag = rest.partition(':')`; `library/` for Docker Hub alone",
            "`first, slash, rest = name.partition('/')`；若不是注册服务器：`first, rest = 'docker.io', name`；`repository, _, tag = rest.partition(':')`；只有 Docker Hub 才补 `library/`",
        ),
    ),
}
