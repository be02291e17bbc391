"""What lesson 4's toolkit and checks say, in Chinese, by its English."""

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
    "where the tray lies on an overlay, which can be no upper layer, the overlay is missing": (
        "tray 放在 overlay 上（不能当上层）时，报告缺 overlay"
    ),
    "where no cgroups are mounted, they are missing": "没有挂载 cgroup 时，报告缺 cgroups",
    "where no {kind} namespaces may be made, “{name}” is missing": "不允许创建 {kind} 命名空间时，报告缺“{name}”",
    # devices
    "/dev is a tmpfs of its own": "/dev 是单独的 tmpfs",
    "each device of the spec is there, with its numbers": "spec 里的每个设备都在，编号正确",
    "and no other: not the machine's disks": "没有多余的设备：机器的磁盘不在里面",
    "everybody may read and write each: no umask has taken that away": "每个设备人人可读可写：没有被 umask 去掉权限",
    "/dev/pts is a devpts": "/dev/pts 是 devpts",
    "/dev/ptmx leads to the one in there": "/dev/ptmx 指向其中的 ptmx",
    "what the program makes is not for everybody to write: its umask is 022": "程序新建的文件不是人人可写：umask 是 022",
    # main
    "its root is the image that was named": "它的根就是指定的镜像",
    "it is the `run` of this file that starts it: its host name is from there": (
        "启动它的是这个文件里的 `run`：主机名来自这里"
    ),
    "what the program says comes out": "程序的输出如实出现",
    "where the cgroups are missing, it says so": "缺 cgroup 时会说出来",
    "starts nothing": "什么也不启动",
    "and ends with another code than 0": "退出码不是 0",
    "without a word on its command line it fails, without a traceback": "命令行上什么也没写时，报错退出，但不抛出 traceback",
    # machine_of
    "a program's machine is the number at byte 18": "程序适用的机器，就是第 18 字节处的数字",
    "in the byte order that byte 5 names": "字节顺序按第 5 字节所写",
    "a script is for no machine": "脚本不属于任何机器",
    "nor is a file that is cut off": "被截断的文件也一样",
}
