import os
import random
from pathlib import Path
from typing import Any

import pytest

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import CloneFlag
from labcore.runtime import STAGES, Plan, make_plan, ops
from labcore.runtime.exec import exec_plan
from labcore.runtime.ops.fields import _fields as op_fields
from labcore.spec import BindRoot, ContainerSpec, OverlayRoot, SeccompProfile, TopDirectory

SPEC = ContainerSpec(OverlayRoot("/state", ("layers/top", "layers/base"), "scratch"), ("hostname",), hostname="box")


def test_the_table_numbers_ops_and_names_the_carrier() -> None:
    plan = Plan([ops.Clone(CloneFlag.NEWUTS), ops.SetHostname("box"), ops.Execve(("/bin/true",))])
    assert str(plan).splitlines() == [
        " 0  clone        NEWUTS",
        " 1  sethostname  box",
        " 2  execve       /bin/true",
        "carrier: extension (the extension walks it, in a child that shares our memory until its exec)",
    ]


@pytest.mark.parametrize("late", [True, False])
def test_a_filter_comes_last_if_it_may_and_else_before_capabilities_are_given_up(late: bool) -> None:
    profile = SeccompProfile("SCMP_ACT_ALLOW")
    names = [op.name for op in make_plan(SPEC.replace(seccomp=profile, no_new_privileges=late))]
    assert (names[-2] == "seccomp") == late
    assert (names.index("seccomp") < names.index("capabilities")) == (not late)
    further = [op.name for op in exec_plan(SPEC.replace(seccomp=profile, no_new_privileges=late), os.getpid())]
    assert (further[-2] == "seccomp") == late


def test_ops_are_values() -> None:
    assert ops.SetHostname("a") == ops.SetHostname("a") != ops.SetHostname("b")
    assert repr(ops.Mount("none", "/", flags=native.MountFlag.REC)) == "Mount(source='none', target='/', flags=MountFlag.REC)"
    assert eval(repr(ops.SetHostname("a")), vars(ops)) == ops.SetHostname("a")


def test_the_default_plan_begins_with_clone_and_ends_with_execve() -> None:
    plan = make_plan(SPEC)
    names = [op.name for op in plan]
    assert names[0] == "clone"
    assert names[-1] == "execve"
    assert names.index("sethostname") < names.index("pivot_root") < names.index("capabilities")
    assert "lowerdir=layers/top:layers/base,upperdir=scratch/upper" in str(plan)
    assert plan.carrier == "extension"


@pytest.mark.parametrize("name", [name for name in STAGES if name not in ("namespaces", "rootfs", "exec")])
def test_each_stage_can_be_replaced_or_left_out(name: str) -> None:
    default = make_plan(SPEC)
    without = make_plan(SPEC, {name: None})
    assert len(without) == len(default) - len(STAGES[name](SPEC))
    mine = ops.JoinCgroup(("/mine",)) if name == "limits" else ops.SetHostname("mine")
    replaced = make_plan(SPEC, {name: lambda spec: [mine]})
    assert mine in replaced.ops
    assert len(replaced) == len(without) + 1


def test_unknown_stage() -> None:
    with pytest.raises(InvalidInput, match="no such stage: bogus; there are limits, namespaces, users"):
        make_plan(SPEC, {"bogus": None})


@pytest.mark.parametrize("plan", [[ops.SetHostname("box")], [ops.Clone(), ops.Clone()], []])
def test_a_plan_has_one_clone(plan: list[ops.Op]) -> None:
    with pytest.raises(InvalidInput, match="a plan has one clone"):
        Plan(plan)


ALL = ~CloneFlag(0) & ~CloneFlag.INTO_CGROUP
BEFORE: list[ops.Op] = [
    ops.JoinCgroup(("/sys/fs/cgroup/pids",)),
    ops.JoinNamespaces(((CloneFlag.NEWNET, "/proc/1/ns/net"),)),
    ops.ApplyApparmorProfile("profile"),
]
INSIDE: list[ops.Op] = [
    ops.NewSession(),
    ops.Umask(0),
    ops.SetHostname("box"),
    ops.Mount("none", "/", flags=native.MountFlag.REC | native.MountFlag.PRIVATE),
    ops.Call(native.sethostname.step("box")),
]


def test_what_the_carrier_does_stands_before_the_clone() -> None:
    assert Plan([*BEFORE, ops.Clone(ALL), *INSIDE]).before == sum(len(op.steps) for op in BEFORE)
    with pytest.raises(InvalidInput, match="op 1, cgroup /a: the carrier does this before it clones: put it in front of op 0"):
        Plan([ops.Clone(ALL), ops.JoinCgroup(("/a",))])
    with pytest.raises(InvalidInput, match="op 0, sethostname box: this is for the new process to do: put it behind op 1"):
        Plan([ops.SetHostname("box"), ops.Clone(ALL)])


