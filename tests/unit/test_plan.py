import pytest

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import CloneFlag
from labcore.runtime import STAGES, Plan, make_plan, ops
from labcore.spec import BindRoot, ContainerSpec, OverlayRoot

SPEC = ContainerSpec(OverlayRoot("/state", ("layers/top", "layers/base"), "scratch"), ("hostname",), hostname="box")


def test_the_table_numbers_ops_and_names_the_carrier() -> None:
    plan = Plan([ops.Clone(CloneFlag.NEWUTS), ops.SetHostname("box"), ops.Execve(("/bin/true",))])
    assert str(plan).splitlines() == [
        " 0  clone        NEWUTS",
        " 1  sethostname  box",
        " 2  execve       /bin/true",
        "carrier: extension (the extension walks it, in a child that shares our memory until its exec)",
    ]


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


@pytest.mark.parametrize("name", [name for name in STAGES if name not in ("namespaces", "exec")])
def test_each_stage_can_be_replaced_or_left_out(name: str) -> None:
    default = make_plan(SPEC)
    without = make_plan(SPEC, {name: None})
    assert len(without) == len(default) - len(STAGES[name](SPEC))
    replaced = make_plan(SPEC, {name: lambda spec: [ops.SetHostname("mine")]})
    assert ops.SetHostname("mine") in replaced.ops
    assert len(replaced) == len(without) + 1


def test_unknown_stage() -> None:
    with pytest.raises(InvalidInput, match="no such stage: bogus; there are namespaces, hostname"):
        make_plan(SPEC, {"bogus": None})


@pytest.mark.parametrize(
    "plan",
    [
        [ops.SetHostname("box")],
        [ops.SetHostname("box"), ops.Clone()],
        [ops.Clone(), ops.Clone()],
        [],
    ],
)
def test_a_plan_has_one_clone_in_front(plan: list[ops.Op]) -> None:
    with pytest.raises(InvalidInput, match="a plan has one clone"):
        Plan(plan)


def test_a_stage_that_returns_nonsense() -> None:
    with pytest.raises(InvalidInput, match="'sethostname' is no op"):
        make_plan(SPEC, {"hostname": lambda spec: ["sethostname"]})  # type: ignore[list-item]


@pytest.mark.parametrize(
    "op",
    [
        ops.Sync("map users", lambda process: None),
        ops.SetSysctls((("net/ipv4/ip_forward", "1"),)),
        ops.Call(native.setns.step(3, CloneFlag.NEWNET)),
        ops.Call(native.Step("setuid", 105, (1000,))),
        ops.Call(native.prctl.step(native.Prctl.SET_DUMPABLE, 0)),
    ],
)
def test_what_must_not_share_our_memory_goes_to_the_monitor(op: ops.Op) -> None:
    assert Plan([ops.Clone(), op]).carrier == "monitor"


def test_an_op_of_ones_own_is_judged_by_its_calls() -> None:
    class Joins(ops.Op):
        name = "join"

        def calls(self) -> list[native.Step]:
            return [native.setns.step(3)]

    assert Plan([ops.Clone(), Joins()]).carrier == "monitor"


@pytest.mark.parametrize(
    "op",
    [ops.SetHostname("a"), ops.Mount("none", "/x"), ops.PivotRoot(), ops.Unmount("/"), ops.Hide(("/x",)), ops.Protect(("/x",))],
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
