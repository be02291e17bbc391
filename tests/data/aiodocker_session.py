"""An ordinary session of aiodocker; what has come of each step is printed as JSON."""

import asyncio
import io
import json
import os
import tarfile

import aiodocker

told = {}


async def main() -> None:
    docker = aiodocker.Docker(url=os.environ["DOCKER_HOST"])
    config = {"Image": "busybox", "Cmd": ["sh", "-c", "echo one; echo two >&2; sleep 100"], "StopTimeout": 0}
    box = await docker.containers.create_or_replace(config=config, name="aio-box")
    await box.start()
    execution = await box.exec(["sh", "-c", "echo in; echo err >&2; exit 5"])
    async with execution.start() as stream:
        said = []
        while message := await stream.read_out():
            said.append((message.stream, message.data.decode()))
        told["exec"] = sorted(said)
    told["exec code"] = (await execution.inspect())["ExitCode"]
    told["log"] = await box.log(stdout=True)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo("put")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"put"))
    await box.put_archive("/tmp", made.getvalue())
    told["archive"] = (await box.get_archive("/tmp/put")).extractfile("put").read().decode()
    told["stats"] = sorted((await box.stats(stream=False))[0])
    volume = await docker.volumes.create({"Name": "aio-volume"})
    told["volume"] = (await volume.show())["Driver"]
    await volume.delete()
    network = await docker.networks.create({"Name": "aio-network"})
    await network.connect({"Container": box.id})
    told["network"] = len((await network.show())["Containers"])
    await network.disconnect({"Container": box.id, "Force": True})
    await network.delete()
    cat = await docker.containers.create(
        {"Image": "busybox", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True, "Tty": True}
    )
    async with cat.attach(stdin=True, stdout=True, stderr=True) as stream:
        await cat.start()
        await stream.write_in(b"typed\n")
        told["attached"] = (await stream.read_out()).data[:5].decode()
        await cat.kill()
    await cat.wait()
    await cat.delete()
    await box.stop(t=0)
    told["wait"] = (await box.wait())["StatusCode"]
    await box.delete(force=True)
    try:
        await docker.containers.get("nonesuch")
    except aiodocker.DockerError as error:
        told["missing"] = [error.status, error.message]
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w:gz") as tar:
        for name, text in (("Dockerfile", b"FROM busybox\nARG A\nCOPY f /f\nRUN echo $A > /a\n"), ("f", b"file\n")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    context.seek(0)
    lines = await docker.images.build(fileobj=context, encoding="gzip", tag="aio:built", buildargs={"A": "5"}, nocache=True)
    told["steps"] = [line["stream"] for line in lines if line.get("stream", "").startswith("Step")]
    built = await docker.containers.run({"Image": "aio:built", "Cmd": ["cat", "/a", "/f"]})
    await built.wait()
    told["built"] = await built.log(stdout=True)
    await built.delete()
    await docker.images.delete("aio:built")
    await docker.close()


asyncio.run(main())
print(json.dumps(told))
