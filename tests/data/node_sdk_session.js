// An ordinary session of docker's own SDK for Node; what has come of each step is printed as JSON.
const { DockerClient, Filter } = require("@docker/node-sdk");
const { PassThrough, Readable, Writable } = require("stream");
const tar = require("tar-stream");
const told = {};

class Kept extends Writable {
  text = "";
  _write(piece, encoding, done) { this.text += piece; done(); }
}
const web = (kept) => Writable.toWeb(kept);
// Some calls of this SDK fail at every daemon; then it is the failure that has to be the same.
const tried = (promise) => promise.catch((error) => `failed: ${error.name}`);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function main() {
  const docker = await DockerClient.fromDockerHost(process.env.DOCKER_HOST);
  told.ping = await docker.systemPing();
  told.version = (await docker.systemVersion()).ApiVersion;
  told.images = (await docker.imageList()).map((image) => image.RepoTags);
  const command = "trap 'exit 3' TERM; echo one; echo two >&2; while :; do sleep 0.1; done";
  const { Id } = await docker.containerCreate(
    { Image: "busybox", Cmd: ["sh", "-c", command], Labels: { of: "sdk" },
      HostConfig: { Memory: 64 << 20, Binds: ["sdk-data:/data"] } },
    { name: "sdk-box" });
  await docker.containerStart(Id);
  await pause(500);
  const out = new Kept(), err = new Kept();
  await docker.containerLogs(Id, out, err, { stdout: true, stderr: true });
  told.logs = [out.text, err.text];
  const exec = await docker.containerExec(Id, { Cmd: ["sh", "-c", "echo out; echo err >&2; exit 4"], AttachStdout: true,
      AttachStderr: true });
  const execOut = new Kept(), execErr = new Kept();
  await docker.execStart(exec.Id, execOut, execErr, { Detach: false });
  told.exec = [execOut.text, execErr.text, (await docker.execInspect(exec.Id)).ExitCode];
  const pack = tar.pack();
  pack.entry({ name: "put", mode: 0o640 }, "content\n");
  pack.finalize();
  await docker.putContainerArchive(Id, "/data", Readable.toWeb(pack, { strategy: { highWaterMark: 1 << 16 } }));
  told.stat = await tried(docker.containerArchiveInfo(Id, "/data/put"));
  const archive = new Kept();
  await docker.containerArchive(Id, "/data/put", web(archive));
  told.archive = archive.text.includes("content");
  const listed = await docker.containerList({ filters: new Filter().add("label", "of=sdk") });
  told.list = listed.map((each) => [each.Names, each.State]);
  told.top = (await docker.containerTop(Id)).Titles;
  const stats = await docker.containerStats(Id, { stream: false });
  told.stats = stats.pids_stats.current > 0;
  told.changes = (await docker.containerChanges(Id)).map((each) => [each.Kind, each.Path]);
  told.update = (await docker.containerUpdate(Id, { Memory: 128 << 20, MemorySwap: 256 << 20 })).Warnings;
  await docker.containerRename(Id, "sdk-renamed");
  await docker.containerPause(Id);
  const inspected = await docker.containerInspect(Id);
  told.inspect = [inspected.Name, inspected.State.Status, inspected.HostConfig.Memory];
  told.mounts = inspected.Mounts.map((each) => each.Name);
  await docker.containerUnpause(Id);
  const network = await docker.networkCreate({ Name: "sdk-net", Labels: { of: "sdk" } });
  await docker.networkConnect(network.Id, { Container: Id, EndpointConfig: { Aliases: ["alias"] } });
  told.network = Object.keys((await docker.networkInspect(network.Id)).Containers).length;
  await docker.networkDisconnect(network.Id, { Container: Id, Force: true });
  await docker.networkDelete(network.Id);
  const waited = docker.containerWait(Id);
  await docker.containerStop(Id, { timeout: 5 });
  told.exit = (await waited).StatusCode;
  const committed = await docker.imageCommit(Id, { repo: "sdk-made", tag: "v1", comment: "why" });
  told.commit = committed.Id.startsWith("sha256:");
  told.tag = await tried(docker.imageTag(committed.Id, "sdk-made", "v2").then(() => "tagged"));
  told.history = await tried(docker.imageHistory(committed.Id).then((history) => history[0].Comment));
  const saved = new PassThrough();
  let size = 0;
  saved.on("data", (piece) => (size += piece.length));
  told.got = await tried(docker.imageGet(committed.Id, web(saved)));
  told.saved = size > 1000;
  told.deleted = (await docker.imageDelete(committed.Id, { force: true })).length;
  const tty = await docker.containerCreate({ Image: "busybox", Cmd: ["sh", "-c", "tty; exit 2"], Tty: true });
  await docker.containerStart(tty.Id);
  told.tty = (await docker.containerWait(tty.Id)).StatusCode;
  for (const id of [Id, tty.Id]) await docker.containerDelete(id, { volumes: true, force: true });
  // Its `since`, `until` and `filters` do not reach the daemon: the events are those from now on, and have no end.
  const events = docker.systemEvents({});
  const first = events.next();
  await pause(500);
  await docker.volumeCreate({ Name: "sdk-volume", Labels: { of: "sdk" } });
  told.event = (await first).value.Action;
  await events.return();
  told.volumes = (await docker.volumeList()).Volumes.map((each) => each.Name).sort();
  for (const name of ["sdk-volume", "sdk-data"]) await docker.volumeDelete(name);
  told.pruned = [(await docker.containerPrune()).ContainersDeleted?.length,
      (await docker.networkPrune()).NetworksDeleted?.length];
  told.missing = await docker.containerInspect("nonesuch").catch((error) => [error.name, error.message]);
  told.usage = Object.keys(await docker.systemDataUsage()).sort();
  await docker.close();
}

const deadline = setTimeout(() => { console.error("came to", told); process.exit(1); }, 120_000);
main().then(
  () => { console.log(JSON.stringify(told, null, 1)); clearTimeout(deadline); },
  (error) => { console.error(error, "came to", told); process.exit(1); });
