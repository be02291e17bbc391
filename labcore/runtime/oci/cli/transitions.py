"""start, kill, delete: the short commands, which import as little as they can."""

from labcore.errors import InvalidInput
from labcore.runtime.oci import transitions
from labcore.runtime.oci.cli.options import Options, one_name, read_options, root_of
from labcore.runtime.oci.life import Life


def do_start(general: Options, words: list[str]) -> int:
    """Let a container become its program."""
    options, _ = read_options(words)
    transitions.start(root_of(general), one_name(options, "start"))
    return 0


def do_delete(general: Options, words: list[str]) -> int:
    """Forget a container."""
    options, _ = read_options(words, short={"f": "force"})
    transitions.delete(root_of(general), one_name(options, "delete"), force=bool(options.get("force")))
    return 0


def do_kill(general: Options, words: list[str]) -> int:
    """Send a signal."""
    options, _ = read_options([w if not w.lstrip("-").isdigit() else w.lstrip("-") for w in words])
    name = one_name(options, "kill")
    number = signal_number(options.get("signal") or (options.words[1] if len(options.words) > 1 else "TERM"))
    if options.get("all"):
        from labcore.runtime.oci.lifecycle import Runtime

        Runtime(root_of(general)).kill(name, number, everybody=True)
    else:
        Life.load(root_of(general), name).kill(number)
    return 0


def signal_number(text: str) -> int:
    """Return a signal's number from `9`, `KILL` or `SIGKILL`; 0 only asks whether there is somebody. Raises InvalidInput."""
    import _signal as signal  # all of `signal` but its enumerations, which take long

    if text.isdigit():
        number = int(text)
    else:
        name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
        number = getattr(signal, name, 0) if name.removeprefix("SIG").isalnum() else 0
    if not 0 <= number <= signal.SIGRTMAX or (not number and text != "0"):
        raise InvalidInput(f"{text} is no signal")
    return int(number)
