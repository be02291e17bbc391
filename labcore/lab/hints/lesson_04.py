"""Hints of lesson 4."""

from labcore.language import Bilingual as T

HINTS = {
    "preflight": (
        T(
            "How do you find out whether a kernel can do something: by asking for its version, or by trying?",
            "怎样知道内核能否做某件事：查版本，还是试一试？",
        ),
        T(
            "A plan without a program is a trial: `show(Plan([ops.Clone(…)]))`. What fails is an OSError, and that has a `cure`.",
            "没有程序的计划就是一次试验：`show(Plan([ops.Clone(…)]))`。失败时得到 OSError，它带有 `cure`。",
        ),
        T(
            "`needs = {f'{kind} namespace': [ops.Clone(NAMESPACE_FLAGS[kind])] for kind in NAMESPACES}`, plus `needs['overlay'] = […]`; `try: show(Plan(tried))` / `except OSError as error: missing[name] = error.cure`; and look for cgroup.procs",
            "`needs = {f'{kind} namespace': [ops.Clone(NAMESPACE_FLAGS[kind])] for kind in NAMESPACES}`，再加 `needs['overlay'] = […]`；`try: show(Plan(tried))` / `except OSError as error: missing[name] = error.cure`；最后查找 cgroup.procs",
        ),
    ),
    "devices": (
        T(
            "Why is this done before the root is turned, and with paths such as `dev/null`?",
            "为什么要在换根之前做，而且用 `dev/null` 这样的路径？",
        ),
        T(
            "A tmpfs on `dev`, in it the spec's devices, then pts with its devpts and the link ptmx; all with umask 0, which goes back to 022.",
            "在 `dev` 上挂 tmpfs，里面放 spec 要求的设备，再放 pts（devpts）和链接 ptmx；期间 umask 为 0，最后改回 022。",
        ),
        T(
            "`[ops.Umask(0), ops.Mount('tmpfs', 'dev', 'tmpfs', …), ops.MakeDevices(…), ops.MakeDirectories(('dev/pts',)), ops.Mount('devpts', …), ops.MakeLinks((('dev/ptmx', 'pts/ptmx'),)), ops.Umask(0o022)]`",
            "`[ops.Umask(0), ops.Mount('tmpfs', 'dev', 'tmpfs', …), ops.MakeDevices(…), ops.MakeDirectories(('dev/pts',)), ops.Mount('devpts', …), ops.MakeLinks((('dev/ptmx', 'pts/ptmx'),)), ops.Umask(0o022)]`",
        ),
    ),
    "rootfs": (
        T(
            "Lesson 3's `rootfs` makes a root without devices. Where do they belong in it?",
            "第 3 课的 `rootfs` 没有设备。它们该放在哪里？",
        ),
        T(
            "Inside the new root, while the old one can still be reached: after `proc`, before the turn.",
            "放进新根里，趁旧根还够得着：在 `proc` 之后、换根之前。",
        ),
        T(
            "`[…, *enter, ops.Mount('proc', 'proc', 'proc'), *devices(spec), ops.PivotRoot('.', '.'), …]`",
            "`[…, *enter, ops.Mount('proc', 'proc', 'proc'), *devices(spec), ops.PivotRoot('.', '.'), …]`",
        ),
    ),
    "main": (
        T(
            "What may a user type that is not a command, and what must he see then?",
            "用户可能输入什么不是命令的东西？那时他应该看到什么？",
        ),
        T(
            "Say the usage on standard error and return 2; ask `preflight` before anything starts, and return 125 if something is missing; else what `run` returns.",
            "在标准错误上打印用法，返回 2；启动之前先问 `preflight`，缺东西就返回 125；否则返回 `run` 的结果。",
        ),
        T(
            "`if len(words) < 3 or words[0] != 'run': print(…, file=sys.stderr); return 2`; `missing = preflight(…)`; `return 125 if missing else run(words[1], words[2:])`",
            "`if len(words) < 3 or words[0] != 'run': print(…, file=sys.stderr); return 2`；`missing = preflight(…)`；`return 125 if missing else run(words[1], words[2:])`",
        ),
    ),
    "machine_of": (
        T("What tells a program from a script, before anything is executed?", "不执行的话，怎样区分程序和脚本？"),
        T(
            "An ELF file begins with `\\x7fELF`; byte 5 names the byte order, bytes 18 and 19 the machine. A shorter file has none.",
            "ELF 文件以 `\\x7fELF` 开头；第 5 字节是字节序，第 18、19 字节是机器。更短的文件没有。",
        ),
        T(
            "`head = Path(path).read_bytes()[:20]`; `if …: return None`; `return int.from_bytes(head[18:20], 'little' if head[5] == 1 else 'big')`",
            "`head = Path(path).read_bytes()[:20]`；`if …: return None`；`return int.from_bytes(head[18:20], 'little' if head[5] == 1 else 'big')`",
        ),
    ),
}
