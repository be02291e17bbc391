// An ordinary session of dockerode; what has come of each step is printed as JSON.
const Docker = require("dockerode");
const fs = require("fs"), os = require("os"), path = require("path");
const { PassThrough } = require("stream");
const docker = new Docker({ socketPath: process.argv[2] });
const told = {};

function collected(stream, demux) {
  return new Promise((resolve, reject) => {
    const out = new PassThrough(), err = new PassThrough();
    let text = ["", ""];
    out.on("data", (piece) => (text[0] += piece));
    err.on("data", (piece) => (text[1] += piece));
    if (demux) docker.modem.demuxStream(stream, out, err);
    else stream.on("data", (piece) => out.write(piece));
    stream.on("end", () => setImmediate(() => resolve(text)));
    stream.on("close", () => setImmediate(() => resolve(text)));
    stream.on("error", reject);
  });
}

async function main() {
  told.ping = (await docker.ping()).toString();
  told.images = (await docker.listImages()).map((image) => image.RepoTags);
  const out = new PassThrough();
  let said = "";
  out.on("data", (piece) => (said += piece));
  const [end, ran] = await docker.run("busybox", ["sh", "-c", "echo hello; exit 3"], out, { name: "node-run" });
  told.run = [said, end.StatusCode];
  await ran.remove();

  const cat = await docker.createContainer({ Image: "busybox", Cmd: ["cat"], OpenStdin: true, StdinOnce: true,
      AttachStdin: true, AttachStdout: true });
  const stream = await cat.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const reply = collected(stream, true);
  await cat.start();
  stream.write("typed\n");
  stream.end();
  told.cat = [await reply, (await cat.wait()).StatusCode];
  await cat.remove({ v: true });

  const box = await docker.createContainer({ Image: "busybox", Cmd: ["sh", "-c", "echo one; echo two >&2; sleep 100"],
      Labels: { of: "node" }, name: "node-box", StopTimeout: 0 });
  await box.start();
  const exec = await box.exec({ Cmd: ["sh", "-c", "read x; echo got $x; exit 4"], AttachStdin: true, AttachStdout: true,
      AttachStderr: true });
  const session = await exec.start({ hijack: true, stdin: true });
  const answer = collected(session, true);
  session.write("it\n");
  told.exec = [await answer, (await exec.inspect()).ExitCode];
  told.list = (await docker.listContainers({ filters: { label: ["of=node"] } })).map((each) => [each.Names, each.State]);
  const log = await box.logs({ stdout: true, stderr: true });
  told.logs = log.length;
  const followed = await box.logs({ stdout: true, stderr: true, follow: true });
  const lines = collected(followed, true);
  const archive = await box.getArchive({ path: "/etc/passwd" });
  told.archive = (await collected(archive, false))[0].includes("root");
  const stats = await box.stats({ stream: false });
  told.stats = [stats.pids_stats.current, stats.memory_stats.usage > 0];
  const network = await docker.createNetwork({ Name: "node-net" });
  await network.connect({ Container: box.id, EndpointConfig: { Aliases: ["alias"] } });
  told.networks = Object.keys((await box.inspect()).NetworkSettings.Networks).sort();
  await network.disconnect({ Container: box.id });
  await network.remove();
  const volume = await docker.createVolume({ Name: "node-volume" });
  told.volume = (await docker.listVolumes()).Volumes.map((each) => each.Name);
  await volume.remove();
  const events = await docker.getEvents({ filters: { container: [box.id] } });
  const first = new Promise((resolve) => events.once("data", (piece) => resolve(JSON.parse(piece).Action)));
  await box.pause();
  told.event = await first;
  events.destroy();
  await box.unpause();
  await box.stop({ t: 0 });
  told.followed = await lines;
  await box.start().then(() => box.start()).catch((error) => (told.again = error.statusCode));
  await docker.getContainer("nonesuch").inspect().catch((error) => (told.missing = [error.statusCode, error.json]));
  await box.remove({ force: true });
  const image = await docker.getImage("busybox").get();
  told.saved = (await collected(image, false))[0].length > 1000;
  told.built = await built();
}

async function built() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "dockerode-"));
  fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox\nARG A\nCOPY f /f\nRUN echo built $A > /a\nCMD cat /a /f\n");
  fs.writeFileSync(path.join(folder, "f"), "file\n");
  const options = { t: "node-built:v1", buildargs: { A: "it" }, labels: { of: "node" }, nocache: true };
  const stream = await docker.buildImage({ context: folder, src: ["Dockerfile", "f"] }, options);
  const told = await new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, lines) => (error ? reject(error) : resolve(lines))));
  fs.rmSync(folder, { recursive: true });
  const said = told.map((line) => (line.stream || "").replace(/[0-9a-f]{12}/g, "ID")).join("").split("\n");
  const out = new PassThrough();
  let text = "";
  out.on("data", (piece) => (text += piece));
  const [, ran] = await docker.run("node-built:v1", [], out);
  await ran.remove();
  const image = docker.getImage("node-built:v1");
  const labels = (await image.inspect()).Config.Labels;
  await image.remove();
  return [said.filter((line) => line.startsWith("Step") || line.startsWith("Success")), text, labels];
}

main().then(() => console.log(JSON.stringify(told, null, 1)), (error) => { console.error(error); process.exit(1); });
