"""The help of `labcore` and of its nouns, as docker writes it: the common commands first."""

from __future__ import annotations

from labcore.cli.commands import COMMANDS, COMMON, NOUNS, OWN, SHORT


def help_of(noun: str = "") -> str:
    """Return the help of a noun, or of `labcore` itself."""
    if noun:
        verbs = {path.partition(" ")[2]: line for path, line in COMMANDS.items() if path.startswith(f"{noun} ")}
        parts = [f"Usage:  labcore {noun} COMMAND", NOUNS[noun], _section("Commands", verbs)]
        return "\n\n".join([*parts, f"Run 'labcore {noun} COMMAND --help' for more information on a command.\n"])
    lines = {name: COMMANDS[path] for name, path in SHORT.items()}
    lines |= {path: line for path, line in COMMANDS.items() if " " not in path} | NOUNS
    common = [name for name in COMMON if name in lines]
    nouns = [name for name in NOUNS if name not in OWN]
    rest = sorted(lines.keys() - {*common, *nouns, *OWN})
    return "\n\n".join(
        [
            "Usage:  labcore [OPTIONS] COMMAND",
            "Containers, small and complete: learn Docker by building it",
            _section("Common Commands", {name: lines[name] for name in common}),
            _section("Management Commands", {name: lines[name] for name in nouns}),
            _section("Commands", {name: lines[name] for name in rest}),
            _section("Commands that docker has not", {name: lines[name] for name in OWN}),
            "Global Options:\n"
            "  -c, --context NAME  A docker context, whose daemon is meant\n"
            "  -H, --host URL      The daemon: unix:///PATH, tcp://ADDRESS:PORT\n"
            "                      (default: $DOCKER_HOST, or the state root's own,\n"
            "                      which is started where there is none)\n"
            "      --root DIR      The state root: where images and everything else\n"
            "                      lie (default: $LABCORE_ROOT; /var/lib/labcore for\n"
            "                      root, ~/.local/share/labcore for a user)\n"
            "  -h, --help          Print this, or a command's help\n"
            "  -v, --version       Print the version",
            "Begin with: labcore seed; labcore run --rm hello-world\n"
            "Run 'labcore COMMAND --help' for more information on a command.\n",
        ]
    )


def _section(title: str, commands: dict[str, str]) -> str:
    return "\n".join([f"{title}:", *(f"  {name:12}{line}" for name, line in commands.items())])
