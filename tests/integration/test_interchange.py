"""Tools that nobody here wrote read the store as it lies on disk."""

import json
import subprocess
from pathlib import Path

from labcore.engine import Engine
from labcore.spec import Reference
from tests.conftest import needs, needs_root


def test_skopeo_reads_the_store(engine: Engine, tmp_path: Path) -> None:
    needs("skopeo")
    source = f"oci:{engine.root}/images:busybox:latest"
    done = subprocess.run(["skopeo", "inspect", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    image = engine.images.get(Reference.parse("busybox"))
    assert json.loads(done.stdout)["Digest"] == image.descriptor.digest
    subprocess.run(["skopeo", "copy", "--quiet", source, f"oci:{tmp_path}:copied"], check=True)
    subprocess.run(["skopeo", "copy", "--quiet", source, f"docker-archive:{tmp_path}/a.tar:b:1"], check=True)


def test_umoci_unpacks_it(engine: Engine, tmp_path: Path) -> None:
    needs("umoci")
    needs_root()
    image = f"{engine.root}/images:hello-world:latest"
    done = subprocess.run(["umoci", "unpack", "--image", image, str(tmp_path / "bundle")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    hello = (tmp_path / "bundle/rootfs/hello").read_bytes()
    assert hello.startswith(b"\x7fELF")
    assert json.loads((tmp_path / "bundle/config.json").read_text())["process"]["args"] == ["/hello"]


def test_what_skopeo_copies_in_is_run(engine: Engine, tmp_path: Path) -> None:
    needs("skopeo")
    needs_root()
    import labcore

    source = f"oci:{engine.root}/images:busybox:latest"
    (tmp_path / "state").mkdir()
    subprocess.run(["skopeo", "copy", "--quiet", source, f"oci:{tmp_path}/state/images:brought:1"], check=True)
    assert labcore.run("brought:1", ["echo", "hi"], root=tmp_path / "state").stdout == b"hi\n"
