"""What the lab says, in Chinese, by its English; what pictures say, and later checks, stands in modules of its own."""

from labcore.lab.check_words import CHINESE as CHECKS
from labcore.lab.install_words import CHINESE as INSTALLING
from labcore.lab.picture_words import CHINESE as PICTURES

CHINESE = {
    **PICTURES,
    **CHECKS,
    **INSTALLING,
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
    "To have one: `sudo labcore vm setup` (27 MB, once). The lesson goes on without.":
        "想要一台：`sudo labcore vm setup`（27 MB，只需一次）。没有它，课程也能继续。",
    "{done} of {total}: {what}": "第 {done} 项，共 {total} 项：{what}",
    "measured on {machine}": "测量环境：{machine}",
    # copies
    "no lesson at {path}: run this where labcore's source is, with its notebooks beside it":
        "{path} 处没有课程：请在 labcore 的源码目录里运行，notebooks 就在旁边",
    # checks
    "the check came to its end": "检查正常跑完",
    "{file} cannot be read: run the step's cell again.": "{file} 无法解析：请把这一步的单元格再运行一遍。",
    "Fill in the cell above, run it, and run this check again.": "请先填好上面的单元格并运行，再回来运行这个检查。",
    "it is process 1 of its own PID namespace": "它是自己 PID 命名空间里的 1 号进程",
    "the machine that starts it keeps its own name": "启动它的机器，名字没有变",
    "its host name is {name}": "它的主机名是 {name}",
    "its root is the directory that was named": "它的根就是指定的那个目录",
    "nothing of the old root is left in it": "旧根一点不剩",
    "/proc is mounted, a proc file system": "/proc 已挂载，是 proc 文件系统",
    "its mounts are private": "它的挂载是私有的",
    "the exit code of the program came back": "程序的退出码如实返回",
    "it was {found}, not {wanted}": "得到 {found}，应为 {wanted}",
    "it is {found}": "实际是 {found}",
    "the number is the one that the process has out here": "返回的正是该进程在外面的编号",
    "/ is mounted read-only": "/ 以只读方式挂载",
    "/tmp is a tmpfs that can be written": "/tmp 是可写的 tmpfs",
    "the program could not write to /": "程序无法写入 /",
    "the program could write to /tmp": "程序可以写入 /tmp",
    "{kind}: a namespace of its own": "{kind}：有自己的命名空间",
    "{kind}: the starter's, for the spec does not ask for one": "{kind}：沿用启动者的，因为 spec 没有要求新的",
    "the check did not begin within {n} seconds: this machine has too much to do": "检查在 {n} 秒内没能开始：这台机器太忙了",
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
    "{name} returned {what}: a stage returns a list of ops, in brackets":
        "{name} 返回了 {what}：阶段应当返回操作的列表，写在方括号里",
    "This function is not the one that is saved: put @lab.step above it, and run its cell again.":
        "这个函数不是已保存的那一个：请在它上面加上 @lab.step，再运行一遍它的单元格。",
    "there is no lesson {number} yet; there is: {numbers}": "还没有第 {number} 课；现有：{numbers}",
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
    "unshare(CloneFlag.NEWNS) and make them private: mount(None, '/', flags=MountFlag.REC | MountFlag.PRIVATE).":
        "这里的挂载与别的挂载命名空间共享，换根会牵连到它们。先 unshare(CloneFlag.NEWNS)，再把挂载设为私有："
        "mount(None, '/', flags=MountFlag.REC | MountFlag.PRIVATE)。",
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
    "{name}: what you wrote in lesson {n} does this too, and stays in use.":
        "{name}：你在第 {n} 课写的版本也能做到这些，继续使用它。",
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
    # the widget
    "ended with exit code {code}": "已结束，退出码 {code}",
    "start": "启动",
}  # fmt: skip
