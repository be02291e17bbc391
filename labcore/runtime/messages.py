"""Causes and cures of failures, in Chinese: the keys are the English texts in explain*.py and rootfs_lookup.py."""

CHINESE = {
    "a process still has its root or its working directory there, or a file open": (
        "还有进程以那里为根目录或工作目录，或者打开着那里的文件"
    ),
    "Unmount(path, UnmountFlag.DETACH) takes it away now, and the kernel finishes when the last user has left": (
        "Unmount(path, UnmountFlag.DETACH) 现在就分离它，等最后一个使用者离开后由内核收尾"
    ),
    "loading a filter takes CAP_SYS_ADMIN, which this process has given up, or NoNewPrivileges": (
        "装过滤器要有 CAP_SYS_ADMIN，而这个进程已经放弃了它；要么就得先有 NoNewPrivileges"
    ),
    "put it before SetCapabilities, or NoNewPrivileges() before it: seccomp(2)": (
        "把它放到 SetCapabilities 之前，或者在它之前加上 NoNewPrivileges()：见 seccomp(2)"
    ),
    "lowerdir is a list as Python prints it": "lowerdir 里是 Python 打印出来的列表",
    "join its names by colons: ':'.join(…)": "用冒号把各个名字连起来：':'.join(…)",
    "{path} is in the old root: the new one has not been turned to yet": "{path} 在旧根里：这时还没有换到新根",
    "leave out the first slash: the working directory is the new root": "去掉开头的斜杠：当前目录就是新根",
    "{path} does not exist: the process has ended, or its files are called otherwise": (
        "{path} 不存在：进程已经结束，或者文件不叫这个名字"
    ),
    "look which process it is; the files in /proc/PID/ns are: {names}": "看看是哪个进程；/proc/PID/ns 里的文件有：{names}",
    "{error}, says {call}; see man 2 {call}": "{call} 报错：{error}；详见 man 2 {call}",
    "the process ended before it had come to its program": "进程还没执行到要运行的程序就结束了",
    "the process was killed by {name} before it became its program": "进程在执行目标程序之前就被 {name} 信号终止了",
    "look for who sent it: the kernel's OOM killer says so in dmesg": (
        "查一查是谁发的信号：如果是内核的 OOM killer，dmesg 里会有记录"
    ),
    "start it again": "重新启动一次",
    # Privileges and user namespaces.
    "you are user {user}, and this takes CAP_SYS_ADMIN, which root has": (
        "当前用户的 UID 是 {user}，而这一步需要 CAP_SYS_ADMIN 能力，root 才有"
    ),
    "run it as root: sudo labcore …": "以 root 身份运行：sudo labcore …",
    "you are root without CAP_SYS_ADMIN: this process itself runs in a container, or had its rights taken away": (
        "当前用户虽是 root，却没有 CAP_SYS_ADMIN 能力：本进程自己就在容器里，或者权限已被收走"
    ),
    "run it outside, or give that container CAP_SYS_ADMIN": "到容器外面运行，或者给那个容器加上 CAP_SYS_ADMIN",
    "this machine allows no user namespaces": "这台机器不允许创建用户命名空间",
    "this machine allows user namespaces to root only": "这台机器只允许 root 创建用户命名空间",
    "not all of these are mapped in this user namespace: {who}": "这个用户命名空间没有映射其中的全部编号：{who}",
    "name one that is; an ordinary user needs subordinate numbers (/etc/subuid, /etc/subgid) and newuidmap (uidmap)": (
        "换一个已映射的；普通用户需要从属编号（/etc/subuid、/etc/subgid）和 newuidmap（软件包 uidmap）"
    ),
    "AppArmor has no profile {name}, or does not let this process have it": (
        "AppArmor 没有配置文件 {name}，或不允许这个进程使用它"
    ),
    "load it with apparmor_parser; aa-status lists those that are": "用 apparmor_parser 载入；aa-status 会列出已载入的",
    "AppArmor keeps ordinary users from using user namespaces (Ubuntu 24.04 does so from the start)": (
        "AppArmor 禁止普通用户使用用户命名空间（Ubuntu 24.04 默认如此）"
    ),
    "the root here is a chroot and no mount: the kernel pivots no root and makes no user namespace in one": (
        "当前的根目录是 chroot 得来的，不是挂载点：内核不允许在其中执行 pivot_root 或创建用户命名空间"
    ),
    "enter this system by pivot_root, systemd-nspawn or unshare, not by chroot": (
        "不要用 chroot 进入这个系统，改用 pivot_root、systemd-nspawn 或 unshare"
    ),
    "a limit on the number of namespaces is reached: {limits}": "命名空间的数量已达上限：{limits}",
    "raise it: sudo sysctl user.max_…": "调高上限：sudo sysctl user.max_…",
    "too many processes, or the cgroup's pids limit is reached": "进程太多，或者已达到 cgroup 的 pids 上限",
    "end some; see pids.max and ulimit -u": "结束一些进程；查看 pids.max 和 ulimit -u",
    # Mounts.
    "{target} is no mount point": "{target} 不是挂载点",
    "mount it first, if only onto itself with BIND": "先把它变成挂载点，哪怕只是用 BIND 挂载到它自己上面",
    "an overlay with an upperdir needs a workdir beside it": "overlay 指定了 upperdir，就必须同时指定 workdir",
    "add workdir=… to the options": "在选项里加上 workdir=…",
    "upperdir and workdir must be on one file system, for overlayfs moves files between them by rename": (
        "upperdir 和 workdir 必须在同一个文件系统上，因为 overlayfs 靠 rename 在两者之间移动文件"
    ),
    "make both in one directory": "把两者建在同一个目录下",
    "upperdir and workdir lie inside one another": "upperdir 和 workdir 相互嵌套或相同",
    "make two directories side by side": "建两个并列的目录",
    "overlayfs does not take these directories: the upper one may itself be on an overlay, or be of a file system that "
    "has no extended attributes": (
        "overlayfs 不接受这些目录：upperdir 本身可能就在 overlay 上，或者所在的文件系统不支持扩展属性"
    ),
    "put upperdir and workdir on ext4, xfs, btrfs or a tmpfs; the last line of dmesg says more": (
        "把 upperdir 和 workdir 放到 ext4、xfs、btrfs 或 tmpfs 上；dmesg 的最后一行有更多说明"
    ),
    "{target}, or what it is mounted from,": "{target} 或它的挂载源",
    "{what} does not exist": "路径不存在：{what}",
    "make it first: MakeDirectories((…,)), or correct the path": "先创建它：MakeDirectories((…,))，或者改正路径",
    "{path} is a file, not a directory": "{path} 是文件，不是目录",
    "name a directory": "请给出一个目录",
    " and ": " 和 ",
    "one of the two": "源或目标之一",
    "{what} is a file: a directory is mounted on a directory only, a file on a file": (
        "挂载的两端类型不一致（文件：{what}）：目录只能挂载到目录上，文件只能挂载到文件上"
    ),
    "name a directory as the root, or bind the file onto a file": "根文件系统要给一个目录；要挂载文件，就 bind 到另一个文件上",
    "this kernel has no file system called {fstype}": "这个内核没有名为 {fstype} 的文件系统",
    "sudo modprobe {fstype}; `labcore doctor` lists more": "sudo modprobe {fstype}；`labcore doctor` 会列出更多信息",
    "a PID namespace": "PID 命名空间",
    "a network namespace": "网络命名空间",
    "in a user namespace {fstype} can be mounted only together with {namespace} of one's own, and only while "
    "another is in sight of which nothing is covered": (
        "在用户命名空间里挂载 {fstype} 有两个条件：{namespace}也必须是自己新建的，"
        "而且此时还要看得到另一份，其中没有任何部分被别的挂载遮住"
    ),
    "clone {namespace} too, and mount it before the old root is unmounted; or bind the host's {target}": (
        "{namespace}也一并用 clone 新建，并在卸下旧根之前挂载；或者 bind 宿主机的 {target}"
    ),
    # The root.
    "the machine runs from its initial ramdisk, which cannot be pivoted away": (
        "这台机器直接运行在初始内存盘（initramfs）上，它不能用 pivot_root 换走"
    ),
    "boot from a disk": "改从磁盘启动",
    "the mounts here are shared with another mount namespace, and a pivot_root would change the root for all of them": (
        "这里的挂载与别的挂载命名空间共享传播（shared），执行 pivot_root 会把它们的根也一起换掉"
    ),
    "first Mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE), in a mount namespace of one's own": (
        "在自己的挂载命名空间里，先执行 Mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE)"
    ),
    "{target!r} is no mount point, or the old root's place is not below it": (
        "{target!r} 不是挂载点，或者安放旧根的目录不在它下面"
    ),
    "bind the directory onto itself first (Mount(d, d, flags=MountFlag.BIND | MountFlag.REC)) and Chdir into it": (
        "先把该目录 bind 到它自己上面（Mount(d, d, flags=MountFlag.BIND | MountFlag.REC)），再 Chdir 进去"
    ),
    "the new root is the root already, or lies on the same mount": "新的根就是当前的根，或者与它在同一个挂载上",
    "make it a mount of its own first: Mount(d, d, flags=MountFlag.BIND | MountFlag.REC), then Chdir into it": (
        "先让它成为单独的挂载：Mount(d, d, flags=MountFlag.BIND | MountFlag.REC)，再 Chdir 进去"
    ),
    # Names, directories, programs.
    "the host name has {size} bytes; 64 are allowed": "主机名有 {size} 个字节，最多允许 64 个",
    "shorten it": "改短一些",
    "a symbolic link lies in the way: one of /proc's to another process, or one in the place of /proc, /sys or /dev": (
        "途中有一个符号链接：要么是 /proc 中指向其他进程的链接，要么占据了 /proc、/sys 或 /dev 的位置"
    ),
    "take it out of the image, or name another place": "把它从镜像里去掉，或者换一个位置",
    "there is no directory {path} at this point of the plan": "plan 执行到这一步时，还没有 {path} 这个目录",
    "make it, or correct the path": "创建它，或者改正路径",
    "{path}, or a directory on the way to it, is closed to this user": "{path} 或者通向它的某个目录不对这个用户开放",
    "open it with chmod, or name another directory": "用 chmod 开放它，或者换一个目录",
    "what is not permitted cannot be effective: {names}": "不在 permitted 集合里的权能不能成为 effective：{names}",
    "name it among the permitted ones too: capabilities(7)": "把它也写进 permitted 集合：见 capabilities(7)",
    "any directory of PATH": "PATH 里的所有目录",
    "this root": "这个根文件系统",
    "there is no {program} in {where}": "找不到 {program}（查找范围：{where}）",
    "look what there is: labcore run IMAGE ls /bin": "看看里面有什么：labcore run IMAGE ls /bin",
    "{name} is a directory": "{name} 是目录",
    "name a program": "请给出一个程序",
    "{name} is no regular file": "{name} 不是普通文件",
    "{name} is not executable": "{name} 没有可执行权限",
    "chmod +x {name} where the image is made": "在制作镜像的地方执行 chmod +x {name}",
    "{name} is neither a program of this machine nor a script that begins with #!": (
        "{name} 既不是这台机器的可执行文件，也不是以 #! 开头的脚本"
    ),
    "begin it with a line like #!/bin/sh": "在文件开头加一行，例如 #!/bin/sh",
    "the first line of {name} ends in a carriage return": "{name} 的第一行以回车符（\\r）结尾",
    "save it with Unix line ends": "用 Unix 换行符重新保存",
    "{name} begins with #! and no interpreter": "{name} 以 #! 开头，后面却没有写解释器",
    "write it behind: #!/bin/sh": "在后面写上解释器：#!/bin/sh",
    "{name} is a script, and its interpreter {path} is not in this root": (
        "{name} 是脚本，但它的解释器 {path} 不在这个根文件系统里"
    ),
    "use an image that has {path}": "换一个带有 {path} 的镜像",
    "{name} is a script whose interpreter {path} does not start": "{name} 是脚本，但它的解释器 {path} 启动不了",
    "try the interpreter alone: labcore run IMAGE {path}": "单独试一下解释器：labcore run IMAGE {path}",
    "{name} is built for {wanted}, and this machine is {here}": "{name} 是为 {wanted} 编译的，而这台机器是 {here}",
    "use an image for this architecture": "换一个适合本机架构的镜像",
    "{name} is there, but the loader that it names, {loader}, is not in this root": (
        "{name} 存在，但它指定的动态加载器 {loader} 不在这个根文件系统里"
    ),
    "use a root that has its libraries, or a static program": "换一个带有所需库的根文件系统，或者使用静态链接的程序",
    "{name} is a program, and the kernel did not take it": "{name} 是可执行文件，但内核拒绝执行它",
    "try `file` on it: it may be damaged, or for another system": "用 `file` 看看：它可能已损坏，或者是给别的系统用的",
    # Values that do not belong where they stand.
    "`{field}` is None: nothing was given, or a function has returned nothing": (
        "`{field}` 是 None：没有给值，或者某个函数什么都没返回"
    ),
    "op {index}, {op}: of which type? Mount(source, target, fstype), or flags such as MountFlag.BIND": (
        "第 {index} 个操作 {op}：什么类型？写成 Mount(source, target, fstype)，或加上 MountFlag.BIND 之类的标志"
    ),
    "`{field}` has {value}, a name: write {cure}": "`{field}` 里的 {value} 只是名字：请写 {cure}",
    "`{field}` is {value}, where {kind} belongs": "`{field}` 是 {value}，这里应当是{kind}",
    "{name} returned nothing: is `return` missing?": "{name} 什么都没返回：是不是漏了 `return`？",
    "{name} returned {what}: a stage returns a list of ops, in brackets": (
        "{name} 返回了 {what}：阶段应当返回操作的列表，写在方括号里"
    ),
    "a text": "文本",
    "a number": "数字",
    "bytes": "字节串",
    "a tuple, (one, two),": "元组 (一, 二)",
    "op {index} is None: a stage has returned nothing; is `return` missing?": (
        "第 {index} 个操作是 None：有个阶段什么都没返回，是不是漏了 `return`？"
    ),
    "op {index} is a list, {value}: with a star before it, *stage(spec), its ops take its place": (
        "第 {index} 个操作是列表 {value}：前面加星号 *stage(spec)，它的操作就会展开在这里"
    ),
    "op {index} is {value}, which was not called: its arguments are missing, in brackets": (
        "第 {index} 个操作是 {value}，还没有调用：缺少括号和参数"
    ),
    "op {index} is {value}, which is no op: an op is a value such as SetHostname('box')": (
        "第 {index} 个操作是 {value}，它不是操作：操作是 SetHostname('box') 这样的值"
    ),
}
