"""Options that are unknown where they stand: those of `docker run` that `labcore run` has not, and what there is instead."""

import re
from typing import Final

WINDOWS: Final = "it is for Windows"
INSTEAD: Final = {
    "--link-local-ip": "--ip and --ip6 are addresses of the network",
    "--gpus": "--device PATH names the devices one by one",
    "--runtime": "labcore is the runtime; docker run --runtime labcore has docker use it",
    "--volume-driver --storage-opt": "volumes and layers are directories below the state root",
    "--disable-content-trust": "no signatures are looked for here: leave it out",
    "--kernel-memory": "kernels have dropped it; -m limits all memory",
    "--isolation --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops": WINDOWS,
    "--use-api-socket": "-v /run/docker.sock:/run/docker.sock",
    "--cidfile --name --rm -d --detach -t --tty -i --interactive": "plan starts nothing: leave it out",
}  # fmt: skip


def cure_of(message: str, command: str) -> str | None:
    """Return what to do about the first option that argparse's message says is unknown, if it is one of these."""
    unknown = re.findall(r"(?<!\S)--?[a-zA-Z][\w-]*", message.partition("unrecognized arguments:")[2])
    if "--root" in unknown:
        return "--root stands before the command: labcore --root DIR …"
    if command not in ("labcore run", "labcore plan"):
        return None
    together = re.findall(r"ignored explicit argument '(\w)", message)  # -it: an option that is known, and one that is not
    together += [letter for option in unknown if option[:2] != "--" for letter in option[1:]]
    for option in (*unknown, *(f"-{letter}" for letter in together)):
        for names, there_is in INSTEAD.items():
            if option in names.split():
                return f"{option} is docker's: {there_is}"
    return None
