"""The pictures' texts in Chinese, by their English ones."""

CHINESE = {
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
    "microseconds after clone was called": "调用 clone 之后的微秒数",
    "process": "进程",
    "names": "名称",
    "mounts": "挂载",
    "files": "文件",
    "protection": "保护",
    "other": "其他",
    # who shares which namespace
    "Who shares which namespace": "谁与谁共享哪个命名空间",
    "process {pid}": "进程 {pid}",
    "shared": "共享",
    "own": "独有",
    "One filled box: one namespace, and its inode number. A white box: a namespace that no other process here is in.": (
        "同一个实心框：同一个命名空间及其 inode 号。白框：这里没有其他进程使用的命名空间。"
    ),
    "process numbers": "进程号",
    "host name": "主机名",
    "shared memory, queues": "共享内存、消息队列",
    "network": "网络",
    "root of the cgroups": "cgroup 的根",
    "users, privileges": "用户与特权",
    "clocks": "时钟",
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
}
