"""Messages of lesson 4: its tools and checks."""

CHINESE = {
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
        "从旧根绑定过来的设备在：`devices` 的操作要趁旧根还在时做",
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
}  # fmt: skip
