"""An ordinary session of python-on-whales; what has come of each step is printed as JSON."""

import json
from pathlib import Path

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

docker, told = DockerClient(), {}
told["run"] = docker.run("busybox", ["echo", "hello"], remove=True)
box = docker.run("busybox", ["sleep", "100"], detach=True, name="whale-box", labels={"a": "b"}, stop_timeout=0)
told["state"] = [box.state.running, box.state.status, box.config.labels]
told["exec"] = docker.execute(box, ["sh", "-c", "echo in"])
Path("whale-file").write_text("text")
box.copy_to("whale-file", "/tmp/file")
told["copied"] = docker.execute(box, ["cat", "/tmp/file"])
Path("whale-file").unlink()
told["list"] = [each.name for each in docker.container.list(filters={"label": "a=b"})]
told["top"] = docker.container.exists("whale-box")
network = docker.network.create("whale-network")
docker.network.connect(network, box)
box.reload()
told["networks"] = sorted(box.network_settings.networks)
docker.network.disconnect(network, box)
network.remove()
volume = docker.volume.create("whale-volume")
told["volume"] = [volume.driver, volume.scope]
volume.remove()
told["stats"] = [each.container_name for each in docker.stats(box)]
box.pause()
box.reload()
told["paused"] = box.state.paused
box.unpause()
told["images"] = [each.repo_tags for each in docker.image.list()]
told["system"] = docker.system.info().os_type
box.remove(force=True)
try:
    docker.container.inspect("nonesuch")
except DockerException as error:
    told["missing"] = str(error.stderr)
print(json.dumps(told))