def test_no_order_whatever_has_a_step_made_outside_that_is_for_inside() -> None:
    """Draws lists of ops; each is refused, or the steps that the carrier makes are those of ops meant for it, and no others."""
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    accepted = 0
    for _ in range(3000):
        drawn = [*draw.choices(BEFORE, k=draw.randrange(4)), *draw.choices(INSIDE, k=draw.randrange(4)), ops.Clone(ALL)]
        if draw.random() < 0.9:
            draw.shuffle(drawn)
        try:
            plan = Plan(drawn)
        except InvalidInput:
            continue
        accepted += 1
        outside = {index for index, _ in plan.steps[: plan.before]}
        assert outside == {index for index, op in enumerate(drawn) if op in BEFORE}, f"seed {seed}: {drawn}"
        assert outside == set(range(len(outside))), f"seed {seed}: {drawn}"
    assert accepted


PRIVATE = ops.Mount("none", "/", flags=native.MountFlag.REC | native.MountFlag.PRIVATE)
OWN_MOUNTS = ops.Clone(CloneFlag.NEWNS)
SHARED_MOUNTS = {
    "nothing cuts the tree off": [OWN_MOUNTS, ops.Unmount(".")],
    "too late": [OWN_MOUNTS, ops.Unmount("."), PRIVATE],
    "not all of it": [OWN_MOUNTS, ops.Mount("none", "/", flags=native.MountFlag.PRIVATE), ops.Unmount(".")],
    "somewhere else": [OWN_MOUNTS, ops.Mount("none", "/proc", flags=PRIVATE.flags), ops.Unmount(".")],
    "the other way": [
        OWN_MOUNTS,
        ops.Mount("none", "/", flags=native.MountFlag.REC | native.MountFlag.SHARED),
        ops.PivotRoot(),
    ],
    "a mount": [OWN_MOUNTS, ops.Mount("tmpfs", "/mnt", "tmpfs")],
    "by a call": [ops.Clone(), ops.Call(native.unshare.step(CloneFlag.NEWNS)), ops.Unmount(".")],
}
CUT_OFF = {
    "private": [OWN_MOUNTS, PRIVATE, ops.Unmount(".")],
    "a slave": [OWN_MOUNTS, ops.Mount("none", "/", flags=native.MountFlag.REC | native.MountFlag.SLAVE), ops.Unmount(".")],
    "by a call": [OWN_MOUNTS, ops.Call(PRIVATE.steps[0]), ops.Unmount(".")],
    "in a new user namespace": [ops.Clone(CloneFlag.NEWNS | CloneFlag.NEWUSER), ops.Unmount(".")],
    "somebody else's": [
        ops.JoinNamespaces(((CloneFlag.NEWNS, "/proc/2/ns/mnt"),)),
        ops.Clone(),
        ops.Mount("tmpfs", "/mnt", "tmpfs"),
    ],
}


@pytest.mark.parametrize("plan", SHARED_MOUNTS.values(), ids=SHARED_MOUNTS)
def test_what_would_propagate_to_the_host_is_refused(plan: list[ops.Op]) -> None:
    with pytest.raises(InvalidInput, match="mounts still propagate to the host here: first Mount"):
        Plan(plan)


@pytest.mark.parametrize("plan", CUT_OFF.values(), ids=CUT_OFF)
def test_what_is_cut_off_propagates_nothing(plan: list[ops.Op]) -> None:
    assert Plan(plan)


def test_a_rootfs_stage_cuts_the_tree_off() -> None:
    for stage in (None, lambda spec: []):
        with pytest.raises(InvalidInput, match="mounts still propagate"):
            make_plan(SPEC, {"rootfs": stage})


