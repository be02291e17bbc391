"""The import graph: which room may know which. Left column: a room; right: the rooms that it may import."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import labcore

PACKAGE = Path(labcore.__file__).parent

OPEN_TO_ALL = {
    "lazy", "spec", "errors", "enumeration", "record", "record_json", "elf", "language", "disk_space", "paths", "streams",
    "tar", "trust", "procfs", "locks", "atomic", "files", "json_codec", "unix_sockets", "signal_forwarding", "cancellation",
    "detach_keys", "timestamps", "terminal",
}  # fmt: skip
SUBJECT = {"options", "native", "runtime", "storage", "images", "registry", "network", "engine"}
ALLOWED = {
    "enumeration": set(),
    "record": {"enumeration"},
    "record_json": {"record", "spec"},
    "lazy": set(),
    "errors": set(),
    "language": set(),
    "elf": {"record"},
    "disk_space": {"errors"},
    "tar": {"errors", "record"},
    "streams": set(),
    "trust": {"errors"},
    "unix_sockets": set(),
    "signal_forwarding": set(),
    "terminal": {"errors", "signal_forwarding"},
    "cancellation": set(),
    "detach_keys": {"errors"},
    "timestamps": {"errors"},
    "paths": {"trust"},
    "procfs": set(),
    "files": set(),
    "json_codec": set(),
    "locks": {"procfs", "errors"},
    "atomic": {"locks"},
    "spec": {"record", "errors", "lazy"},
    "options": {"record", "errors", "lazy", "spec", "files"},
    "native": OPEN_TO_ALL,
    "runtime": OPEN_TO_ALL | {"native"},
    "storage": OPEN_TO_ALL | {"native"},
    "images": OPEN_TO_ALL,
    "http": OPEN_TO_ALL,
    "registry": OPEN_TO_ALL | {"http"},
    "network": OPEN_TO_ALL | {"native"},
    "engine": OPEN_TO_ALL | {"options", "network", "native", "runtime", "storage", "images", "registry"},
    "builder": OPEN_TO_ALL | SUBJECT,
    "daemon": OPEN_TO_ALL | SUBJECT | {"builder", "http"},
    "client": OPEN_TO_ALL | {"options"},
    "trace": OPEN_TO_ALL,
    "vm": OPEN_TO_ALL | {"native", "images"},
    "doctor": OPEN_TO_ALL | {"client", "native", "runtime", "storage", "network", "vm"},
    "bench": OPEN_TO_ALL | SUBJECT | {"builder", "vm"},
    "lab": OPEN_TO_ALL | SUBJECT | {"builder", "client", "http", "vm", "bench", "doctor", "trace"},
    "cli": OPEN_TO_ALL | SUBJECT | {"builder", "client", "daemon", "trace", "vm", "doctor", "bench", "lab"},
    "__main__": {"cli"},
    "__init__": SUBJECT | OPEN_TO_ALL | {"client"},
}


MODULES = sorted(PACKAGE.rglob("*.py"))  # of which a test names those that are wrong: seven hundred tests would cost seconds


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports_of(path: Path) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in imports_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, "imports are absolute here"
            names.add(node.module or "")
            if node.module == "labcore":
                names |= {f"labcore.{alias.name}" for alias in node.names}
    return names


def rooms_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_names(path) if name.startswith("labcore.")}


def test_a_room_imports_only_what_it_may() -> None:
    wrong = {}
    for path in MODULES:
        if more := rooms_imported(path) - {room_of(path)} - ALLOWED[room_of(path)]:
            wrong[str(path)] = more
    assert wrong == {}


def test_ffi_stays_in_native() -> None:
    others = [path for path in MODULES if room_of(path) != "native"]
    assert [path for path in others if re.search("import ffi|_native", path.read_text())] == []
    assert [path for path in others if "cffi" in imported_names(path)] == []


def name_of(path: Path) -> str:
    return ".".join(("labcore", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def modules_imported(path: Path, modules: Collection[str]) -> set[str]:
    """Return the modules that a module imports anywhere: for types, or in a function, too."""
    found = set()
    for node in imports_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module or "" for name in full}
    return (found & set(modules)) - {name_of(path)}


def reached(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - found
        found |= new
        left += new
    return found


def test_no_modules_import_one_another() -> None:
    modules = {name_of(path): path for path in MODULES}
    graph = {name: modules_imported(path, modules) for name, path in modules.items()}
    below = {name: reached(name, graph) for name in graph}
    circles = {frozenset(other for other in below[name] if name in below[other]) for name in graph}
    assert circles == {frozenset()}


# The parts of the builder, which is too large for one evening, and what each may import of it; the modules beside them put
# the parts together.
PARTS_OF_BUILDER = {
    "parser": set(),
    "copy": set(),
    "run": {"parser", "layers"},
    "lint": {"parser", "stages", "variables", "image_config", "events"},
}


def test_a_part_of_the_builder_imports_only_what_it_may() -> None:
    modules = {name_of(path) for path in MODULES}
    wrong = {}
    for part, allowed in PARTS_OF_BUILDER.items():
        for path in (PACKAGE / "builder" / part).rglob("*.py"):
            names = {name.split(".")[2] for name in modules_imported(path, modules) if name.startswith("labcore.builder.")}
            if more := names - {part} - allowed:
                wrong[str(path)] = more
    assert wrong == {}
    assert {path.parent.name for path in (PACKAGE / "builder").glob("*/__init__.py")} == set(PARTS_OF_BUILDER)


def test_the_parser_asks_nothing_of_the_machine() -> None:
    rooms = {room for path in (PACKAGE / "builder/parser").rglob("*.py") for room in rooms_imported(path)}
    assert rooms == {"builder", "errors", "json_codec", "options", "record"}


# The command's modules that docker's grammar is made of: packages, and modules beside them. They ask a daemon.
ASKING = (
    "builder", "container", "image", "network", "volume", "system", "template", "inspect", "version", "connection",
    "registry.login", "registry.logout", "registry.search",
)  # fmt: skip
ASKED = OPEN_TO_ALL | {"client", "options", "cli"}
# Those that do some of it in their own process, and why.
IN_PROCESS = {
    "container.stepping": {"engine", "native", "runtime"},  # `run --step` holds a start before each step: whose it is, sees it
    "container.stepped_terminal": {"native", "runtime"},  # and whose terminal it has
    "rootless": {"engine", "network", "runtime"},  # an ordinary user becomes root for that
    "container.cp": {"storage"},  # archives are extracted on this machine: by what keeps a hostile one in its directory
    "builder.check": {"builder"},  # a Dockerfile is looked at where it is, and nothing of it is sent
    "builder.output": {"storage"},  # as cp does
    "image.auth": {"registry"},  # credentials are the user's own, in docker's file or a helper, and no daemon reads them
    "registry.login": {"registry"},
    "registry.logout": {"registry"},
    "network.repair": {"engine"},  # what a killed daemon has left, also while none runs
}


def test_commands_of_dockers_grammar_ask_a_daemon() -> None:
    """They, and what they import of the command's, know the client, and no room behind it."""
    modules = {name_of(path): path for path in MODULES}
    graph = {name: modules_imported(path, modules) if room_of(path) == "cli" else set() for name, path in modules.items()}
    graph["labcore.cli"] = set()  # the command line itself, which makes a user root for others of its commands
    prefixes = tuple(f"labcore.cli.{name}" for name in ASKING)
    asking = {name for name in modules if name in prefixes or name.startswith(tuple(f"{each}." for each in prefixes))}
    more = {}
    for name in asking.union(*(reached(each, graph) for each in asking)):
        if name.startswith("labcore.cli.") and (rooms := rooms_imported(modules[name]) - ASKED):
            more[name.removeprefix("labcore.cli.")] = rooms
    assert more == IN_PROCESS


def test_every_room_has_its_rule() -> None:
    assert {room_of(path) for path in MODULES} == set(ALLOWED)


@pytest.mark.parametrize("room", sorted({room_of(path) for path in MODULES} - {"__main__"}))
def test_what_a_room_offers_is_there(room: str) -> None:
    module = importlib.import_module("labcore" if room == "__init__" else f"labcore.{room}")
    offered = getattr(module, "__all__", [])
    assert [name for name in offered if not hasattr(module, name)] == []


def test_no_name_of_a_package_is_hidden_by_a_module_of_the_same_name() -> None:
    """An import of `labcore.lab.stack` sets the attribute `stack` of labcore.lab to that module, whatever it was before."""
    for path in sorted(PACKAGE.rglob("__init__.py")):
        package = importlib.import_module(name_of(path))
        if not hasattr(package, "__getattr__"):  # what is imported at once comes after its module
            continue
        modules = {each.name for each in pkgutil.iter_modules(package.__path__)}
        for name in modules & set(getattr(package, "__all__", ())):
            assert isinstance(getattr(package, name), ModuleType), f"{package.__name__}.{name}: rename the module"
