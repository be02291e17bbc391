"""Mutation operators: what may stand in a slot in place of what stands there.

Each operator yields lists of nodes: an empty list leaves the slot's node out.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from enum import Flag
from typing import Any, Final

from labcore import native, spec
from labcore.lab.lessons import all_steps
from labcore.runtime import ops
from labcore.runtime.ops import Op
from tests.mutation.slots import Slot

RECORDS: Final = (
    spec.ContainerSpec, spec.BindRoot, spec.OverlayRoot, spec.Resources, spec.IdRange, spec.Device, spec.CapabilitySets,
)  # fmt: skip
OPTIONAL: Final = {
    "body",
    "elts",
    "args",
    "keywords",
    "values",
    "ifs",
    "keys",
    "handlers",
    "orelse",
}  # lists that may be shorter
CONSTANTS: Final = ("None", "[]", "0", "''")
BUILDING: Final = {  # functions and methods that make values, and do not fail
    "BindRoot", "CloneFlag", "ContainerSpec", "OverlayRoot", "Path", "Resources", "append", "confined", "hexdigest", "insert",
    "int", "isinstance", "items", "join", "len", "overlay", "print", "removeprefix", "replace", "search_path", "sha256",
    "splitlines", "startswith", "step", "str", "tuple", "list", "with_name",
    "namespaces", "hostname", "rootfs", "confine", "seccomp", "bound_devices", "devices",  # they make ops
}  # fmt: skip
COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OTHER_CALLS: Final = {"append": "insert", "rglob": "glob", "extend": "append", "run": "Popen", "exists": "is_file"}
Replacements = Iterator[Sequence[ast.AST]]
Operator = Callable[[Slot, ast.FunctionDef], Replacements]


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def left_out(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """A statement, an element, an argument, a keyword, a condition."""
    if slot.field in OPTIONAL and slot.index is not None and not isinstance(slot.parent, ast.Dict):
        yield []


def swapped(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """The next one of its list, and this one after it."""
    if slot.field in ("body", "elts", "args") and slot.index is not None and slot.index + 1 < len(slot.siblings):
        yield [slot.siblings[slot.index + 1]]


def operand(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """One side of an operation in place of both: a flag left out, a part of a text."""
    if isinstance(slot.node, ast.BinOp):
        yield [slot.node.right]
        yield [slot.node.left]
    if isinstance(slot.node, ast.BoolOp):
        other = ast.And() if isinstance(slot.node.op, ast.Or) else ast.Or()
        yield [ast.BoolOp(other, slot.node.values)]
        for index in range(len(slot.node.values)):
            rest = [value for number, value in enumerate(slot.node.values) if number != index]
            yield [ast.BoolOp(slot.node.op, rest) if len(rest) > 1 else rest[0]]
    if isinstance(slot.node, ast.UnaryOp):
        yield [slot.node.operand]
    if isinstance(slot.node, ast.IfExp):
        yield [slot.node.body]
        yield [slot.node.orelse]
        yield [ast.IfExp(slot.node.test, slot.node.orelse, slot.node.body)]


def tested(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """A test that always holds, or never; another comparison."""
    if slot.field == "test" or slot.field == "ifs":
        yield [ast.Constant(True)]
        yield [ast.Constant(False)]
    if isinstance(slot.node, ast.Compare):
        for other in COMPARISONS.get(type(slot.node.ops[0]), ()):
            yield [ast.Compare(slot.node.left, [other()], slot.node.comparators)]


def uncalled(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """What a function or a method is called with or on, in place of what it makes of it; another method."""
    if not isinstance(slot.node, ast.Call) or isinstance(slot.parent, ast.Expr):
        return
    called = slot.node.func
    if isinstance(called, ast.Attribute) and not _is_op(slot.node) and not isinstance(called.value, ast.Name):
        yield [called.value]
    if (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id not in ("ops", "lab", "native")
    ):
        yield [called.value]
    if slot.node.args and not _is_op(slot.node) and not isinstance(slot.node.args[0], ast.Starred):
        yield [slot.node.args[0]]
    if isinstance(called, ast.Attribute) and called.attr in OTHER_CALLS:
        yield [ast.Call(ast.Attribute(called.value, OTHER_CALLS[called.attr]), slot.node.args, slot.node.keywords)]


def _is_op(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("ops.")


def other_constant(slot: Slot, function: ast.FunctionDef) -> Replacements:
    """Another constant of its kind: one of the function's, none, one more."""
    if not isinstance(slot.node, ast.Constant) or slot.node.value is None:
        return
    value: Any = slot.node.value
    kind = type(value)
    others = [node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and type(node.value) is kind]
    others = [other for other in dict.fromkeys(others) if other != ast.get_docstring(function, clean=False)]
    after = others[others.index(value) + 1 :] + others[: others.index(value)]
    if kind is bool:
        chosen: list[Any] = [not value]
    elif kind is int:
        chosen = [value + 1, 0, *after[:1]]
    else:
        chosen = [kind(), *after[:1]]
    for other in dict.fromkeys(chosen):
        if other != value:
            yield [ast.Constant(other)]


