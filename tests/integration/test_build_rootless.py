"""RUN by an ordinary user, in a user namespace: layers, mounts and secrets as root has them."""

import sys

from tests.conftest import as_learner

PROGRAM = """
import os, tempfile
from pathlib import Path
from labcore.runtime.userns import enter
enter()
from labcore.builder.run.mount_origins import MountOrigin
from labcore.builder.parser.instructions import RunMount
from labcore.engine import Engine
from labcore.storage.layers import layer_id
from tests.builds import base, clean, made, run
engine = Engine(tempfile.mkdtemp())
engine.seed("busybox")
layer = made(engine, "rm /etc/passwd; rm -r /var; mkdir /var; echo x > /var/x; mkdir /new; chown 7:8 /new; chmod 1777 /new")
layers = [*base(engine), layer_id(layer.diff_id)]
mounts = [
    RunMount("secret", id="s"), RunMount("cache", target="/c"), RunMount("bind", target="/b", origin="stage"),
    RunMount("tmpfs", target="/t"),
]
done = run(
    engine, "ls /var /b/var; stat -c '%a %u %g' /new; cat /run/secrets/s; touch /c/x /t/x /b/x; test ! -e /etc/passwd",
    layers=layers, mounts=mounts, secrets={"s": b"secret"}, origins={"stage": MountOrigin("stage", layers=tuple(layers))},
)
assert done.exit_code == 0, done
assert done.layer is None, done
print(done.stdout.decode())
assert clean(engine) or os.geteuid()
"""


def test_an_ordinary_users_steps() -> None:
    done = as_learner(sys.executable, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["/b/var:", "x", "/var:", "x", "1777", "7", "8", "secret"]
