"""Options that are unknown where they stand: those of docker that labcore has not, and what there is instead."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Final

WINDOWS: Final = "it is for Windows"
CLUSTER: Final = "it is for the volumes of a swarm, and labcore is one machine's"
OTHERS: Final = "it is for networks of a swarm, or of other drivers"
ATTESTED: Final = "nothing is attested of an image; labcore history says how it was made"
INSTEAD: Final = {
    "--allow": "what a Dockerfile asks for is done or refused by its line; there is nothing to be allowed beforehand",
    "--annotation": "an image has labels: --label NAME=VALUE",
    "--attest --provenance --sbom": ATTESTED,
    "--builder": "the daemon is the builder; labcore -H URL builds by another",
    "--call": "--check is what there is of it",
    "--debug": "labcore jobs and labcore trace show what a daemon does; build --debug-shell opens a failed step",
    "--verbose": "labcore builder du --verbose shows all that there is",
    "--gpus": "--device PATH names the devices one by one",
    "--kernel-memory": "kernels have dropped it; -m limits all memory",
    "--link-local-ip": "--ip and --ip6 are addresses of the network",
    "--runtime": "labcore is the runtime; docker run --runtime labcore has docker use it",
    "--storage-opt": "what a container writes is not limited; --tmpfs PATH:size=64m and --read-only are",
    "--use-api-socket": "-v /run/labcore.sock:/run/docker.sock",
    "--volume-driver": "volumes are directories below the state root",
    "--disable-content-trust": "signatures of Notary are not looked at, and a digest names one image for good: NAME@sha256:…",
    "--checkpoint --checkpoint-dir": "nothing freezes a process to disk; labcore pause keeps it in memory",
    "--isolation --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops": WINDOWS,
    "--config-from --config-only --ingress --ipam-driver --ipam-opt --scope": OTHERS,
    "--availability --cluster --group --limit-bytes --required-bytes --secret --sharing": CLUSTER,
    "--topology-preferred --topology-required --type": CLUSTER,
}  # fmt: skip


def instead_of_option(option: str) -> str | None:
    """Return what there is instead of an option of docker's that is not here."""
    return next((there_is for names, there_is in INSTEAD.items() if option in names.split()), None)


def cure_of(option: str, command: str, options_of_run: Callable[[], Container[str]]) -> str | None:
    """Return what to do about an option that is unknown to a command, if it is known elsewhere or one of docker's."""
    if option == "--root":
        return "--root stands before the command: labcore --root DIR …"
    if command == "labcore plan" and option in options_of_run():
        return f"plan starts nothing: leave {option} out"
    there_is = instead_of_option(option)
    return f"{option} is docker's: {there_is}" if there_is else None