def test_a_call_speaks_for_the_namespaces_that_it_makes_and_for_no_others() -> None:
    unshared = ops.Call(native.unshare.step(CloneFlag.NEWUTS))
    assert Plan([ops.Clone(), unshared, ops.SetHostname("box")])
    for first in (unshared, ops.Call(native.umask.step(0)), ops.Call(native.setns.step(3, CloneFlag.NEWUTS))):
        with pytest.raises(InvalidInput, match=r"give the clone CloneFlag\.NEWNS"):
            Plan([ops.Clone(), first, ops.Unmount("/")])
    with pytest.raises(InvalidInput, match=r"give the clone CloneFlag\.NEWUTS"):
        Plan([ops.Clone(), ops.SetHostname("box"), unshared])
    assert Plan([ops.Clone(), ops.Call(native.setns.step(3)), ops.Unmount("/")])  # of any kind, as far as can be told


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([ops.Mount("proc", "/proc")], "op 1, mount proc on /proc: of which type"),
        ([ops.Chdir(None)], "op 1, Chdir: `path` is None: nothing was given"),
        ([ops.Mount("proc", None, "proc")], "op 1, Mount: `target` is None"),
        ([ops.SetHostname(7)], "op 1, SetHostname: `hostname` is 7, where a text belongs"),
        ([ops.Umask("022")], "op 1, Umask: `mask` is '022', where a number belongs"),
        ([ops.SetUser("0", 0)], "op 1, SetUser: `user` is '0', where a number belongs"),
        ([ops.BoundCapabilities(("CHOWN",))], "`keep` has 'CHOWN', a name: write Capability.CHOWN"),
        ([ops.SetCapabilities((0,), ("CAP_KILL",))], "`permitted` has 'CAP_KILL', a name: write Capability.KILL"),
        ([ops.Execve("sh")], r"`argv` is 'sh', where a tuple, \(one, two\), belongs"),
        ([ops.Execve(("sh", 3))], "`argv` is 3, where a text belongs"),
        ([ops.Unmount("/", "DETACH")], "`flags` has 'DETACH', a name: write UnmountFlag.DETACH"),
        ([ops.MakeDevices((("dev/null", "1", 3),))], "op 1, MakeDevices: `devices` is"),
        ([[ops.Chdir("/")]], r"op 1 is a list, \[Chdir.*: with a star before it"),
        ([None], "op 1 is None: a stage has returned nothing"),
        ([ops.NewSession], "op 1 is NewSession, which was not called"),
        (["chdir"], "op 1 is 'chdir', which is no op"),
    ],
)
def test_a_beginners_mistake_is_named_with_its_cure(made: list[ops.Op], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Plan([ops.Clone(CloneFlag.NEWNS | CloneFlag.NEWUTS), *made])


@pytest.mark.parametrize("op", [ops.Execve(["sh"]), ops.Umask(True), ops.Unmount("/", 2), ops.SetCapabilities([0], [0])])
def test_lists_and_plain_numbers_are_taken(op: ops.Op) -> None:
    private = ops.Mount("none", "/", flags=native.MountFlag.REC | native.MountFlag.PRIVATE)
    Plan([ops.Clone(CloneFlag.NEWNS), private, op])


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (lambda spec: None, "hostname returned nothing: is `return` missing"),
        (lambda spec: ops.SetHostname("box"), "hostname returned SetHostname.*a stage returns a list of ops, in brackets"),
        (lambda spec: "box", "hostname returned 'box': a stage returns a list"),
    ],
)
def test_a_stage_returns_a_list(stage: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make_plan(SPEC, {"hostname": stage})


def test_labcores_own_ops_hold_what_their_annotations_say() -> None:
    """Its plans are not looked at each time: this is the place."""
    Plan(make_plan(SPEC))


def test_the_fields_of_every_op_are_looked_at() -> None:
    found = [getattr(ops, name) for name in ops.__all__]
    kinds = [kind for kind in found if isinstance(kind, type) and issubclass(kind, ops.Op)]
    looked_at = {kind.__name__: {name for name, _, _ in op_fields(kind)} for kind in kinds}
    assert (looked_at["SetIoPriority"], looked_at["SetScheduler"]) == ({"wanted"}, {"scheduler"})
    assert (looked_at["SetMemoryPolicy"], looked_at["SetTimeOffsets"]) == ({"policy"}, {"offsets"})
    with pytest.raises(InvalidInput, match="op 1, SetIoPriority: `wanted` is 'high', where IoPriority belongs"):
        Plan([ops.Clone(), ops.SetIoPriority("high")])  # type: ignore[arg-type]


def test_a_stage_that_returns_nonsense() -> None:
    with pytest.raises(InvalidInput, match="op 5 is 'sethostname', which is no op"):
        make_plan(SPEC, {"hostname": lambda spec: ["sethostname"]})  # type: ignore[list-item]


@pytest.mark.parametrize(
    "op",
    [
        ops.Sync("map users", lambda process: None),
        ops.Call(native.setns.step(3, CloneFlag.NEWNET)),
        ops.Call(native.Step("setuid", 105, (1000,))),
        ops.Call(native.prctl.step(native.Prctl.SET_DUMPABLE, 0)),
    ],
)
def test_what_must_not_share_our_memory_goes_to_the_monitor(op: ops.Op) -> None:
    assert Plan([ops.Clone(), op]).carrier == "monitor"


def test_kernel_parameters_of_the_namespaces_may_be_set_by_who_shares_our_memory() -> None:
    clone = ops.Clone(CloneFlag.NEWNET | CloneFlag.NEWIPC)
    assert Plan([clone, ops.SetSysctls((("net/ipv4/ip_forward", "1"), ("kernel/shmmni", "9")))]).carrier == "extension"


def test_an_op_of_ones_own_is_judged_by_its_calls() -> None:
    class Joins(ops.Op):
        name = "join"

        def calls(self) -> list[native.Step]:
            return [native.setns.step(3)]

    assert Plan([ops.Clone(), Joins()]).carrier == "monitor"


@pytest.mark.parametrize(
    "op",
    [
        ops.SetHostname("a"),
        ops.Mount("none", "/x", "tmpfs"),
        ops.PivotRoot(),
        ops.Unmount("/"),
        ops.MaskPaths(("/x",)),
        ops.ReadonlyPaths(("/x",)),
        ops.SetSysctls((("net/ipv4/ip_forward", "1"),)),
        ops.SetSysctls((("net/ipv4/ip_forward", "1"), ("kernel/shmmni", "9"))),
        ops.SetSysctls((("kernel/hostname", "a"),)),
    ],
)
def test_what_would_change_the_host_itself_is_refused(op: ops.Op) -> None:
    with pytest.raises(InvalidInput, match="would change the host itself: give the clone"):
        Plan([ops.Clone(CloneFlag.NEWPID), op])
    with pytest.raises(InvalidInput, match="host itself"):
        make_plan(SPEC, {"namespaces": lambda spec: [ops.Clone(CloneFlag.NEWPID)]})


def test_a_cgroup_sets_its_flag() -> None:
    from labcore.native.block import clone_flags

    assert clone_flags(Plan([ops.Clone(cgroup=7)]).block(7)) == CloneFlag.INTO_CGROUP
    with pytest.raises(InvalidInput, match="say which cgroup"):
        ops.Clone(CloneFlag.INTO_CGROUP)


def test_a_user_namespace_goes_to_the_monitor() -> None:
    assert Plan([ops.Clone(CloneFlag.NEWUSER)]).carrier == "monitor"


def test_without() -> None:
    plan = Plan([ops.Clone(), ops.Umask(0), ops.NewSession()])
    assert plan.without(1) == Plan([ops.Clone(), ops.NewSession()])


def test_a_read_only_root_is_made_so_once_all_places_to_mount_on_are_there() -> None:
    plan = make_plan(SPEC.replace(root=BindRoot("/srv", read_only=True)))
    read_only = next(i for i, op in enumerate(plan) if isinstance(op, ops.SetMountAttributes) and op.detail == "/ rdonly")
    assert not any(isinstance(op, ops.MakeDirectories | ops.MakeFiles) for op in plan.ops[read_only:])


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        ("sh", ["PATH=/a:/b"], ("/a/sh", "/b/sh")),
        ("./sh", ["PATH=/a"], ("./sh",)),
        ("/bin/sh", [], ("/bin/sh",)),
        ("sh", ["X=1"], ("/default/sh",)),
        ("sh", ["PATH=:/b"], ("./sh", "/b/sh")),
    ],
)
def test_search_path(command: str, environment: list[str], expected: tuple[str, ...]) -> None:
    assert ops.search_path(command, environment, "/default") == expected


def test_a_root_that_is_described_costs_no_other_carrier() -> None:
    top = TopDirectory(mode=0o755, uid=0, gid=0, time=1)
    plan = make_plan(SPEC.replace(root=OverlayRoot("/state", ("layers/top",), "scratch", top=top)))
    assert any(isinstance(op, ops.SetDirectoryMetadata) for op in plan)
    assert plan.carrier == "extension"


def test_a_further_process_enters_cgroups_itself_and_its_monitor_stays_outside(tmp_path: Path) -> None:
    (tmp_path / "tasks").touch()  # of version 1: for one thread, which is the writer's own, the kernel halts nobody's forks
    plan = exec_plan(SPEC, os.getpid(), cgroups=(str(tmp_path),))
    opened = next(op for op in plan if isinstance(op, ops.OpenCgroups))
    entered = next(op for op in plan if isinstance(op, ops.EnterCgroups))
    assert opened.steps[0].args[1] == f"{tmp_path}/tasks"
    assert [step.args[1] for step in entered.steps] == [b"0"]
    assert plan.ops.index(opened) < plan.clone_index == plan.ops.index(entered) - 1
