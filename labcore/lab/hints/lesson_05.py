"""Hints of lesson 5."""

from labcore.language import Bilingual as T

HINTS = {
    "route": (
        T(
            "Two requests have the same path and another method: what do they mean? And what do `/v1.47/info` and `/info` have in common?",
            "路径相同、方法不同的两个请求，意思一样吗？`/v1.47/info` 和 `/info` 又有什么共同点？",
        ),
        T(
            "Cut the version off, then go through `routes`. Each pattern becomes a regular expression in which `{id}` is a group that holds anything but a slash; the whole path has to match, and the method too.",
            "先去掉版本号，再逐条比较 `routes`。把模式变成正则表达式，`{id}` 换成一个不含斜杠的组；整个路径都要匹配，方法也要相同。",
        ),
        T(
            '`path = re.sub(r"^/v[0-9.]+/", "/", path)`; `found = re.fullmatch(re.sub(r"\\{\\w+\\}", "([^/]+)", pattern), path)`; `if verb == method and found: return name, list(found.groups())`',
            '`path = re.sub(r"^/v[0-9.]+/", "/", path)`；`found = re.fullmatch(re.sub(r"\\{\\w+\\}", "([^/]+)", pattern), path)`；`if verb == method and found: return name, list(found.groups())`',
        ),
    ),
    "ping": (
        T(
            "Look at the first answer that you overheard: what stood in it besides `200 OK`?",
            "看看你旁听到的第一个应答：除了 `200 OK`，里面还有什么？",
        ),
        T(
            "A Reply with status 200, the text OK, and a dictionary of two headers, whose values are text.",
            "一个 Reply：状态 200，正文 OK，再加一个有两项的首部字典，值都是文本。",
        ),
        T(
            '`return Reply(200, "OK", {"Api-Version": …, "Ostype": …})`',
            '`return Reply(200, "OK", {"Api-Version": …, "Ostype": …})`',
        ),
    ),
    "create": (
        T(
            "What runs after a create? And what must be known later, when somebody asks for a start?",
            "create 之后有什么在运行？以后有人要求启动时，必须知道什么？",
        ),
        T(
            "Read the JSON, make a Container of image and command (the name is in the query), put it into `daemon.containers` under its id, answer 201.",
            "读出 JSON，用镜像和命令做一个 Container（名字在查询串里），以 id 为键放进 `daemon.containers`，应答 201。",
        ),
        T(
            '`wanted = request.json()`; `container = Container(wanted["Image"], wanted["Cmd"], request.query.get("name", ""))`; `daemon.containers[container.id] = container`; `return Reply(201, {"Id": …, "Warnings": []})`',
            '`wanted = request.json()`；`container = Container(wanted["Image"], wanted["Cmd"], request.query.get("name", ""))`；`daemon.containers[container.id] = container`；`return Reply(201, {"Id": …, "Warnings": []})`',
        ),
    ),
    "start": (
        T("How did you start a container from a terminal in lesson 4?", "第 4 课里，你在终端里怎样启动容器？"),
        T(
            "Find the container by what stood in the path, and start the command line: the runtime's words, `run`, the image, the program's words. Nothing is left to be said: 204.",
            "按路径里的值找到容器，启动这条命令行：运行时的词、`run`、镜像、程序的各个词。没有别的要说：204。",
        ),
        T(
            '`container = daemon.containers[id]`; `container.start([*daemon.runtime, "run", container.image, *container.argv])`; `return Reply(204)`',
            '`container = daemon.containers[id]`；`container.start([*daemon.runtime, "run", container.image, *container.argv])`；`return Reply(204)`',
        ),
    ),
    "wait": (
        T(
            "The client sends `start` only when the head of the answer to `wait` has come. When may you call `container.wait()`, then?",
            "客户端收到 `wait` 应答的首部，才会发出 `start`。那么什么时候才能调用 `container.wait()`？",
        ),
        T(
            "Return a Reply whose body is a generator: a function in the function, with `yield` in place of `return`. Its lines run when the head has been sent. Look the container up outside of it, so that an unknown one is a 404.",
            "返回一个 Reply，正文是生成器：函数里再写一个函数，用 `yield` 代替 `return`。它的代码在首部发出之后才运行。查找容器要放在外面，这样找不到时才会是 404。",
        ),
        T(
            '`def told(): yield {"StatusCode": container.wait()}`; `return Reply(200, told())`',
            '`def told(): yield {"StatusCode": container.wait()}`；`return Reply(200, told())`',
        ),
    ),
    "list_containers": (
        T(
            "Listen in on both: what does `docker ps -a` show that `docker ps` does not?",
            "旁听一下两者：`docker ps -a` 比 `docker ps` 多显示什么？",
        ),
        T(
            "For each container one dictionary: Id, Image, Command, Names (a list, each with a slash in front), State, Created. Those that do not run only with `all` in the query.",
            "每个容器一个字典：Id、Image、Command、Names（列表，每个名字前有斜杠）、State、Created。不在运行的，查询串里有 `all` 才列出。",
        ),
        T(
            '`if each.state == "running" or request.query.get("all") in ("1", "true"): rows.append({"Id": each.id, …, "Names": [f"/{each.name}"], …})`; `return Reply(200, rows)`',
            '`if each.state == "running" or request.query.get("all") in ("1", "true"): rows.append({"Id": each.id, …, "Names": [f"/{each.name}"], …})`；`return Reply(200, rows)`',
        ),
    ),
    "remove": (
        T(
            "May one remove a container that runs? What does `docker rm` say, and `docker rm -f`?",
            "正在运行的容器能删吗？`docker rm` 怎么说，`docker rm -f` 呢？",
        ),
        T(
            "A running one is answered with 409 and a message, unless `force` is in the query: then it is killed and waited for. After that it is taken out of the dictionary, by its whole id.",
            "正在运行的，应答 409 和一条消息；除非查询串里有 `force`：先杀死并等它结束。然后用完整的 id 把它从字典里删掉。",
        ),
        T(
            '`if container.state == "running": …return Reply(409, {"message": …})`, or `container.kill(9)` and `container.wait()`; `del daemon.containers[container.id]`; `return Reply(204)`',
            '`if container.state == "running": …return Reply(409, {"message": …})`，或者 `container.kill(9)` 再 `container.wait()`；`del daemon.containers[container.id]`；`return Reply(204)`',
        ),
    ),
}
