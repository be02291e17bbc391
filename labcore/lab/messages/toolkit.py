"""Messages of what the lab says in every lesson."""

CHINESE = {
    # beginning
    "root: containers are made by root here. Start the lab with `make lab`, which asks for the right to.":
        "root 权限：这里的容器由 root 创建。请用 `make lab` 启动实验室，它会申请所需权限。",
    "Lesson {number} needs what this machine lacks.": "第 {number} 课需要的条件，这台机器上还缺：",
    "namespaces: {error}": "命名空间：{error}",
    "overlays: {error}": "overlay 挂载：{error}",
    "cgroups: no limits can be set here, for {error}. Start the lab as root of the machine.":
        "cgroup：这里设不了上限：{error}。请以本机 root 身份启动实验室。",
    # attacks
    "read a file of the machine's root": "读取只属于宿主机 root 的文件",
    "make a door to the machine's disk (a device node)": "造一个通往宿主机磁盘的入口（设备节点）",
    "change a setting of the kernel": "修改内核的设置",
    "make oneself root anew (a user namespace)": "让自己重新当上 root（用户命名空间）",
    "through": "得手",
    "held": "挡住",
    "the attack broke off: {why}": "攻击中途停止：{why}",
    # machines
    "There is no virtual machine to look into here: {why}": "这里没有可以进去看的虚拟机：{why}",
    "There is no virtual machine to look into here yet.": "这里还没有可以进去看的虚拟机。",
    "To have one: `sudo labcore vm setup` (27 MB, once). The lesson goes on without.":
        "想要一台：`sudo labcore vm setup`（27 MB，只需一次）。没有它，课程也能继续。",
    "{done} of {total}: {what}": "第 {done} 项，共 {total} 项：{what}",
    "{line} ({seconds} s so far)": "{line}（已用 {seconds} 秒）",
    "{line} (about {seconds} s left)": "{line}（大约还要 {seconds} 秒）",
    "measured on {machine}": "测量环境：{machine}",
    # copies
    "no lesson at {path}: run this where labcore's source is, with its notebooks beside it":
        "{path} 处没有课程：请在 labcore 的源码目录里运行，notebooks 就在旁边",
    # the docker command
    "There is no stock docker command here. labcore's own takes its place and asks the daemon the same; what is lost "
    "is to see that Docker's command is content with it. To have it, once: sudo labcore lesson setup":
        "这里没有 Docker 官方的 docker 命令，改用 labcore 自己的命令，它向守护进程发出同样的请求；只是看不到"
        "官方的命令也能用它。想要的话，运行一次：sudo labcore lesson setup",
    "`{line}` was still at work after {n} seconds, and was ended.": "`{line}` 运行了 {n} 秒还没有结束，已被终止。",
    # the miniature daemon, and a lesson's own
    "the body is no JSON: {error}": "请求体不是 JSON：{error}",
    "the body is no JSON object: {body}": "请求体不是 JSON 对象：{body}",
    "the container {id} has been started already": "容器 {id} 已经启动过了",
    "`route` returned {name}: there is no such handler": "`route` 返回了 {name}：没有这个处理函数",
    "`route` returned {what}; a pair is wanted: the handler's name, and a list":
        "`route` 返回了 {what}；它应当返回一对值：处理函数的名字，和一个列表",
    "is `return` missing there?": "是不是漏了 `return`？",
    "`{name}` returned {what}; a Reply is wanted": "`{name}` 返回了 {what}；它应当返回一个 Reply",
    "`{name}`: {status} is no status of HTTP": "`{name}`：{status} 不是 HTTP 状态码",
    "`{name}`: the names and values of headers are text: {headers}": "`{name}`：头部的名字和值都必须是文本：{headers}",
    "`{name}` returned what is no JSON: {error}": "`{name}` 返回的内容无法写成 JSON：{error}",
    "{n} containers are called {name}: say more of the id; `lab.serve()` forgets them all":
        "有 {n} 个容器叫 {name}：请用 id；`lab.serve()` 会把它们全部忘掉",
    "`{name}` has a `yield` of its own: that belongs in a function inside of it":
        "`{name}` 自己里面有 `yield`：它要写在里面的一个函数里",
    "`{name}` gave a function to Hijack; call it: `Hijack(output())`":
        "`{name}` 交给 Hijack 的是一个函数；要调用它：`Hijack(output())`",
    "`{name}` gave {what} to Hijack; bytes are wanted": "`{name}` 交给 Hijack 的是 {what}；应当是 bytes",
    "`{name}` gave a function as the body; call it: `Reply({status}, body())`":
        "`{name}` 给出的正文是个函数；要调用它：`Reply({status}, body())`",
    "{asked}: expected {expected}, got {answer}": "{asked}：应为 {expected}，得到 {answer}",
    "the status for a container that is to have no name": "创建没有名字的容器时的状态码",
    "both directions at once: what it says comes while this side is still open":
        "两个方向同时进行：这一边还没关，它说的话就已经到了",
    "no answer yet": "还没有应答",
    "the daemon cannot be started: {error}": "守护进程启动不了：{error}",
    "its supervisor has ended": "它的监督进程已经结束",
    "the daemon does not come up: {why}": "守护进程没有起来：{why}",
    "the daemon does not end: {why}": "守护进程没有结束：{why}",
    "no answer came within {n} seconds": "{n} 秒之内没有应答",
    "the daemon answered until all had been asked": "守护进程一直应答到问完为止",
    "no daemon was seen": "没有看到守护进程",
    # fetching, and the exchange with a registry
    "{url} is no address to fetch from: it begins with http://": "{url} 不是可以获取内容的地址：地址以 http:// 开头",
    "(nothing was asked)": "（没有任何请求）",
    "request": "请求",
    "answer": "应答",
    "headers that matter": "要紧的头部",
    # expected failures, and what calls made by hand mean by failing
    "{names} was expected here, and it was {other}:": "这里本该出现 {names}，出现的却是 {other}：",
    "{names} was expected here, and nothing failed": "这里本该出现 {names}，却什么错误也没发生",
    "This takes CAP_SYS_ADMIN, which this process does not have: root has it, and so has whoever made a user namespace.":
        "这需要 CAP_SYS_ADMIN，而本进程没有：root 有；自己创建了用户命名空间的进程，在其中也有。",
    "These flags do not go together, or name what this kernel does not have.":
        "这些标志不能一起用，或者这个内核不支持其中某一个。",
    "The place for the old root must lie at the new root or below it: '.' and '.' stack one on the other.":
        "旧根要放在新根之下（或与新根同一处）：两个参数都写 '.'，就是把旧根叠在新根上面。",
    "The new root is the root already, or lies on the same mount as the old one: bind it onto itself first.":
        "新根已经是根，或者与旧根在同一个挂载上：先把它绑定挂载到自己上。",
    "Somebody is still using {path}: a process has its root or its working directory there, or a file open. Leave it, or "
    "detach it now and let the kernel finish later: umount2(path, UnmountFlag.DETACH).":
        "{path} 仍被占用：有进程的根目录或工作目录在那里，或者打开着那里的文件。先离开它；"
        "或者现在就分离（detach），余下的交给内核稍后完成：umount2(path, UnmountFlag.DETACH)。",
    "{path} is no mount point of this mount namespace.": "在这个挂载命名空间里，{path} 不是挂载点。",
    "An overlay that can be written to needs, beside its `upperdir`, a `workdir`: an empty directory on the same disk.":
        "可写的 overlay 除了 `upperdir` 还要一个 `workdir`：同一文件系统上的一个空目录。",
    "{path} is no mount point, or the flags and the file system do not go together.":
        "{path} 不是挂载点，或者标志与文件系统类型不匹配。",
    "{path}, or what is to be mounted there, does not exist.": "{path} 不存在，或者要挂载到那里的东西不存在。",
    "A host name has at most 64 bytes.": "主机名最长 64 字节。",
    "The descriptor is no namespace of that kind, or this process has threads, or it is in that user namespace already.":
        "这个文件描述符不是该类命名空间，或者本进程有多个线程，或者它已经在那个用户命名空间里。",
    "This process has {count} threads, and a user namespace belongs to a whole process: call it in a %%helper cell.":
        "本进程有 {count} 个线程，而用户命名空间属于整个进程：请在 %%helper 单元格里调用。",
    "{path} is no mount point, and only a mount can become the root. Bind it onto itself first: "
    "mount(d, d, flags=MountFlag.BIND).":
        "{path} 不是挂载点，只有挂载才能当根。先把它绑定挂载到自己上：mount(d, d, flags=MountFlag.BIND)。",
    "The mounts here are shared with another mount namespace, and the root would change for all of them. First "
    "unshare(CloneFlag.NEWNS) and make them private: mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE).":
        "这里的挂载与别的挂载命名空间共享，换根会牵连到它们。先 unshare(CloneFlag.NEWNS)，再把挂载设为私有："
        "mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE)。",
    # helpers
    "The helper stopped: see the last lines above.": "辅助进程中途停了：原因见上面最后几行。",
    "%%helper takes at most a number of seconds, not {line}": "%%helper 后面最多写一个秒数，不能写 {line}",
    "\n… and {n} more bytes, which are not shown.\n": "\n……另有 {n} 字节没有显示。\n",
    "\nThe helper was ended after {n} s; `%%helper 60` gives it a minute.\n":
        "\n辅助进程运行满 {n} 秒，已被结束；写成 `%%helper 60` 就给它一分钟。\n",
    "no C compiler here: sudo apt-get install gcc libc6-dev": "这里没有 C 编译器：sudo apt-get install gcc libc6-dev",
    # restoring
    "namespaces": "命名空间",
    "cgroups": "cgroup（控制组）",
    "processes": "进程",
    "network links": "网络接口",
    "files outside the root": "根以外的文件",
    "nothing to compare with: run the lesson's first cell, lab.begin, before":
        "没有可比较的起点：请先运行本课第一格里的 lab.begin",
    "{n} processes ended that were left": "结束了 {n} 个遗留的进程",
    "changed": "有变化",
    "as before": "和开始时一样",
    # steps and my_runtime.py
    "{name}: a blank here; what you saved earlier in {file} stays in use.":
        "{name}：这里空着；仍使用你先前存入 {file} 的版本。",
    "{name}: a blank. Until you fill it in, labcore's own is used, not yours of lesson {n}.":
        "{name}：还空着。在你填好之前，先用 labcore 自己的版本，而不是你在第 {n} 课写的。",
    "{name}: a blank. Until you fill it in, labcore's own is used.": "{name}：还空着。在你填好之前，先用 labcore 自己的版本。",
    "{name} is no function: a step is one": "{name} 不是函数：每一步都应当是一个函数",
    "{name} cannot be run: {error}. Until that is mended, labcore's own steps are used.":
        "{name} 无法运行：{error}。修好之前，先用 labcore 自己的版本。",
    "the text of {name} is not to be found: write it in a cell": "找不到 {name} 的源代码：请把它写在单元格里",
    "{name}: saved in {file}.": "{name}：已存入 {file}。",
    "{name} was gone: its last version has been taken back.": "{name} 不见了：已取回它的上一个版本。",
    "{file} cannot be read: {why}. Move it away, and run the cell again.":
        "{file} 读不出来：{why}。请把它移走，再运行一次这个单元格。",
    "{file} could not be written: {why}. Nothing of it is lost; make room and run the cell again.":
        "{file} 写不进去：{why}。原有内容没有丢；腾出空间后再运行一次这个单元格。",
    "{name} could not be read (line {line}). It is kept as {kept}; your step stands in the last version that can.":
        "{name} 无法解析（第 {line} 行）。它已保存为 {kept}；你的这一步写进了最近一个可解析的版本。",
    # guesses
    "type your guess, and press Enter": "写下你的猜测，按回车",
    "Your guess is kept; you will see it beside the outcome.": "已记下你的猜测，稍后与结果并排显示。",
    "  your guess: ________": "  你的猜测：________",
    "{mark}you guessed: {guess}": "{mark}你猜的是：{guess}",
    "you made no guess": "你没有猜",
    "it is: {seen}": "结果是：{seen}",
    "it was not measured here": "这里没有测到",
    "there is no guess {name}; there are: {names}": "没有名为 {name} 的猜测题；现有：{names}",
    # references
    "there is no reference of {what}; there are: {names}": "没有 {what} 的速查表；现有：{names}",
    # hints
    "hint {n} of {total}": "提示 {n}/{total}",
    "no more hints": "没有更多提示了",
    "{n} hints, one by one: labcore lesson hint {step}": "{n} 条提示，逐条查看：labcore lesson hint {step}",
    # quizzes
    "✓ right.": "✓ 对。",
    "other questions": "换一组题",
    "Answers:": "答案：",
    "Answers": "答案",
    "which lesson? Run its first cell, lab.begin, before": "哪一课？请先运行它的第一格 lab.begin",
    # the widget
    "ended with exit code {code}": "已结束，退出码 {code}",
    "start": "启动",
}  # fmt: skip
