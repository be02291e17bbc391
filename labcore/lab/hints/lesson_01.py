"""Hints of lesson 1."""

from labcore.language import Bilingual as T

HINTS = {
    "hostname": (
        T(
            "A stage describes, it does not act. What does it return: an op, or a list of ops?",
            "阶段只描述，不动手。它返回的是一个操作，还是操作的列表？",
        ),
        T(
            "The name is in `spec.hostname`; the op that takes a name is `ops.SetHostname`.",
            "名字在 `spec.hostname` 里；接受名字的操作是 `ops.SetHostname`。",
        ),
        T("`return [ops.SetHostname(…)]`", "`return [ops.SetHostname(…)]`"),
    ),
    "namespaces": (
        T(
            "`spec.namespaces` holds words, and clone wants flags. What turns a word into its flag?",
            "`spec.namespaces` 里是名称，clone 要的是标志。什么能把名称变成标志？",
        ),
        T(
            "Begin with `CloneFlag(0)` and add each `NAMESPACE_FLAGS[kind]` with `|=`, for every kind in the spec and no other.",
            "从 `CloneFlag(0)` 开始，对 spec 里的每一种（不多不少）用 `|=` 加上 `NAMESPACE_FLAGS[kind]`。",
        ),
        T(
            "`for kind in spec.namespaces:` … `flags |= …`, and at the end `return [ops.Clone(flags)]`",
            "`for kind in spec.namespaces:` … `flags |= …`，最后 `return [ops.Clone(flags)]`",
        ),
    ),
    "rootfs": (
        T(
            "The helper cell that worked made six calls after `unshare`. Which op stands for each, and in which order?",
            "成功的那个辅助单元格，`unshare` 之后做了六个调用。每个对应哪个操作，顺序如何？",
        ),
        T(
            "Private first, then the bind, then enter, turn, detach. The new /proc comes last, when `/` is the container's own.",
            "先设为私有，再绑定，然后进入、换根、分离。新的 /proc 放在最后，那时 `/` 已经是容器自己的。",
        ),
        T(
            "`[ops.Mount('none', '/', flags=…), ops.Mount(root, root, flags=…), ops.Chdir(root), ops.PivotRoot('.', '.'), ops.Unmount('.', …), ops.Chdir('/'), ops.Mount('proc', '/proc', 'proc')]`",
            "`[ops.Mount('none', '/', flags=…), ops.Mount(root, root, flags=…), ops.Chdir(root), ops.PivotRoot('.', '.'), ops.Unmount('.', …), ops.Chdir('/'), ops.Mount('proc', '/proc', 'proc')]`",
        ),
    ),
    "run": (
        T(
            "Each stage returns a list. How do several lists become the one list that a Plan takes?",
            "每个阶段返回一个列表。几个列表怎样变成 Plan 需要的那一个？",
        ),
        T(
            "A star spreads a list out: `[*namespaces(spec), *hostname(spec), …]`. The clone comes first, the program last.",
            "星号把列表展开：`[*namespaces(spec), *hostname(spec), …]`。clone 在最前，程序在最后。",
        ),
        T(
            "`spec = ContainerSpec(…)`, `tried = …`, `program = ops.Execve(…)`, `return show(Plan([*…, *…, *…, program])).returncode`",
            "`spec = ContainerSpec(…)`，`tried = …`，`program = ops.Execve(…)`，`return show(Plan([*…, *…, *…, program])).returncode`",
        ),
    ),
    "outside_pid": (
        T(
            "A process in the container has several numbers. Where do you read the innermost one, and where the one out here?",
            "容器里的一个进程有好几个编号。最里层的在哪里读？外面的又在哪里？",
        ),
        T(
            "The directory's name below /proc is the number out here; the last word of the `NSpid:` line is the number inside. Grandchildren count too.",
            "/proc 下的目录名是外面的编号，`NSpid:` 行的最后一个数是里面的编号。孙进程也算。",
        ),
        T(
            "`family = [container]`, `for pid in family:` add its children to `family`, read `NSpid:`, `if int(numbers[-1]) == inside: return pid`",
            "`family = [container]`，`for pid in family:` 把它的子进程加入 `family`，读 `NSpid:`，`if int(numbers[-1]) == inside: return pid`",
        ),
    ),
    "read_only": (
        T(
            "Is a mount made read-only when it is made, or can that be changed afterwards?",
            "只读是挂载时定下的，还是之后也能改？",
        ),
        T(
            "A remount of `/` changes it; then /tmp needs a mount of its own, or it would be read-only as well.",
            "重新挂载 `/` 就能改；之后 /tmp 要单独挂载，否则它也是只读的。",
        ),
        T(
            "`[ops.Mount('none', '/', flags=MountFlag.BIND | … | …), ops.Mount('tmpfs', '/tmp', …)]`",
            "`[ops.Mount('none', '/', flags=MountFlag.BIND | … | …), ops.Mount('tmpfs', '/tmp', …)]`",
        ),
    ),
}
