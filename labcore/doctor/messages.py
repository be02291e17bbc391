"""Message catalogue of the doctor: Chinese translations of its English texts."""

CHINESE = {
    # Kernel.
    "clone3, pidfds and close_range, which every start uses": "每次启动容器都要用到的 clone3、pidfd 和 close_range",
    "{release}, has {affects}": "{release}，具备{affects}",
    "Linux 5.12 or newer": "需要 Linux 5.12 或更新的内核",
    "nothing by itself: what follows was tried": "本身没有影响：后面各项都是实际试出来的",
    "this kernel keeps its configuration to itself": "这个内核没有公开它的编译配置",
    "without {names}": "缺少 {names}",
    "all {count} that containers use are switched on": "容器用到的 {count} 个选项全部启用",
    "a root file system of one's own": "独立的根文件系统",
    "being process 1": "在容器里成为 1 号进程",
    "a host name of one's own": "独立的主机名",
    "message queues and shared memory of one's own": "独立的消息队列和共享内存",
    "interfaces and ports of one's own": "独立的网络接口和端口",
    "a cgroup tree of one's own": "独立的 cgroup 树",
    "clocks of one's own (lesson 2 shows them)": "独立的时钟（第 2 课会演示）",
    "containers without root": "不需要 root 的容器",
    "made one": "已成功创建一个",
    "user namespaces of ordinary users (rootless containers)": "普通用户使用用户命名空间（rootless 容器）",
    "an ordinary user made a user namespace": "普通用户成功创建了用户命名空间",
    "whether a mount made in a container would appear on the host: every plan makes its own tree private first": (
        "容器里的挂载会不会传播到宿主机：每个 plan 都会先把自己的挂载树设为 private"
    ),
    "/ is no mount point: this is a chroot, which pivot_root and user namespaces refuse": (
        "/ 不是挂载点：当前处于 chroot 中，pivot_root 和用户命名空间在这里都会被内核拒绝"
    ),
    "enter this system by pivot_root, systemd-nspawn or unshare, not by chroot": (
        "不要用 chroot 进入这个系统，改用 pivot_root、systemd-nspawn 或 unshare"
    ),
    "shared, as systemd makes it": "挂载传播类型为 shared（systemd 的默认设置）",
    "private": "挂载传播类型为 private",
    "turning into a new root": "切换到新的根文件系统",
    "turned one": "已成功切换一次",
    "images made of layers": "由多个层叠成的镜像",
    "mounted one": "已成功挂载一个",
    "limits on memory, processes and CPU": "对内存、进程数和 CPU 的限制",
    "mounted nowhere": "没有挂载在任何地方",
    "hybrid (v1 with a v2 tree beside it)": "混合模式（v1，旁边另有一棵 v2 树）",
    "{version}: {controllers}": "{version}，控制器：{controllers}",
    "{detail}; making one: {error}": "{detail}；新建 cgroup 失败：{error}",
    "run as root": "以 root 身份运行",
    "{detail}; made one": "{detail}；已成功创建一个",
    "filtering system calls": "过滤系统调用",
    "loaded a filter": "已成功加载一个过滤器",
    "what root may do here": "root 在这里能做什么",
    "this root is itself confined: run outside of that container": "这个 root 本身也受限制：请到它所在的容器外面运行",
    "all but {names}": "除 {names} 外都有",
    "limits can be lowered, not raised": "各种限制只能调低，不能调高",
    "all": "全部具备",
    # Machine.
    "which images run": "能运行哪些镜像",
    "labcore run, ps and the other commands that docker has": "labcore run、ps 以及 docker 也有的其他命令",
    "none runs: the first command that needs one starts it": "没有在运行：第一个需要它的命令会启动它",
    "{version} answers at {host}: {running} of {count} containers run": (
        "{version} 在 {host} 应答：{count} 个容器中有 {running} 个在运行"
    ),
    "unset DOCKER_HOST, or start it there": "取消 DOCKER_HOST，或者在那里启动守护进程",
    "{machine} is not known to labcore": "labcore 不认识 {machine} 架构",
    "x86_64 or aarch64": "需要 x86_64 或 aarch64 的机器",
    "further rules that a container may run into": "容器可能碰到的其他安全规则",
    " and ": " 和 ",
    "neither AppArmor nor SELinux is active": "AppArmor 和 SELinux 都没有启用",
    "containers that talk to other machines": "容器与其他机器通信",
    "on": "已打开",
    "off": "未打开",
    "off: the first network that needs it switches it on": "未打开：第一个需要它的网络会自动打开",
    "containers behind a bridge: others' rules for what is forwarded stop their traffic": (
        "接在网桥上的容器：其他程序的转发规则会拦下它们的流量"
    ),
    "dockerd drops, and lets our bridges through in its chain DOCKER-USER": (
        "dockerd 默认丢弃转发的流量，但在它的 DOCKER-USER 链里放行了我们的网桥"
    ),
    "{who} drops or rejects what is forwarded": "{who} 丢弃或拒绝转发的流量",
    "containers of one network: rules for what is routed are asked about what a bridge carries, too": (
        "同一网络里的容器：网桥转发的流量也要经过路由用的规则"
    ),
    "on: labcore's rules let a network's own traffic through; others' FORWARD rules apply to it as well": (
        "已打开：labcore 的规则放行同一网络内的流量；其他程序的 FORWARD 规则同样会作用于它"
    ),
    "only root can read it": "只有 root 才能读取",
    "neither nft nor iptables is installed to read it": "没有安装 nft 或 iptables，无法读取",
    "no rules, so everything is forwarded": "没有任何规则，所以全部转发",
    "{program} is not installed": "没有安装 {program}",
    "it failed": "执行失败",
    "see dmesg": "查看 dmesg",
    "networks: published ports, and what keeps networks apart": "网络：对外发布的端口，以及网络之间的隔离",
    "networks: without their rules they are not kept apart, and published ports show the proxy as their client": (
        "网络：没有这些规则，网络之间就没有隔离，从发布的端口只能看到代理的地址"
    ),
    "no network's bridge is there yet": "还没有任何网络的网桥",
    "those of {bridges} are there": "{bridges} 的规则都在",
    "somebody has flushed them (nft flush ruleset)": "规则被清空了（nft flush ruleset）",
    "{repair}; the next start does the same": "{repair}；下一次启动容器时也会自动补上",
    "networks of an ordinary user's containers": "普通用户的容器网络",
    "neither pasta nor slirp4netns is installed": "没有安装 pasta 或 slirp4netns",
    "{path} is not there, or closed to you": "{path} 不存在，或当前用户无权打开",
    "by {programs}": "由 {programs} 提供",
    "made a table in a new network namespace": "在新的网络命名空间里成功建了一张表",
    "networks of several containers": "多个容器组成的网络",
    "made one in a new network namespace": "在新的网络命名空间里成功建了一个",
    "where images and layers lie": "镜像和层的存放位置",
    "how fast containers start, and how much room they take": "容器启动的快慢和占用的空间",
    "no image has been unpacked yet": "还没有解开过任何镜像",
    "run a container first": "先运行一个容器",
    "stacked by overlayfs where the store lies": "在存放位置由 overlayfs 叠加",
    "copied for each container: no overlay can be mounted where the store lies, or LABCORE_STORAGE says so": (
        "每个容器都复制一份：存放位置不能挂载 overlay，或者 LABCORE_STORAGE 要求这样"
    ),
    "{root} on {kind}, {free:.1f} GiB free": "{root} 位于 {kind} 文件系统，剩余 {free:.1f} GiB",
    "{detail}, not writable by you": "{detail}，当前用户没有写权限",
    "run as root, or set LABCORE_ROOT": "以 root 身份运行，或设置 LABCORE_ROOT",
    "{detail}, without extended attributes ({error})": "{detail}，不支持扩展属性（{error}）",
    "set LABCORE_ROOT to a place on ext4, xfs or btrfs": "把 LABCORE_ROOT 设到 ext4、xfs 或 btrfs 上的目录",
    "free some space, or set LABCORE_ROOT to another disk": "腾出一些空间，或把 LABCORE_ROOT 设到别的磁盘上",
    "Chinese labels in plots (without one they are boxes)": "图表里的中文标签（没有中文字体就会显示成方框）",
    "none below /usr/share/fonts": "/usr/share/fonts 下没有中文字体",
    "no font covers Chinese": "没有支持中文的字体",
    # Virtual machines.
    "how fast a virtual machine is in the comparison; without it, it is emulated": (
        "对比实验中虚拟机的速度；没有 KVM 就只能用软件模拟"
    ),
    "/dev/kvm may not be opened by you": "当前用户无权打开 /dev/kvm",
    "there is no /dev/kvm": "没有 /dev/kvm",
    "switch on (nested) virtualization for this machine": "为这台机器打开（嵌套）虚拟化",
    "/dev/kvm is there, but no qemu to run a guest with": "有 /dev/kvm，但没有可以运行虚拟机的 qemu",
    "/dev/kvm is there, but a guest of three instructions {failed}": "有 /dev/kvm，但只含三条指令的虚拟机{failed}",
    "a guest of three instructions ran ({small:.1f} s); no kernel in /boot to try a whole one with": (
        "只含三条指令的虚拟机运行成功（{small:.1f} 秒）；/boot 里没有可读的内核，无法试运行完整的虚拟机"
    ),
    "a guest of three instructions ran, but this kernel as a guest {failed}": (
        "只含三条指令的虚拟机运行成功，但用本机内核启动的虚拟机{failed}"
    ),
    "this kernel ran as a guest, to its end in {whole:.1f} s": "本机内核在虚拟机里完整运行了一遍，用时 {whole:.1f} 秒",
    "did not come to its end within {seconds:.0f} s": "没能在 {seconds:.0f} 秒内结束",
    "qemu gave no reason": "qemu 没有说明原因",
    "failed: {reason}": "运行失败：{reason}",
    "virtual machines to compare containers with": "用来与容器对比的虚拟机",
    "no kernel to run as a guest was fetched yet": "还没有取来可以在虚拟机里运行的内核",
}
