"""`labcore vm run`: run a command in a virtual machine."""

import sys

from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import whole
from labcore.vm.guests import Guest, start
from labcore.vm.machine import Machine


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "A guest starts, runs the command and is ended. `labcore vm setup` makes what it needs."
    parser.add_argument("--full", action="store_true", help="start Debian, and end it when its multi-user target is reached")
    parser.add_argument("--machine", metavar="TYPE", help="q35 (a whole PC) or microvm; on arm64 virt")
    parser.add_argument("--accel", choices=("kvm", "tcg"), help="what runs its processor (default: kvm where it works)")
    parser.add_argument("--memory", type=whole(1, 1 << 20), metavar="MB", help="its memory (default: 256; Debian: 512)")
    parser.add_argument("--console", action="store_true", help="show what came over its serial line")
    parser.add_argument("--timeline", action="store_true", help="show where its start went")
    parser.add_argument("argv", nargs="...", metavar="COMMAND", help="for the guest's shell")


def main(args: Arguments) -> int:
    """Start it, run the command, and end it."""
    guest: Guest = "debian" if args.full else "small"
    with start(guest, machine_type=args.machine, accel=args.accel, memory_mb=args.memory, root=args.root) as machine:
        words = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
        if words:
            sys.stdout.write(machine.run(" ".join(words)))
            sys.stdout.flush()
        _report(machine, args)
        machine.stop()
    return 0


def _report(machine: Machine, args: Arguments) -> None:
    if args.console:
        print(machine.console)
    if args.timeline:
        for phase in machine.timeline:
            print(f"{phase.start_ms:8.0f} ms  {phase.duration_ms:8.0f} ms  {phase.name}")
    how = machine.hardware
    if args.timeline or not args.argv:
        print(f"ready after {machine.ready_after:.2f} s ({how.machine}, {how.accelerator}, {how.memory_mb} MB)")
