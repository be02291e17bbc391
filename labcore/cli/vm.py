"""`labcore vm`: a virtual machine, to compare containers with."""

import argparse
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labcore.cli.numbers import whole
from labcore.paths import default_root
from labcore.vm import guests, qemu
from labcore.vm.guests import setup, start
from labcore.vm.machine import Machine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "setup fetches a kernel from the distribution's archive (27 MB) and makes the small guest's root; then no network "
        "is needed any more. run starts a guest, has it run a command and ends it. All lies in ROOT/vm: delete that to undo it."
    )
    parser.set_defaults(action=None)
    actions = parser.add_subparsers(metavar="ACTION")
    made = _action(actions, "setup", "fetch and make what guests need", _setup)
    made.add_argument("--full", action="store_true", help="also make a Debian with systemd: a minute or two, 500 MB")
    made.add_argument("--from", type=Path, dest="kit", metavar="KIT", help="take the kernel out of a kit, without a network")
    made.add_argument("--update", action="store_true", help="fetch and make anew what is here already")
    run = _action(actions, "run", "start a virtual machine, and run a command in it", _run)
    run.add_argument("--full", action="store_true", help="start Debian, and end it when its multi-user target is reached")
    run.add_argument("--machine", metavar="TYPE", help="q35 (a whole PC) or microvm; on arm64 virt")
    run.add_argument("--accel", choices=("kvm", "tcg"), help="what runs its processor (default: kvm where it works)")
    run.add_argument("--memory", type=whole(1, 1 << 20), metavar="MB", help="its memory (default: 256; Debian: 512)")
    run.add_argument("--console", action="store_true", help="show what came over its serial line")
    run.add_argument("--timeline", action="store_true", help="show where its start went")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND", help="for the guest's shell")
    _action(actions, "list", "what is here", _list)


def main(args: argparse.Namespace) -> int:
    """Do what is asked."""
    if args.action is None:
        print("labcore vm: setup, run or list? `labcore vm --help` says more", file=sys.stderr)
        return 125
    return int(args.action(args))


def _action(actions: Any, name: str, line: str, do: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
    parser.set_defaults(action=do)
    return parser


def _setup(args: argparse.Namespace) -> int:
    kernel = setup(args.root, full=args.full, update=args.update, kit=args.kit, tell=_tell)
    print(f"{kernel.package} {kernel.version}, {kernel.size / 1e6:.1f} MB; guests run by {guests.accelerator(args.root)}")
    return 0


def _run(args: argparse.Namespace) -> int:
    guest: guests.Guest = "debian" if args.full else "small"
    with start(guest, machine_type=args.machine, accel=args.accel, memory_mb=args.memory, root=args.root) as machine:
        words = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
        if words:
            sys.stdout.write(machine.run(" ".join(words)))
            sys.stdout.flush()
        _report(machine, args)
        machine.stop()
    return 0


def _report(machine: Machine, args: argparse.Namespace) -> None:
    if args.console:
        print(machine.console)
    if args.timeline:
        for phase in machine.timeline:
            print(f"{phase.start_ms:8.0f} ms  {phase.duration_ms:8.0f} ms  {phase.name}")
    how = machine.hardware
    if args.timeline or not args.argv:
        print(f"ready after {machine.ready_after:.2f} s ({how.machine}, {how.accelerator}, {how.memory_mb} MB)")


def _list(args: argparse.Namespace) -> int:
    root = args.root or default_root()
    for file in guests.files(root):
        print(f"{file.size / 1e6:8.1f} MB  {file.what:24}{file.path}")
    print(f"machines: {', '.join(qemu.MACHINES.get(platform.machine(), ()))}; processor run by {guests.accelerator(root)}")
    return 0


def _tell(line: str) -> None:
    print(f"{line} …", file=sys.stderr, flush=True)
