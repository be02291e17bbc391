"""Messages of pictures, and what stands below them."""

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
    # in words
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
    ", the {count} longest of {all} ops": "，{all} 个操作中最长的 {count} 个",
    "Of {count} ops these took longest: {names} of the whole time.":
        "{count} 个操作中，用时最多的是：{names}（占总时间的比例）。",
}  # fmt: skip
