"""An ordinary session of testcontainers; what has come of each step is printed as JSON."""

import json
import tempfile
import urllib.request
from pathlib import Path

from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs

told = {}
command = "sh -c 'echo page > /index.html; echo ready; exec httpd -f -h /'"
with Network() as network:
    web = (
        DockerContainer("busybox")
        .with_command(command)
        .with_exposed_ports(80)
        .with_network(network)
        .with_network_aliases("site")
    )
    with web as server:
        wait_for_logs(server, "ready", timeout=20)
        url = f"http://{server.get_container_host_ip()}:{server.get_exposed_port(80)}/index.html"
        told["page"] = urllib.request.urlopen(url, timeout=10).read().decode()
        with DockerContainer("busybox").with_command("sleep 100").with_network(network).with_env("A", "b") as other:
            told["alias"] = other.exec(["wget", "-qO-", "http://site/index.html"]).output.decode()
            told["variable"] = other.exec(["sh", "-c", "echo $A"]).output.decode()
        told["logs"] = [each.decode() for each in server.get_logs()]
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "Dockerfile").write_text('FROM busybox\nARG A=0\nCOPY f /f\nRUN echo $A > /a\nCMD ["cat", "/a", "/f"]\n')
    Path(folder, "f").write_text("file\n")
    with DockerImage(path=folder, tag="tc:built", buildargs={"A": "5"}, clean_up=True) as image:
        told["build"] = ["".join(line.get("stream", "") for line in image.get_logs()).count("Step "), image.tag]
        with DockerContainer(str(image)) as made:
            made.get_wrapped_container().wait()
            told["built"] = made.get_logs()[0].decode()
print(json.dumps(told))
