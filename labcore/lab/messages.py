"""Message catalogue of the lab: its English texts and their Chinese translations; `say` chooses by LABCORE_LANG."""

from labcore.language import Catalogue, language

say = Catalogue("lab")


def labelled(name: str, words: str) -> str:
    """Return words behind the name of what they are about, and a colon."""
    return f"{name}：{words}" if language() == "zh" else f"{name}: {words}"


CHINESE = {
    # --- the toolkit
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
    "no answer came within {n} seconds": "{n} 秒之内没有应答",
    "the daemon answered until all had been asked": "守护进程一直应答到问完为止",
    "no daemon was seen": "没有看到守护进程",
    # checks
    "the check came to its end": "检查正常跑完",
    "{file} cannot be read: run the step's cell again.": "{file} 无法解析：请把这一步的单元格再运行一遍。",
    "Fill in the cell above, run it, and run this check again.": "请先填好上面的单元格并运行，再回来运行这个检查。",
    "it is process 1 of its own PID namespace": "它是自己 PID 命名空间里的 1 号进程",
    "the machine that starts it keeps its own name": "启动它的机器，名字没有变",
    "its root is the directory that was named": "它的根就是指定的那个目录",
    "nothing of the old root is left in it": "旧根一点不剩",
    "/proc is mounted, a proc file system": "/proc 已挂载，是 proc 文件系统",
    "and shows its own processes: process 1 is the program": "而且显示它自己的进程：1 号进程就是这个程序",
    "its mounts are private": "它的挂载是私有的",
    "devices in it can be opened: it is not mounted nodev": "里面的设备可以打开：挂载时没有用 nodev",
    "it begins in /": "它从 / 开始",
    "its environment is that of the spec": "它的环境变量就是 spec 给的那些",
    "a program that is not there is no success: an error is raised, or another code than 0":
        "程序不存在就不算成功：要抛出错误，或返回 0 以外的退出码",
    "for {n}, which no process inside has, there is none": "里面没有进程是 {n} 号，就没有编号可返回",
    "the program's exit code, returned": "返回的程序退出码",
    "{text}: expected {expected}, saw {seen}": "{text}：应为 {expected}，看到的是 {seen}",
    "{text}: saw {seen}": "{text}：看到的是 {seen}",
    "nothing": "什么也没有",
    "none": "没有",
    "process {n}": "{n} 号进程",
    "the starter's": "沿用启动者的",
    "one of its own": "新的一个",
    "first draw:": "第一次抽取：",
    "second draw, with other values:": "第二次抽取，换了一组值：",
    "first draw: {mark} all {n} hold": "第一次抽取：{mark} {n} 项全部成立",
    "the number out here of the process that is {n} inside": "里面 {n} 号进程在外面的编号",
    "/ is mounted read-only": "/ 以只读方式挂载",
    "/tmp is a tmpfs that can be written": "/tmp 是可写的 tmpfs",
    "the program could not write to /": "程序无法写入 /",
    "the program could write to /tmp": "程序可以写入 /tmp",
    "{kind}: a namespace of its own": "{kind}：有自己的命名空间",
    "{kind}: the starter's, for the spec does not ask for one": "{kind}：沿用启动者的，因为 spec 没有要求新的",
    "the check did not begin within {n} seconds: this machine has too much to do": "检查在 {n} 秒内没能开始：这台机器太忙了",
    "it waited for a processor for more than {n} seconds: does it loop, or has this machine too much to do?":
        "它等待处理器超过了 {n} 秒：是死循环，还是这台机器太忙了？",
    "it was not done after {n} seconds: does it loop, or wait?": "{n} 秒后还没有结束：是死循环，还是在等待什么？",
    "labcore's version was called: the step is to be your own": "调用了 labcore 的版本：这一步要自己写",
    "your step raised an error": "你的代码运行出错",
    "your step did not come to its end: its process was killed, or ended itself":
        "你的代码没有运行到底：它的进程被杀死，或自己退出了",
    "no container was seen that runs the program that was asked for": "没有看到运行指定程序的容器",
    "the container was there until all had been looked at": "容器一直在，直到全部检查完",
    "what was to be looked at afterwards was there": "事后要检查的东西还在",
    "A step must bring what it uses: names of other cells are not there. Import inside of the function.":
        "一个步骤要自带它用到的东西：别的单元格里的名字在这里不存在。请在函数里面 import。",
    "{name} returned nothing: is `return` missing?": "{name} 什么都没返回：是不是漏了 `return`？",
    "What has a star before it returned nothing: is `return` missing there?":
        "带星号的那个函数什么都没返回：那里是不是漏了 `return`？",
    "{name} comes with the lesson's first cell (lab.begin): run that, then this one again.":
        "{name} 来自本课第一格（lab.begin）：先运行它，再运行这一格。",
    "{name} is made by an earlier cell, `{text}`: run that, then this one again.":
        "{name} 由前面的一格创建：`{text}`。先运行它，再运行这一格。",
    "{name} has not been saved: its cell stopped before{where}. Mend it, and run it again.":
        "{name} 没有保存：它的单元格没能运行到底{where}。改好后再运行一遍。",
    "line {n}": "第 {n} 行",
    "What its cell says now is not saved, for the cell stopped before. Mend it, run it, and run this check again.":
        "单元格现在的内容没有保存，因为它没能运行到底。改好并运行它，再运行这个检查。",
    "{name}: saved for lesson {number}. Later lessons use what you wrote in lesson {later}, which does this too.":
        "{name}：已存为第 {number} 课的版本。后面的课仍用你在第 {later} 课写的，它也能做到这些。",
    "From lesson {n} on, which writes it anew, another version takes its place.":
        "从第 {n} 课起会重写这一步，由新版本代替。",
    "This function is not the one that is saved: put @lab.step above it, and run its cell again.":
        "这个函数不是已保存的那一个：请在它上面加上 @lab.step，再运行一遍它的单元格。",
    "there is no lesson {number} yet; there are: {numbers}": "还没有第 {number} 课；现有：{numbers}",
    "{step} is no step: the steps are {steps}": "{step} 不是一个步骤；步骤有：{steps}",
    "{step}: not yet": "{step}：还没有通过",
    "{step}: passed": "{step}：通过",
    "{step}: still a blank": "{step}：还空着",
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
    # --- pictures
    # what goes wrong
    "a process is given by itself or by its number, not by {what}": "要画一个进程，请给出进程本身或它的进程号，而不是 {what}",
    "process {pid} has ended: draw it while it runs": "进程 {pid} 已经结束：请在它运行时画图",
    "process {pid} may not be looked into from here: run this as root, or choose one of your own": (
        "无权从这里查看进程 {pid}：请以 root 身份运行，或选择你自己的进程"
    ),
    "from 2 to {most} processes can be compared, not {count}": "可以比较 2 到 {most} 个进程，而不是 {count} 个",
    "{labels} labels for {count} columns": "{count} 列却有 {labels} 个标签",
    "a mount tree is a process, its number, or the text of its mountinfo file: this text is empty": (
        "挂载树由进程、进程号或其 mountinfo 文件的内容给出：这段内容是空的"
    ),
    "this is no line of a mountinfo file: {line}": "这不是 mountinfo 文件中的一行：{line}",
    "there are stages 1 to {last}, no {odd}": "阶段只有 1 到 {last}，没有 {odd}",
    "this timeline is empty: only a process that a plan has started has one": "时间线是空的：只有由计划启动的进程才有时间线",
    # waterfall
    "One container start, op by op": "一次容器启动的每一步",
    "{title}: {time:.1f} ms": "{title}：{time:.1f} 毫秒",
    "milliseconds after clone was called": "调用 clone 之后的毫秒数",
    "process": "进程",
    "names": "名称",
    "mounts": "挂载",
    "files": "文件",
    "protection": "保护",
    "other": "其他",
    # trace waterfall
    "milliseconds after the command was started": "命令启动之后的毫秒数",
    "The daemon was asked for nothing.": "守护进程没有收到任何请求。",
    "Of the daemon's {jobs} jobs these took longest: {names}. {ops} ops started containers.": (
        "守护进程的 {jobs} 个作业中，耗时最长的是：{names}。容器启动共用了 {ops} 步。"
    ),
    "the command": "命令",
    "a call of the client's": "客户端的调用",
    "a job of the daemon's": "守护进程的作业",
    "a part of it": "作业的一部分",
    "an op of the start": "启动中的一步",
    # the dashboard
    "state": "状态",
    "processor": "处理器",
    "memory": "内存",
    "events": "事件",
    "nothing has happened yet": "还没有事件发生",
    "log of {name}": "{name} 的日志",
    "nothing was written": "没有输出",
    "there are no containers": "没有容器",
    "stop": "停止",
    "pause": "暂停",
    "unpause": "继续",
    # who shares which namespace
    "Who shares which namespace": "谁与谁共享哪个命名空间",
    "process {pid}": "进程 {pid}",
    "shared": "共享",
    "own": "独有",
    "process numbers": "进程号",
    "host name": "主机名",
    "shared memory, queues": "共享内存、消息队列",
    "network": "网络",
    "root of the cgroups": "cgroup 的根",
    "users, privileges": "用户与特权",
    "clocks": "时钟",
    # network namespaces
    "container {name} is not running: `labcore start {name}`": "容器 {name} 没有运行：`labcore start {name}`",
    "{name} is in the host's own network namespace, which is drawn anyway: leave it out":
        "{name} 就在宿主机自己的网络命名空间里，那本来就会画出来：不必写它",
    "the network of {name} may not be looked into from here: run this as root":
        "无权从这里查看 {name} 的网络：请以 root 身份运行",
    "up to {most} containers can be drawn, not {count}": "最多能画 {most} 个容器，而不是 {count} 个",
    "Network namespaces, and what joins them": "网络命名空间，以及它们怎样相连",
    "{count} more containers are not drawn": "另有 {count} 个容器没有画出",
    "network namespace {inode}": "网络命名空间 {inode}",
    "host": "宿主机",
    "your containers' host": "你的容器所在的主机",
    "up": "启用",
    "down": "停用",
    "bridge": "网桥",
    "network {name}": "网络 {name}",
    "default route": "默认路由",
    "no default route": "没有默认路由",
    "rewritten (nat)": "改写地址（nat）",
    "elsewhere": "别处",
    "a line: a veth pair, one end in each namespace        ●  up        ○  down        →  routes by a gateway": (
        "一条线：一对 veth，两端各在一个命名空间        ●  启用        ○  停用        →  经网关的路由"
    ),
    "masquerade: what containers on {bridges} send elsewhere leaves with the host's address": (
        "masquerade（地址伪装）：{bridges} 上的容器发往别处的包，离开时用宿主机的地址"
    ),
    "published port (DNAT): {translation}": "发布的端口（DNAT）：{translation}",
    "Masqueraded: {bridges}.": "做地址伪装（masquerade）的网桥：{bridges}。",
    "Published: {ports}.": "发布的端口：{ports}。",
    "{name}: {links}; {routes}.": "{name}：接口 {links}；{routes}。",
    "bridge of network {name}": "网络 {name} 的网桥",
    "port of {bridge}": "{bridge} 的端口",
    "wired to {name} of {namespace}": "与 {namespace} 的 {name} 相连",
    # the way of a packet
    "port {port}: ports go from 1 to 65535": "端口 {port}：端口号从 1 到 65535",
    "a packet is sent by a container or by the host, not by {what}": "包由容器或宿主机发出，而不是由 {what} 发出",
    "{name} has no address: no packet can be sent to it": "{name} 没有地址：没法给它发包",
    "the kernel was too busy to stamp the packet on its way: try again":
        "内核太忙，没来得及在途中记下时间：请再试一次",
    "The way of one packet: {source} → {destination}": "一个包走过的路：{source} → {destination}",
    "each row: an interface where the packet was seen, and its addresses there        µs: since the program called connect": (
        "每一行：看到这个包的一个接口，以及它在那里的地址        µs：程序调用 connect 之后的微秒数"
    ),
    "out": "出",
    "in": "入",
    "answered: the connection is there after {time}": "有应答：{time} 之后连接建立",
    "refused after {time}": "{time} 之后被拒绝",
    "no answer: the packet was on no interface": "没有应答：哪个接口上都没有看到这个包",
    "no answer: seen last on {interface} of {name}": "没有应答：最后看到它是在 {name} 的 {interface}",
    "A packet from {source} to {destination}.": "一个包，从 {source} 到 {destination}。",
    "After {time}: {place}, {ends}.": "{time} 之后：{place}，{ends}。",
    "Outcome: {text}.": "结果：{text}。",
    "{count} packets came faster than they could be kept: rows may be missing.":
        "有 {count} 个包来得太快，没能留下：可能缺了几行。",
    # trees
    "before": "之前",
    "after": "之后",
    "What is mounted": "挂载了什么",
    "{count} mounts": "{count} 个挂载",
    "−  only in “{before}”        +  only in “{after}”": "−  仅在“{before}”        +  仅在“{after}”",
    "… {count} more": "… 还有 {count} 个",
    "The same processes, seen from outside and from inside": "同样的进程：从外面看，从里面看",
    "outside": "外面",
    "inside": "里面",
    "numbers of this machine": "本机的进程号",
    "numbers of its PID namespace": "它的 PID 命名空间里的进程号",
    "you are here": "你在这里",
    "zombie": "僵尸进程",
    # layers and files
    "no layers to draw: name their directories, the topmost first": "没有可画的层：请给出各层的目录，最上层在前",
    "from 1 to {most} files can be drawn, not {count}": "可以画 1 到 {most} 个文件，而不是 {count} 个",
    "{path} is no directory: a layer is given by the directory that it was unpacked into": (
        "{path} 不是目录：层要用它解包到的目录来表示"
    ),
    "find is not installed here: apt-get install findutils": "这里没有安装 find：apt-get install findutils",
    "the kernel does not stack these directories: {error}": "内核没有把这些目录叠起来：{error}",
    "Layers, and what is seen of them from above": "层，以及从上往下看到的文件",
    "what is seen": "看到的",
    "read-write layer": "读写层",
    "the container's own": "容器自己的",
    "image, read-only": "镜像，只读",
    "layer {n}": "第 {n} 层",
    "✗ deleted": "✗ 删除",
    "✗ all": "✗ 全部",
    "empty": "空",
    "{count} inside": "里面 {count} 个",
    "+ {count} more": "另有 {count} 个",
    "full colour: what is seen        pale: covered by a layer above        ✗: deletes what lies below": (
        "深色：看得到的        浅色：被上面的层盖住        ✗：删除下面的"
    ),
    # a registry
    "from 1 to {most} images can be drawn, not {count}": "可以画 1 到 {most} 个镜像，而不是 {count} 个",
    "registry {address}": "注册服务器 {address}",
    "repository and tags": "仓库和标签",
    "image": "镜像",
    "layers, the lowest first": "层，最下层在前",
    "no tag: by its digest only": "没有标签：只能用摘要",
    "full colour: a layer that several images here have        white: one of this image alone": (
        "深色：这里多个镜像共用的层        白色：只属于这个镜像的层"
    ),
    # the ten stages
    "run": "运行",
    "limits": "限制",
    "images": "镜像",
    "install": "安装",
    "daemon": "守护进程",
    "pull": "拉取",
    "exec & net": "exec 与网络",
    "parse": "解析",
    "instructions": "指令",
    "build": "构建",
    # containers against virtual machines
    "this comparison has no {what}: measure it first": "这份对比数据里没有 {what}：请先测量",
    "How long a start takes": "启动要多久",
    "from the command to the first process's first word; one dot is one start, the line is the median": (
        "从发出命令到第一个进程输出第一个字；一个点是一次启动，竖线是中位数"
    ),
    "How much memory one takes": "每个实例占多少内存",
    "MiB of one that idles, with all that stands beside it; what is shared counts in parts (PSS)": (
        "一个空闲实例及其附属进程占用的 MiB；共享的部分按份额计算（PSS）"
    ),
    "What work inside costs": "在里面干活要付出多少代价",
    "times as long as in a process of the host (1×)": "相对于宿主机上普通进程的耗时倍数（1×）",
    "a container's whole start, to this scale": "同一比例下，一次完整的容器启动",
    "milliseconds": "毫秒",
    "{time} s": "{time} 秒",
    "{time} ms": "{time} 毫秒",
    "container": "容器",
    "virtual machine": "虚拟机",
    "a process": "普通进程",
    "container: labcore, from Python": "容器：labcore（Python 调用）",
    "container: your own run": "容器：你自己的 run",
    "container: labcore run": "容器：labcore run 命令",
    "container: crun": "容器：crun",
    "container: podman run": "容器：podman run",
    "container: docker run": "容器：docker run",
    "VM: microvm, small guest": "虚拟机：microvm，最小系统",
    "VM: PC, small guest": "虚拟机：PC，最小系统",
    "VM: virt, small guest": "虚拟机：virt，最小系统",
    "VM: PC, qemu by hand": "虚拟机：PC，手动启动 qemu",
    "VM: labcore vm run": "虚拟机：labcore vm run 命令",
    "VM: PC, Debian with systemd": "虚拟机：PC，完整的 Debian",
    "arithmetic": "算术运算",
    "a system call (getpid)": "一次系统调用（getpid）",
    "a look at a file (stat)": "查看一个文件（stat）",
    "a file made and removed": "新建并删除一个文件",
    "a byte there and back (pipe)": "一个字节往返（管道）",
    "a process made and ended": "创建并结束一个进程",
    "qemu: the machine is made": "qemu：造出机器",
    "qemu, firmware, kernel decompressed": "qemu、固件、解压内核",
    "firmware": "固件",
    "kernel": "内核",
    "kernel: decompressed": "内核：解压",
    "kernel: memory": "内核：内存",
    "kernel: processors, interrupts": "内核：处理器、中断",
    "kernel: buses (PCI, ACPI)": "内核：总线（PCI、ACPI）",
    "kernel: first root unpacked": "内核：解包初始根文件系统",
    "kernel: drivers": "内核：驱动程序",
    "kernel and first process": "内核与第一个进程",
    "first process": "第一个进程",
    "first root: finds the disk": "初始根文件系统：找到磁盘",
    "systemd and its services": "systemd 及其各项服务",
    "virtual machines emulated (TCG), without KVM": "虚拟机由软件模拟（TCG），没有使用 KVM",
    "virtual machines run by KVM": "虚拟机使用 KVM",
    "Who asks whom: {title}": "谁问谁：{title}",
    "and {count} more": "另有 {count} 条",
    "the end of what {call} streams": "{call} 的流结束",
    "{first} … {last}: {count} ops": "{first} … {last}：{count} 个操作",
    "client": "客户端",
    "registry": "注册服务器",
    "storage": "存储",
    "runtime": "运行时",
    "{source} to {target}: {text}.": "{source}对{target}：{text}。",
    "the ops": "各个操作",
    "no part is called {part}: there are {names}": "没有名为 {part} 的部分：有 {names}",
    ", the {count} longest of {all} parts": "，{all} 个部分中最长的 {count} 个",
    "These took longest: {names}.": "最久的是：{names}。",
    # --- checks of lessons 2 and 3
    # limits
    "it was born in a cgroup of its own": "它一出生就在自己的 cgroup 里",
    "most processes in its cgroup (pids.max)": "它的 cgroup 最多容纳的进程数（pids.max）",
    "its memory has no limit of its own, for the spec asks for none": "内存没有另设上限，因为 spec 没有要求",
    "bytes of memory that its cgroup allows ({file})": "它的 cgroup 允许的内存字节数（{file}）",
    # confine
    "what it may do now": "现在能做的",
    "what it could claim": "可以申领的",
    "what it can ever gain": "将来可能得到的",
    "{n} in all": "共 {n} 项",
    "{words}: the capabilities that were asked for, no other": "{words}：正是要求保留的能力，没有多余的",
    "a filter looks at its system calls": "有过滤器检查它的系统调用",
    "no user namespace, for the spec does not ask for one": "没有用户命名空间，因为 spec 没有要求",
    "{file}: inside, outside, how many": "{file}：里面、外面、个数",
    "the user outside that root inside is": "里面的 root 在外面的用户编号",
    "the group outside that root's inside is": "里面 root 的组在外面的编号",
    "what it hands on to programs": "它能传给别的程序的",
    "and no path is that the spec does not name": "spec 没有提到的路径都不是只读的",
    "for `Resources()` there is no op, for nothing is asked for": "对 `Resources()` 没有任何操作，因为什么也没要求",
    "and without `pids` no limit on processes": "没有给 `pids`，就不限制进程数",
    "a limit that the kernel refuses is an error, not passed over in silence": "内核拒绝的限制会报错，而不是悄悄略过",
    "{path} is read-only": "{path} 是只读的",
    # digest
    "it returns a text": "返回的是文本",
    "which begins with sha256:": "以 sha256: 开头",
    "and is the digest of the bytes that were given": "正是所给字节的摘要",
    # layers, and what a container sees of them
    "layers returned {what}: it returns the names in a list, the topmost first": (
        "layers 返回了 {what}：应当返回名字的列表，最上层在前"
    ),
    "each layer has a directory of its own in the store": "每一层在存储里各有一个目录",
    "with that layer's files, and no other's": "里面是这一层的文件，没有别层的",
    "unpacked once: the second time the same names come back": "只解包一次：第二次返回同样的名字",
    "what lay in the store is as it was": "存储里原有的东西没有变",
    "its root is an overlay": "它的根是一个 overlay",
    "with a layer on top that can be written to": "最上面有一层可写",
    "its read-only layers are the image's, the topmost first": "只读层就是镜像的各层，最上层在前",
    "each file is that of the topmost layer that has it": "每个文件都来自拥有它的最上面一层",
    "/etc/gone, which a layer deletes, is not to be seen": "/etc/gone 被某一层删除，看不到了",
    "/etc/back, deleted and made again, is": "/etc/back 删除后又重建，看得到",
    # overlay and rootfs
    "what the container wrote was in memory, and is gone with it": "容器写的东西在内存里，随它一起消失了",
    "on a plain directory, too: its root is no overlay": "普通目录也可以：这时根不是 overlay",
    # pull
    "the manifest was asked for by its tag": "按标签请求了清单",
    "the manifest came back": "返回了清单",
    "config and layers lie in the store, each under its digest": "配置和各层都在存储里，各以摘要为名",
    "the image has its name there, {name}": "镜像在那里有了名字：{name}",
    "the config": "配置",
    "the lowest layer": "最下层",
    "a layer": "某一层",
    "the topmost layer": "最上层",
    "{what}: other bytes than were asked for are refused": "{what}：内容与所要的不符，就拒绝",
    "and not kept": "也没有留下来",
    # whiteouts
    "a file that the layer deletes is not to be seen": "这一层删除的文件看不到了",
    "nor is a whole directory that it deletes": "它删除的整个目录也看不到了",
    "what stands beside the mark is": "标记旁边的文件看得到",
    "an opaque directory shows what the layer has in it": "不透明目录显示本层放在里面的内容",
    "and nothing that lower layers have there": "不显示下层在那里的任何内容",
    "no mark is left": "没有留下任何标记",
    "a device 0/0 stands for what is deleted": "被删除的文件换成了设备 0/0",
    # dig
    "a file that each layer has is found in each, the lowest first": "每层都有的文件，在每层都找到了，最下层在前",
    "one that a layer deletes is found below": "被某层删除的文件，在下面那层找到了",
    "one that is in one layer only, once": "只在一层里的文件，找到一次",
    "one that there is not, nowhere": "不存在的文件，哪里也没有",
    # --- lesson 4: the toolkit and its checks
    "cgroups: none is mounted below /sys/fs/cgroup: sudo mount -t cgroup2 none /sys/fs/cgroup": (
        "cgroup：/sys/fs/cgroup 下没有挂载：sudo mount -t cgroup2 none /sys/fs/cgroup"
    ),
    "No disk is full: as many namespaces of this kind as are allowed have been made. /proc/sys/user/max_*_namespaces says "
    "how many, and root can raise that.": (
        "并不是磁盘满了：这种命名空间的数量已达上限。上限写在 /proc/sys/user/max_*_namespaces 里，root 可以调高。"
    ),
    # the doctor's table, and the riddles
    "feature": "功能",
    "what was seen": "看到的情况",
    "what depends on it": "什么依赖于它",
    "Why?": "为什么？",
    "this plan does not fail": "这个计划并没有失败",
    # preflight
    "preflight returned {what}: it returns a dictionary, what is missing and its cure": (
        "preflight 返回了 {what}：应当返回字典，写明缺什么、怎么补救"
    ),
    "on this machine as it is, nothing is missing": "机器保持原样时，什么也不缺",
    "and nothing is named that is there": "没有把具备的东西说成缺的",
    "each comes with a cure": "每一项都带着补救办法",
    "where the tray lies on an overlay, or nothing can be mounted, the overlay is missing":
        "托盘目录位于 overlay 上，或者什么都不能挂载时，缺 overlay",
    "where no cgroups are mounted, they are missing": "没有挂载 cgroup 时，报告缺 cgroups",
    "where no {kind} namespaces may be made, “{name}” is missing": "不允许创建 {kind} 命名空间时，报告缺“{name}”",
    # devices
    "/dev is a tmpfs of its own": "/dev 是单独的 tmpfs",
    "each device of the spec is there, with its numbers": "spec 里的每个设备都在，编号正确",
    "devices that are bound from the old root are there: `devices` comes while it is":
        "从旧根绑定过来的设备在：`devices` 要趁旧根还在的时候",
    "and no other: not the machine's disks": "没有多余的设备：机器的磁盘不在里面",
    "everybody may read and write each: no umask has taken that away": "每个设备人人可读可写：没有被 umask 去掉权限",
    "/dev/pts is a devpts": "/dev/pts 是 devpts",
    "/dev/ptmx leads to the one in there": "/dev/ptmx 指向其中的 ptmx",
    "everybody may open that one": "那个 ptmx 人人可以打开",
    "nobody but root may make anything in it": "只有 root 可以在里面新建东西",
    "the program's umask: what it makes is not for everybody to write": "程序的 umask：它新建的文件不是人人可写",
    # main
    "its root is the image that was named": "它的根就是指定的镜像",
    "it is the `run` of this file that starts it: its host name is from there": (
        "启动它的是这个文件里的 `run`：主机名来自这里"
    ),
    "what the program says comes out": "程序的输出如实出现",
    "for each thing that is missing it prints a line, with its cure": "缺的每一样都打印一行，带上补救办法",
    "a layer that is cut off is an error": "不完整的层会报错",
    "and its own lies in `root.scratch`": "它自己的那一层在 `root.scratch` 里",
    "a cure says what to do, not what went wrong": "补救办法说的是该怎么做，而不是出了什么错",
    "and returns {code}": "并返回 {code}",
    "for fewer than three words, or another first one, it returns {code}": "不足三个词，或第一个词不对，就返回 {code}",
    "says on standard error how it is used, with the word `run`, and starts nothing":
        "在标准错误里说明用法（里面有 `run` 这个词），什么也不启动",
    "the digest of the manifest that has that name": "用这个名字的 manifest 的摘要",
    "nor has an image a name there whose parts did not all come": "没有收全的镜像，在那里也没有名字",
    "nor where its parts could not be kept": "各部分存不下来的地方，也没有名字",
    "nor is an image that is not there": "镜像不存在也不算成功",
    "starts nothing": "什么也不启动",
    "where `run` fails, its error is raised, or another code than 0 returned":
        "`run` 失败时，要抛出它的错误，或返回 0 以外的退出码",
    # machine_of
    "a program's machine is the number at byte 18": "程序适用的机器，就是第 18 字节处的数字",
    "in the byte order that byte 5 names": "字节顺序按第 5 字节所写",
    "a script is for no machine": "脚本不属于任何机器",
    "nor is a file that is cut off": "被截断的文件也一样",
    # --- lesson 5: listening in, and the picture of a daemon
    "(curl is not installed here: this is what it would show)": "（这里没有安装 curl：它会显示的就是下面这些）",
    "(no answer)": "（没有应答）",
    "{count} raw bytes followed": "随后是 {count} 个原始字节",
    "the client asks": "客户端请求",
    "the daemon answers": "守护进程应答",
    "{count} bytes": "{count} 字节",
    "… {count} more lines": "……还有 {count} 行",
    "({count} fields that are empty or 0 are left out)": "（省略了 {count} 个空的或为 0 的字段）",
    "{url} is no unix socket: name a daemon on one": "{url} 不是 unix 套接字：请给出监听 unix 套接字的守护进程",
    "A daemon as it runs, and what hangs on it": "运行中的守护进程，以及它所管的一切",
    "daemon: process {pid}, {threads} threads": "守护进程：进程 {pid}，{threads} 个线程",
    "listens at {address}; {count} connections open": "监听 {address}；现有 {count} 个连接",
    "(none is being done)": "（没有正在做的）",
    "finds who answers; {done} jobs are done, the last: {last}": "找到由谁应答；已做完 {done} 个 job，最近的：{last}",
    "clients": "客户端",
    "you": "你",
    "(nobody is asking)": "（没有人在请求）",
    "a monitor each": "各配一个监控进程",
    "layers": "层",
    "address": "地址",
    "monitor → process": "监控进程 → 进程",
    "containers": "容器",
    "(none runs)": "（没有在运行的）",
    "{count} of the image + 1": "镜像的 {count} 层 + 1",
    "the monitors are the daemon's children":
        "监控进程是守护进程的子进程",
    "the monitors are children of process {parent}: they have outlived the daemon that started them":
        "监控进程是进程 {parent} 的子进程：启动它们的守护进程已经不在了",
    "{name}: {layers} layers, address {address}, monitor {monitor}, process {pid}":
        "{name}：{layers} 层，地址 {address}，监控进程 {monitor}，进程 {pid}",
    "A daemon, process {pid}, listens at {doors}.": "守护进程（进程 {pid}）监听 {doors}。",
    "Jobs that are being done: {jobs}.": "正在做的 job：{jobs}。",
    "Containers: {containers}.": "容器：{containers}。",
    # lesson 5: checks
    "a request is answered by the handler of its method and path": "请求由方法和路径都对应的处理函数来应答",
    "what stands in the place of braces comes back, in order": "花括号位置上的值按顺序返回",
    "a version in front of the path is cut off, and only there": "路径开头的版本号被去掉，而且只去掉开头的",
    "the whole path has to fit, not a part of it": "整个路径都要符合，不能只是一部分",
    "the method has to fit, too": "方法也要符合",
    "of two that fit the first one counts": "两条都符合时，第一条算数",
    "where none fits it returns (None, [])": "都不符合时返回 (None, [])",
    "the status of {request}": "{request} 的状态码",
    "the text of the answer": "应答的正文",
    "the header {name}, whatever the method": "不管什么方法，首部 {name}",
    "the status for a container that there is not": "容器不存在时的状态码",
    "no answer": "没有应答",
    "the status of the answer": "应答的状态码",
    "it has an Id of 64 hexadecimal digits": "带有 Id，64 位十六进制数",
    "each container has an id of its own": "每个容器都有自己的 id",
    "and Warnings, an empty list": "还有 Warnings，空列表",
    "nothing runs yet": "还没有东西在运行",
    "the status when it is started by the name that was asked for": "按请求里的名字启动时的状态码",
    "`daemon.containers` holds each by its id, with its image and its words":
        "`daemon.containers` 以 id 为键存着每个容器，镜像和程序的各个词都对",
    "the answer comes at once, while the container runs": "容器还在运行，应答立刻就到",
    "what runs is `daemon.runtime`, `run`, the image, and the program's words":
        "运行的是 `daemon.runtime`、`run`、镜像，以及程序的各个词",
    "once, and no other container": "只启动一次，也没有启动别的容器",
    "and it ends with the container": "容器结束，它也结束",
    "as the daemon knows them, the one has ended, the other is not started": "守护进程知道：一个已结束，另一个还没启动",
    "the head of the answer comes at once, before the container is started": "应答的首部立刻就到，容器还没有启动",
    "the code that is told of the first container": "第一个容器的退出码",
    "the code that is told of another one, which ran already": "另一个已在运行的容器的退出码",
    "the code that is told of one that has ended long ago": "早已结束的容器的退出码",
    "what is listed before there is any": "一个容器都没有时列出的内容",
    "without `all` only what runs is listed": "没有 `all` 时只列出在运行的",
    "with `all={value}`, how many": "`all={value}` 时列出的个数",
    "Created is a whole number, the seconds since 1970": "Created 是整数，1970 年以来的秒数",
    "containers that are there afterwards, as before": "之后容器的个数，与之前一样",
    "the status for one that runs": "容器正在运行时的状态码",
    "with a message that says why": "带有说明原因的 message",
    "and it runs on": "而且它继续运行",
    "the status for one that was never started": "从未启动的容器，状态码",
    "the status for one that has ended": "已经结束的容器，状态码",
    "the status for one that runs, with `force={value}`": "正在运行、用 `force={value}` 删除时的状态码",
    "its process has been killed": "它的进程已被杀死",
    "none of them is listed any more": "列表里一个也不剩",
    "containers that the daemon knows afterwards": "之后守护进程所知的容器个数",
    # --- lesson 6
    "where no program is asked for, it is the image's command": "没有指定程序时，就是镜像自己的命令",
    "what is asked for takes the command's place": "指定的程序代替镜像的命令",
    "an entry point stands in front of the command": "入口放在命令前面",
    "and in front of what is asked for": "也放在指定的程序前面",
    "alone, if there is nothing else": "没有别的，就只有它",
    "null is as good as a field that is not there": "null 和没有这个字段一样",
    "of an image that says nothing, only what is asked for": "镜像什么都没说，就只有指定的程序",
    "for an image that is not there ImageNotFound is raised": "镜像不存在时抛出 ImageNotFound",
    "it returns three texts": "返回三个字符串",
    "the registry": "注册服务器",
    "the repository": "仓库",
    "the tag": "标签",
    "for an image that is not here: 404": "镜像不在本地：404",
    "the message, in JSON: `No such image: ` and the name": "JSON 消息：`No such image: ` 加上镜像名",
    "the daemon pulls nothing by itself": "守护进程自己不去拉取",
    "for one that is here: 201": "镜像在本地：201",
    "once the image has come, it is": "镜像取来以后就可以了",
    "its id leads to it": "用它的 id 能找到它",
    "and runs the image's own program": "运行的是镜像自己的程序",
    "`daemon.containers` holds these two, each with its image and what it runs":
        "`daemon.containers` 里正是这两个容器，镜像和要运行的程序都对",
    "and no line tells of an error": "没有哪一行报错",
    "that says what went wrong, and not where in your file": "说的是出了什么错，而不是你的文件里哪一行",
    "an image that the registry has not is an error, too": "注册服务器没有的镜像，也是错误",
    "and none of both has a name in the store": "这两个在存储里都没有名字",
    "the container has the name that was asked for": "容器用的是要求的名字",
    "the answer begins before the pull: the Reply is returned first, and its generator pulls":
        "应答要在拉取之前开始：先返回 Reply，在它的生成器里拉取",
    "with status 200, and a line of JSON": "状态码 200，还有一行 JSON",
    "each line is a JSON object with a text, `status`": "每一行都是一个 JSON 对象，里面有文本 `status`",
    "success is told of what has come, and only then": "取到了才说成功",
    "one that is damaged is an error, and not missing: no pull is wanted": "损坏的镜像是错误，不是不存在：不该再去拉取",
    "the image is in the store, whole and under its name": "镜像在存储里，完整，名字正确",
    "what fails later is a line with `error` and `errorDetail`": "后来才出的错，是带有 `error` 和 `errorDetail` 的一行",
    "the error is the last line": "错误是最后一行",
    "the connection is taken over at once": "连接立刻被接管",
    "each piece has a head: its stream, and its length": "每一段都有头：哪个流，多长",
    "what it says comes while it runs": "它说的话，在运行时就送到",
    # --- what pictures are in words, and what stands below them
    "The ten lessons in a line: {line}. You are in lesson {stage}.":
        "十课排成一行：{line}。现在是第 {stage} 课。",
    "Done: {done}.": "已完成：{done}。",
    "{repository}: {tags} leads to image {image} with the layers {layers}.":
        "{repository}：{tags} 指向镜像 {image}，它的层是 {layers}。",
    "Seen from above: {files}.": "从上往下看到：{files}。",
    "{layer} holds {files}.": "{layer} 里有 {files}。",
    " and {count} more": "，另有 {count} 个",
    "{name}: {count} mounts; only there: {points}.": "{name}：{count} 个挂载；只在这边的：{points}。",
    "{name}, outside {number}, inside {other}": "{name}，外面 {number} 号，里面 {other} 号",
    "{name}, outside {number}, not to be seen inside": "{name}，外面 {number} 号，里面看不到",
    "Processes, each below its parent: {names}.": "进程，从父到子：{names}。",
    "Namespaces {kinds}: {ways}.": "命名空间 {kinds}：{ways}。",
    "shared by {names}": "{names} 共用",
    " and ": " 和 ",
    "{name} has the machine's": "{name} 用的是本机的",
    "{name} has its own": "{name} 有自己的",
    "the machine's": "本机的",
    "Filled: one namespace for several, and its inode number. White: no other process in this picture is in it.":
        "实心框：几个进程共用一个命名空间，数字是它的 inode 号。白框：图中没有其他进程共用。",
    "Of {count} ops these took longest: {names} of the whole time.":
        "{count} 个操作中，用时最多的是：{names}（占总时间的比例）。",
    "The quickest container here: {container}. The quickest virtual machine: {machine}, {n:,.0f} times as long.":
        "这里最快的容器：{container}。最快的虚拟机：{machine}，是前者的 {n:,.0f} 倍。",
    "One idle virtual machine takes as much as {n:,.0f} idle containers.":
        "一台空闲的虚拟机占的内存，等于 {n:,.0f} 个空闲的容器。",
    "Into the memory that is free here would go, by division: {counts}.":
        "按除法算，这台机器的空闲内存里能放下：{counts}。",
    "In the container these took longer: {names}.": "在容器里用时更长的：{names}。",
    "Inside and outside cannot be told apart by these samples: {names}.":
        "凭这些样本分不出里外的：{names}。",
    "These were faster inside than outside: {names}. No container makes them so: the processes ran on other processors, or "
    "the machine was busy.":
        "里面反而比外面快的：{names}。这不是容器的功劳：进程换了处理器，或者机器正忙着别的事。",
    "The samples of these lie far apart, the slowest so many times the fastest: {names}. Something else "
    "kept the machine busy, or a first start had to read its files: measure again before you believe their medians.":
        "下面这些样本相差很大（括号里是最慢与最快之比）：{names}。机器当时在忙别的，或者第一次启动要先读文件：先重测一次，再相信它们的中位数。",
    "A container's rows are ops of its plan, short ones together, their number in brackets.":
        "容器的各行是计划里的操作，短的合在一起，括号里是个数。",
    "{subject} took {time}: {parts}.": "{subject}用时 {time}：{parts}。",
    "the program alone, without a container: what all others are compared with":
        "不用容器，只有程序本身：其他各项都和它比",
    "a Python that is running already calls labcore, as this notebook does":
        "由已经在运行的 Python 调用 labcore，和本笔记本一样",
    "`run` of your `my_runtime.py`, timed to the end of its program":
        "你的 `my_runtime.py` 里的 `run`，计时到程序结束",
    "the same by a command, for which Python itself has to start first":
        "同样的事，用命令来做：Python 自己要先启动",
    "an OCI runtime in C, as a command; podman uses it": "用 C 写的 OCI 运行时，以命令方式启动；podman 用的就是它",
    "the command, with all that it does around its runtime: storage, network, records":
        "整条命令，包括运行时以外的工作：存储、网络、记录",
    "the command; it asks a daemon, which asks containerd, which starts runc":
        "整条命令：它请求守护进程，守护进程请求 containerd，再由后者启动 runc",
    "qemu's smallest machine: hardly any devices, and busybox as its system":
        "qemu 最小的机器：几乎没有设备，系统只有 busybox",
    "qemu's ordinary PC, with firmware, buses and disks to look for; the same busybox":
        "qemu 的普通 PC：有固件，要查找总线和磁盘；系统同样是 busybox",
    "qemu's ordinary machine for this processor; the same busybox":
        "qemu 为这种处理器准备的普通机器；系统同样是 busybox",
    "qemu called without labcore: the difference is what labcore adds":
        "不经过 labcore，直接调用 qemu：差值就是 labcore 增加的开销",
    "the command, for which Python itself has to start first": "整条命令：Python 自己要先启动",
    "a whole Debian with systemd, as servers have it": "带 systemd 的完整 Debian，和服务器上的一样",
    "adds numbers, and never calls the kernel": "只做加法，从不调用内核",
    "the smallest system call, over and over: what a filter costs is seen here":
        "反复做最小的系统调用：过滤器的代价在这里看得最清楚",
    "asks for the size and the date of a file: through all layers of the container's root":
        "询问一个文件的大小和日期：要穿过容器根文件系统的各层",
    "in memory, on the container's topmost layer": "在内存里，容器最上面的一层",
    "two processes wake one another up in turn; on which processors they run matters more than all else":
        "两个进程轮流唤醒对方；它们在哪个处理器上运行，比什么都要紧",
    "the parent waits for its child to end": "父进程等待子进程结束",
    "the emulator starts and makes memory, processor and devices": "模拟器启动，造出内存、处理器和设备",
    "the machine's own first program finds the kernel": "机器自带的第一个程序，由它找到内核",
    "the kernel unpacks itself": "内核给自己解压",
    "it takes stock of the memory": "清点内存",
    "it starts the processors and their clocks": "启动各个处理器和时钟",
    "it looks for devices": "查找设备",
    "it unpacks its first root file system, in memory": "在内存里解包第一个根文件系统",
    "each driver looks for what it drives": "每个驱动程序寻找自己的设备",
    "number 1 starts and says its first word": "1 号进程启动，输出第一个字",
    "the system's services start": "系统的各项服务启动",
    "{median} (from {least} to {most})": "{median}（从 {least} 到 {most}）",
    "all that comes before the first word of the kernel": "内核输出第一个字之前的一切",
    "from the first word of the kernel to that of its first process": "从内核的第一个字到第一个进程的第一个字",
    "a first, small system finds and mounts the disk": "先由一个小系统找到并挂载磁盘",
    # --- lesson 7
    "the connection is taken over": "连接被接管",
    "The life of {name}": "{name} 的一生",
    "filled: where it is        pale: where it has been        blue arrows: the way that it went":
        "深色：现在的状态        浅色：经历过的状态        蓝箭头：走过的路",
    "(gone)": "（已删除）",
    "its program ends": "程序结束",
    "a restart policy": "重启策略",
    "from {state} by {verbs} to {next}": "{state} 经 {verbs} 到 {next}",
    "Not drawn: {ways}.": "没有画出来的：{ways}。",
    "A container goes {ways}.": "容器的状态变化：{ways}。",
    "{name} went this way: {states}.": "{name} 走过的路：{states}。",
    "Commands that were run": "运行过的命令",
    "command": "命令",
    "what it asks of the daemon": "它向守护进程请求什么",
    "what happens there": "那里发生什么",
    "(nothing is asked)": "（没有请求）",
    "for a container that there is not, the status of the answer is": "容器不存在时，应答的状态码是",
    "for a container that does not run, the status of the answer is": "容器没有运行时，应答的状态码是",
    "and a message says so": "并且有一条消息说明",
    "the program that was asked for runs, process 1 of its PID namespace":
        "所要的程序在运行，是自己 PID 命名空间里的 1 号进程",
    "it is in a cgroup of its own, named by the first 12 digits of its id":
        "它在自己的 cgroup 里，名字是 id 的前 12 位",
    "and so are all processes that it has started": "它启动的进程也都在里面",
    "it was started by `daemon.runtime`, with `run`, the image and the program behind it":
        "它是用 `daemon.runtime` 启动的，后面跟着 `run`、镜像和程序",
    "the daemon itself is not in that cgroup: it could not thaw it":
        "守护进程自己不在那个 cgroup 里：否则就没有谁来解冻了",
    "all processes of the container are frozen, by their cgroup": "容器的所有进程都由 cgroup 冻结了",
    "none of them by a signal, which it could notice": "没有用信号暂停：信号是察觉得到的",
    "another container goes on": "另一个容器照常运行",
    "the processes of the container go on": "容器的进程继续运行",
    "and are all still there": "而且一个不少",
    "another container that was paused stays so": "另一个暂停着的容器仍然暂停",
    "it answers with an id, another one each time": "应答里有 id，每次都不同",
    "nothing is started yet": "什么也没有启动",
    "`exec_start` finds the program under that id, and the container":
        "`exec_start` 凭这个 id 找得到程序和容器",
    "what the program puts out is sent as it comes, and not at its end": "程序的输出随到随发，不是等它结束才发",
    "the program that was noted runs": "记下的程序在运行",
    "the program's exit code, as `exec_inspect` finds it": '`exec_inspect` 看到的程序退出码',
    "{kind}: the container's namespace": '{kind}：就是容器的命名空间',
    "its root is the container's": '它的根就是容器的根',
    "it is not process 1 in there, but a further one": "它在里面不是 1 号进程，而是另外一个",
    "it is in the container's cgroup: a pause holds it, too": '它在容器的 cgroup 里：暂停时也会被冻结',
    "it comes in frames, each behind a head of 8 bytes": "输出是一帧一帧的，每帧前面有 8 字节的头",
    "standard output in frames of stream 1": "标准输出在 1 号流的帧里",
    "standard error in frames of stream 2": "标准错误在 2 号流的帧里",
    "while it runs": "运行期间",
    "after its end": "结束之后",
    "before its start": "启动之前",
    "for a program that there is not, the status of the answer is": "程序不存在时，应答的状态码是",
    "Pid is the number of its first process, as the daemon sees it": "Pid 是第一个进程的编号，以守护进程看到的为准",
    "networks: {error}: sudo modprobe -a bridge veth": "网络：{error}：sudo modprobe -a bridge veth",
    "the container has no address: it has ended, or its network is not connected":
        "容器没有地址：它已经结束，或者网络没有接上",
    "there is no link {name} in the network of process {pid}; there are: {names}":
        "进程 {pid} 的网络里没有接口 {name}；现有：{names}",
    "the lab's host": '实验室的宿主机',
    "no container is connected to a bridge there": "那里没有容器接在网桥上",
    "type": "类型",
    "name": "名字",
    "there is a bridge {name} in the host's network": '宿主机的网络里有网桥 {name}',
    "the addresses of {name}": "{name} 的地址",
    "{name} is up": "{name} 已启用",
    "nothing was added to the machine's own network": '没有给机器自己的网络添任何东西',
    "{name} is in the container's network, one end of a veth pair": '容器的网络里有 {name}，是 veth 对的一端',
    "{name} of the container is up": "容器的 {name} 已启用",
    "it has one address, of the network {subnet}": "它有一个地址，属于网络 {subnet}",
    "gateway of its default route": "默认路由的网关",
    "the other end is a port of {bridge}, in the host's network": '另一端在宿主机的网络里，插在 {bridge} 上',
    "and it is up": "而且已启用",
    "no end is left over": "没有多余的线头",
    "what its program says to a connection from the host": "从宿主机连过去，程序说的是",
    "its address is nobody else's on the bridge": '它的地址与网桥上其他容器的不同',
    "somebody listens at the port of the machine": "机器的这个端口有人监听",
    "what the kernel refuses is an error, not passed over in silence": "内核拒绝了就是错误，不能悄悄放过",
    "at {address} only: who is not on this machine does not reach it": "只在 {address} 上：不在本机的人够不到它",
    "a connection that nobody in the container answers is closed": "容器里没有人应答的连接会被关闭",
    "bytes that come through to its program, which answers at their end": "送到程序那里的字节数（程序收完才回答）",
    "while one connection says nothing, another is served: bytes that come through":
        "一个连接不出声时，另一个照样有人服务：送到的字节数",
    "a port of the machine that is in use is an error": "机器的端口已被占用，就是错误",
    "when the container has ended, nobody listens at the port any more": "容器结束以后，这个端口不再有人监听",
    "where the machine's port is left open, the status of the answer is": "没有指定机器端口时，应答的状态码是",
    "without ports, the status of the answer is": "没有端口时，应答的状态码是",
    "before its start, nobody listens at its ports": "启动之前，它的端口没有人监听",
    "the status of the answer to its start, by its name": "按名字启动它，应答的状态码",
    "what is heard at port {port} of the machine": "在机器的 {port} 端口听到的是",
    # fault labs
    "mended": "修好了",
    "not mended yet": "还没有修好",
    "lesson {number} has no faults; these have: {numbers}": "第 {number} 课没有故障；有故障的是：{numbers}",
    "what is looked for is there": "要检查的东西都在",
    "there is a container {name}": "有一个名为 {name} 的容器",
    "the state of {name}": "{name} 的状态",
    "its process is the first in a PID namespace of its own": "它的进程是自己 PID 命名空间里的第一个",
    "`{line}` does not succeed here: {why}": "`{line}` 在这里没有成功：{why}",
    "somebody listens at the socket": "有进程在监听这个套接字",
    "the process that listens there": "在那里监听的进程",
    "it speaks the API: {version}": "它使用 API：{version}",
    "user {user}, of group {group}, is answered": "{group} 组的用户 {user} 得到了应答",
    "a user who is not of that group is refused: whoever may ask this daemon is root":
        "不属于这个组的用户被拒绝：谁能向守护进程发请求，谁就是 root",
    "{name} is the same process as before: it has run all the time": "{name} 还是原来的进程：它一直在运行",
    "the image of {name}": "{name} 的镜像",
    "its log says {text}": "它的日志里有 {text}",
    "{variable} in its environment": "它环境里的 {variable}",
    "the volume at {path}": "{path} 处的卷",
    "{path} as the container sees it": "容器看到的 {path}",
    "the page at 127.0.0.1:{port}": "127.0.0.1:{port} 上的页面",
    "{name} asks for {other} by that name, and {other} answers": "{name} 用名字呼叫 {other}，{other} 应答了",
    "the kernel gives it the processor again": "内核又让它使用处理器了",
    "it still has a limit, of at most {n} MB": "它仍有上限，不超过 {n} MB",
    "what it holds in memory": "它放在内存里的数据",
}  # fmt: skip
