"""`labcore lab`: a first container, then JupyterLab."""

import signal
from importlib.util import find_spec
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.engine import SEED_NAMES, Engine, default_root, plan
from labcore.errors import ImageNotFound, Unavailable
from labcore.lab import copies, jupyter
from labcore.lab.lessons import LESSONS
from labcore.language import language
from labcore.native import DEVNULL, PIPE
from labcore.runtime import spawn
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--ip", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument(
        "--lessons", type=Path, default=copies.LESSONS_HERE, metavar="DIR", help="the lessons (default: labcore's)"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("work"), metavar="DIR", help="your copy of them, made once (default: work)"
    )


def main(args: Arguments) -> int:
    """Make what is missing, say in one line what a container is, and serve the working copy until Ctrl-C."""
    must_be_installed()
    copies.working_copy(args.lessons, args.work)
    where = LESSONS[0].file if language() == "en" else f"{language()}/{LESSONS[0].file}"
    return serve(args.root, args.work, lesson=where, ip=args.ip)


def serve(given: Path | None, work: Path, *, lesson: str, ip: str = "127.0.0.1", large: bool = False) -> int:
    """Make the images, start a first container, and serve the notebooks in `work` until Ctrl-C; return the exit status."""
    root = given or default_root()
    _make_seeds(Engine(root))
    print(_first_container(root), flush=True)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a polite `kill`, or a closed terminal, ends it as the keyboard does
        signal.signal(number, signal.default_int_handler)
    try:
        with jupyter.jupyter_lab(work.absolute(), root / "lab", ip=ip, lesson=lesson, large=large) as (url, server):
            print(f"JupyterLab (Ctrl-C ends it; the lessons it shows are in {work}/):\n{url}", flush=True)
            server.wait()
    except KeyboardInterrupt:  # whenever it comes: the server has been ended by now
        print()
    return 0


def must_be_installed() -> None:
    """Raise Unavailable unless what the lessons are read with is there."""
    for package in ("jupyterlab", "ipywidgets", "matplotlib"):
        if find_spec(package) is None:
            raise Unavailable(f"{package} is not installed: pip install '.[lab]', in labcore's folder")


def _make_seeds(engine: Engine) -> None:
    for name in SEED_NAMES:
        try:
            engine.images.get(Reference.parse(name))
        except ImageNotFound:
            image = engine.seed(name)
            print(f"image made: {image.name}, {sum(layer.size for layer in image.layers) / 1e6:.1f} MB", flush=True)


def _first_container(root: Path) -> str:
    """Start one, look at it while it waits for its standard input to end, and say what was seen."""
    made = plan("busybox", ["cat"], root=root)
    with spawn(made, stdin=PIPE, stdout=DEVNULL) as process:
        end = process.timeline[-1]
        took = (end.start_us + end.duration_us) / 1000
        line = f"container started in {took:.1f} ms; pid {process.pid_inside} inside, {process.pid} outside"
        process.communicate(timeout=10)
    return line
