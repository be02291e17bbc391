"""Hints of lesson 2."""

from labcore.language import Bilingual as T

HINTS = {
    "limits": (
        T(
            "What if the spec asks for no limit at all: does the process need a cgroup then? And if it asks for one of the two?",
            "如果 spec 一个上限也没要求，还需要 cgroup 吗？如果只要求其中一个呢？",
        ),
        T(
            "`lab.cgroup(spec.hostname)` makes the group; a limit is a number written to a file in it. Write only what the spec names.",
            "`lab.cgroup(spec.hostname)` 创建组；上限就是写进组里文件的数字。spec 没提的就不要写。",
        ),
        T(
            "`if spec.resources.memory: Path(group['memory'], MEMORY_MAX).write_text(…)`, the same for `pids.max`, then `return [ops.JoinCgroup((…, …))]`",
            "`if spec.resources.memory: Path(group['memory'], MEMORY_MAX).write_text(…)`，`pids.max` 同理，最后 `return [ops.JoinCgroup((…, …))]`",
        ),
    ),
    "confine": (
        T(
            "The order decides here: which of these ops take a right that a later one still needs?",
            "顺序是关键：其中哪些会拿走后面还要用的权限？",
        ),
        T(
            "Paths first, then the user namespace (leave, have the ids mapped by the parent, become root in it), then the filter, then the bounding set, last the capabilities themselves.",
            "先处理路径，再进用户命名空间（离开旧的，由父进程写好映射，在里面成为 root），然后是过滤器、边界集，最后才是能力本身。",
        ),
        T(
            "`keep = tuple(Capability[name] for name in …)`, `def map_ids(process): …` writes uid_map and gid_map, `return [ops.ReadonlyPaths(…), *users, lab.seccomp(), ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]`",
            "`keep = tuple(Capability[name] for name in …)`，`def map_ids(process): …` 写 uid_map 和 gid_map，`return [ops.ReadonlyPaths(…), *users, lab.seccomp(), ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]`",
        ),
    ),
    "run": (
        T(
            "Two new stages. Which of them must come before there is a process, and which at the very end?",
            "多了两个阶段。哪个必须在进程出现之前，哪个在最后？",
        ),
        T(
            "`limits` stands in front of the clone, `confine` behind `rootfs` and before the program. `**more` goes into the spec.",
            "`limits` 在 clone 之前，`confine` 在 `rootfs` 之后、程序之前。`**more` 传给 spec。",
        ),
        T(
            "`ContainerSpec(…, **more)`, then `Plan([*limits(spec), *namespaces(spec), *hostname(spec), *rootfs(spec), *confine(spec), program])`",
            "`ContainerSpec(…, **more)`，然后 `Plan([*limits(spec), *namespaces(spec), *hostname(spec), *rootfs(spec), *confine(spec), program])`",
        ),
    ),
}
