// An ordinary session of testcontainers for Node; what has come of each step is printed as JSON.
const fs = require("fs"), os = require("os"), path = require("path");
const { DockerComposeEnvironment, GenericContainer, Network, Wait, getContainerRuntimeClient } = require("testcontainers");
const told = {};

const page = async (container, name) =>
    (await fetch(`http://${container.getHost()}:${container.getMappedPort(80)}/${name}`)).text();

async function main() {
  const network = await new Network().start();
  const web = await new GenericContainer("busybox")
    .withCommand(["sh", "-c", "echo ready; exec httpd -f -h /www"])
    .withCopyContentToContainer([{ content: "page\n", target: "/www/index.html", mode: 0o644 }])
    .withExposedPorts(80)
    .withNetwork(network)
    .withNetworkAliases("site")
    .withLabels({ of: "node" })
    .withTmpFs({ "/scratch": "rw,size=1m" })
    .withUlimits({ nofile: { soft: 100, hard: 200 } })
    .withResourcesQuota({ memory: 0.0625, cpu: 0.5 })
    .withWaitStrategy(Wait.forAll([Wait.forLogMessage("ready"), Wait.forListeningPorts(), Wait.forHttp("/index.html", 80)]))
    .start();
  told.page = await page(web, "index.html");
  const other = await new GenericContainer("busybox")
    .withCommand(["sleep", "100"])
    .withNetwork(network)
    .withEnvironment({ A: "b" })
    .withUser("7:8")
    .withWorkingDir("/tmp")
    .withExtraHosts([{ host: "there", ipAddress: "10.1.2.3" }])
    .withHealthCheck({ test: ["CMD-SHELL", "test -e /tmp"], interval: 200, timeout: 1000, retries: 20, startPeriod: 100 })
    .withWaitStrategy(Wait.forHealthCheck())
    .start();
  told.alias = (await other.exec(["wget", "-qO-", "http://site/index.html"])).output;
  const inside = await other.exec(["sh", "-c", "echo $A; id; pwd; grep -c there /etc/hosts; echo told >&2; exit 4"]);
  told.inside = [inside.stdout, inside.stderr, inside.exitCode];
  told.limits = (await web.exec(["sh", "-c", "ulimit -n; ulimit -Hn; df -k /scratch | tail -1 | awk '{print $2}'"])).output;
  await other.copyContentToContainer([{ content: "copied", target: "/tmp/copied" }]);
  told.copied = (await other.exec(["cat", "/tmp/copied"])).output;
  const archive = await other.copyArchiveFromContainer("/tmp/copied");
  told.archive = await new Promise((resolve) => {
    let size = 0;
    archive.on("data", (piece) => (size += piece.length)).on("end", () => resolve(size > 512));
  });
  const image = await other.commit({ repo: "tc-node", tag: "v1" });
  const made = await new GenericContainer("tc-node:v1").withCommand(["cat", "/tmp/copied"])
      .withWaitStrategy(Wait.forOneShotStartup()).start();
  told.committed = [image.startsWith("sha256:"), await logged(made)];
  await made.stop();
  await web.restart();
  told.again = await page(web, "index.html");
  told.failed = await new GenericContainer("busybox").withCommand(["nonesuch"]).start()
      .catch((error) => /HTTP code \d+/.exec(error.message)[0]);
  const client = await getContainerRuntimeClient();
  told.found = (await client.container.fetchByLabel("of", "node")) !== undefined;
  await client.image.remove?.(image);
  for (const each of [other, web, network]) await each.stop();
  told.built = await built();
  told.composed = await composed();
}

const logged = (container) => new Promise((resolve) => {
  let text = "";
  container.logs().then((stream) => stream.on("data", (piece) => (text += piece)).on("end", () => resolve(text)));
});

async function built() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "built-"));
  fs.writeFileSync(path.join(folder, "Dockerfile"), "FROM busybox AS one\nARG A\nRUN echo $A > /a\nFROM one\nCOPY f /f\n");
  fs.writeFileSync(path.join(folder, "f"), "file\n");
  const image = await GenericContainer.fromDockerfile(folder).withBuildArgs({ A: "5" }).withCache(false)
      .build("tc-node-built:v1", { deleteOnExit: false });
  const made = await image.withCommand(["cat", "/a", "/f"]).withWaitStrategy(Wait.forOneShotStartup()).start();
  const text = await logged(made);
  await made.stop();
  fs.rmSync(folder, { recursive: true });
  return text;
}

async function composed() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "compose-"));
  const services = { web: { image: "busybox", command: "sh -c 'echo $$GREETING > /index.html; exec httpd -f -h /'",
      environment: { GREETING: "${GREETING}" }, ports: ["80"] } };
  fs.writeFileSync(path.join(folder, "compose.yaml"), JSON.stringify({ services }));
  const environment = await new DockerComposeEnvironment(folder, "compose.yaml")
    .withEnvironment({ GREETING: "hello" })
    .withWaitStrategy("web-1", Wait.forListeningPorts())
    .up();
  const text = await page(environment.getContainer("web-1"), "index.html");
  await environment.down({ timeout: 0, removeVolumes: true });
  fs.rmSync(folder, { recursive: true });
  return text;
}

// The library does not let a log that is followed hold the program: the deadline does.
const deadline = setTimeout(() => { console.error("came to", told); process.exit(1); }, 120_000);
main().then(
  () => { console.log(JSON.stringify(told, null, 1)); clearTimeout(deadline); },
  (error) => { console.error(error, "came to", told); process.exit(1); });
