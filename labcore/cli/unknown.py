"""Options that are unknown where they stand: those of `docker run` that `labcore run` has not, and what there is instead."""

import re
from typing import Final

ENGINES: Final = "labcore-runtime does that, driven by docker or podman: docker run --runtime labcore …"
INSTEAD: Final = {
    "-d --detach": "it runs in the foreground: end the line with &, or in Python labcore.spawn(plan, kept=…)",
    "-t --tty": "the program has this terminal's own streams; -i lets it read from it",
    "-a --attach": "output comes here in any case; -i lets it read this standard input",
    "--name": "--snapshot NAME keeps what it writes under a name",
    "-p --publish -P --publish-all --expose": "a container has the loopback interface alone; networks are to come",
    "--network --net --ip --ip6 --dns --dns-search --dns-option --add-host --link --mac-address --network-alias":
        "a container has the loopback interface alone; networks are to come",
    "-m --memory --memory-swap --memory-reservation -c --cpu-shares --cpus --cpuset-cpus --cpu-quota --pids-limit --ulimit":
        ENGINES,
    "--cap-add --cap-drop --security-opt": f"--privileged leaves it all of root's power; {ENGINES}",
    "--device --gpus --shm-size --sysctl --read-only --group-add --oom-score-adj --cgroup-parent --runtime": ENGINES,
    "--pid --ipc --uts --cgroupns": f"a container's namespaces are its own; {ENGINES}",
    "--userns": "--userns-remap FIRST[:SIZE]",
    "--volumes-from": "name the same volume: -v NAME:PATH",
    "--restart --health-cmd --no-healthcheck --stop-signal --stop-timeout --log-driver --log-opt -l --label --cidfile": ENGINES,
    "--platform --pull": "labcore pull --platform OS/ARCH IMAGE first",
    "--detach-keys --sig-proxy": "signals are passed on, and a second Ctrl-C kills it",
}  # fmt: skip


def cure_of(message: str, command: str) -> str | None:
    """Return what to do about the first option that argparse's message says is unknown, if it is one of these."""
    unknown = re.findall(r"(?<!\S)--?[a-zA-Z][\w-]*", message.partition("unrecognized arguments:")[2])
    if "--root" in unknown:
        return "--root stands before the command: labcore --root DIR …"
    if command not in ("labcore run", "labcore plan"):
        return None
    together = re.findall(r"ignored explicit argument '(\w)", message)  # -it: an option that is known, and one that is not
    for option in (*unknown, *(f"-{letter}" for letter in together)):
        for names, there_is in INSTEAD.items():
            if option in names.split():
                return f"{option} is docker's: {there_is}"
    return None