def other_name(slot: Slot, function: ast.FunctionDef) -> Replacements:
    """Another local variable, or another of the steps that the function calls."""
    if not isinstance(slot.node, ast.Name) or not isinstance(slot.node.ctx, ast.Load):
        return
    names = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    local = [argument.arg for argument in function.args.args] + [
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    for group in (dict.fromkeys(local), dict.fromkeys(name for name in names if name in all_steps())):
        if slot.node.id in group:
            others = list(group)
            at = others.index(slot.node.id)
            for other in (others[at + 1 :] + others[:at])[:1]:
                yield [ast.Name(other, ast.Load())]


def other_attribute(slot: Slot, function: ast.FunctionDef) -> Replacements:
    """Another flag, another op that takes as much, another attribute of the same record, another of the function's own."""
    node = slot.node
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    flags = getattr(native, owner, None)
    if isinstance(flags, type) and issubclass(flags, Flag | int):
        others = _after(node.attr, list(getattr(flags, "__members__", ())), 2)
    elif owner == "ops" and isinstance(slot.parent, ast.Call):
        others = _other_ops(node.attr, len(slot.parent.args) + len(slot.parent.keywords))
    else:
        seen = [
            each.attr
            for each in ast.walk(function)
            if isinstance(each, ast.Attribute) and ast.dump(each.value) == ast.dump(node.value)
        ]
        others = list(dict.fromkeys([*_siblings(node.attr), *_after(node.attr, list(dict.fromkeys(seen)), 2)]))
    for other in others:
        yield [ast.Attribute(node.value, other, ast.Load())]


def _after(name: str, names: list[str], count: int) -> list[str]:
    at = names.index(name) if name in names else -1
    return [other for other in names[at + 1 :] + names[: at + 1] if other != name][:count]


def _other_ops(name: str, given: int) -> list[str]:
    """Return another op that can be made with as many arguments."""
    fitting = []
    for other in sorted(vars(ops)):
        kind = getattr(ops, other)
        if isinstance(kind, type) and issubclass(kind, Op) and kind is not Op:
            needed = sum(1 for value in kind._fields.values() if not _has_default(value))
            if needed <= given <= len(kind._fields):
                fitting.append(other)
    return _after(name, fitting, 1)


def _has_default(value: object) -> bool:
    return type(value) is not object


def _siblings(name: str) -> list[str]:
    """Return the fields beside one, of the same type in the same record."""
    found = []
    for record in RECORDS:
        kinds: dict[str, Any] = record.__annotations__
        if name in kinds:
            found += _after(name, [other for other, kind in kinds.items() if kind == kinds[name]], 2)
    return found


def part_of_text(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """A formatted text without one of its parts."""
    if isinstance(slot.node, ast.JoinedStr):
        for index in range(len(slot.node.values)):
            yield [ast.JoinedStr([value for number, value in enumerate(slot.node.values) if number != index])]


def sliced(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """The first of a list only, and all but the first; the whole in place of a slice."""
    many = slot.field == "iter" or isinstance(slot.parent, ast.Starred) or isinstance(slot.node, ast.List | ast.Tuple)
    count = len(getattr(slot.node, "elts", "many"))
    if many and count and isinstance(getattr(slot.node, "ctx", ast.Load()), ast.Load):
        for part in ("[:1]", "[1:]") if count > 1 else ("[1:]",):
            yield [_expression(f"({ast.unparse(slot.node)}){part}")]
    if isinstance(slot.node, ast.Subscript):
        yield [slot.node.value]


def constant_returned(slot: Slot, function: ast.FunctionDef) -> Replacements:
    """A constant in place of what is returned, or of all that the function does."""
    if isinstance(slot.parent, ast.Return):
        yield from ([_expression(constant)] for constant in CONSTANTS)
    if slot.parent is function and slot.field == "body" and isinstance(slot.node, ast.stmt) and slot.index == 1:
        yield from ([ast.Return(_expression(constant))] for constant in CONSTANTS)


def swallowed(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """A statement whose exceptions are swallowed, or answered with a constant; values are built without any."""
    if isinstance(slot.node, ast.stmt) and not isinstance(slot.node, ast.FunctionDef | ast.Try) and _may_fail(slot.node):
        answers = [f"return {constant}" for constant in CONSTANTS] if isinstance(slot.node, ast.Return) else ["pass"]
        for answer in answers:
            tried = ast.parse(f"try:\n    pass\nexcept Exception:\n    {answer}").body[0]
            assert isinstance(tried, ast.Try)
            tried.body = [slot.node]
            yield [tried]


def _may_fail(statement: ast.stmt) -> bool:
    calls = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(ast.unparse(call).split(".")[-1] not in BUILDING and not ast.unparse(call).startswith("ops.") for call in calls)


def caught(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """Another exception caught, or passed on."""
    if isinstance(slot.node, ast.ExceptHandler):
        for kind in ("Exception", "ValueError"):
            yield [ast.ExceptHandler(_expression(kind), slot.node.name, slot.node.body)]
        yield [ast.ExceptHandler(slot.node.type, slot.node.name, [ast.Raise()])]
        yield [ast.ExceptHandler(slot.node.type, slot.node.name, [ast.Break()])]


def told(slot: Slot, _: ast.FunctionDef) -> Replacements:
    """A value's text in place of a part of it; a message in place of an exception."""
    if isinstance(slot.node, ast.Attribute) and isinstance(slot.node.value, ast.Name) and isinstance(slot.parent, ast.Assign):
        yield [ast.Call(ast.Name("str", ast.Load()), [slot.node.value], [])]
    if isinstance(slot.node, ast.Raise) and isinstance(slot.node.exc, ast.Call):
        yield [ast.Expr(ast.Call(ast.Name("print", ast.Load()), slot.node.exc.args, []))]


OPERATORS: Final[tuple[Operator, ...]] = (
    left_out, swapped, operand, tested, uncalled, other_constant, other_name, other_attribute, part_of_text, sliced,
    constant_returned, swallowed, caught, told,
)  # fmt: skip
