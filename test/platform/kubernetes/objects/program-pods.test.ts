import assert from "node:assert/strict";
import type { ProjectLaunch } from "../../../../client-image/project/project-pack.ts";
import { LABELS } from "../../../../platform/kubernetes/objects/names.ts";
import { podTemplate } from "../../../../platform/kubernetes/objects/pod-template.ts";
import { newRecord } from "../../../../platform/kubernetes/versions/versions.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import type { Settings } from "../../../../platform/settings/settings.ts";
import { draftOf } from "../../../support/platform/draft.ts";

const OPTIONS = { image: "skiff-client:1", limits: limitsFromEnv({}), cpuRequest: "50m" };
const REFERENCE = `docker.io/library/nginx@sha256:${"a".repeat(64)}`;

// biome-ignore lint/suspicious/noExplicitAny: manifests are read by path
type Any = any;

function podOf(launch: Partial<ProjectLaunch>, settings: Partial<Settings>, options = {}): Any {
  const record = newRecord(draftOf("hello", "source", settings), {
    version: 7,
    createdAt: new Date(0),
    sourceType: "application/octet-stream",
    project: { entry: "", replaced: [], importHosts: [], ...launch },
    bundleParts: 1,
    sourceParts: 1,
  });
  return (podTemplate(record, { ...OPTIONS, ...options }) as Any).spec;
}

const programPod = (settings: Partial<Settings> = {}, options = {}) =>
  podOf(
    { program: { command: ["./main", "$x"], executables: ["main"] } },
    { runtime: "program", ...settings },
    options,
  );
const imagePod = (settings: Partial<Settings> = {}) =>
  podOf({ image: { reference: REFERENCE } }, { runtime: "image", ...settings });

const variable = ({ env }: Any, name: string): string | undefined =>
  env.find((each: Any) => each.name === name)?.value?.replaceAll("$$", () => "$");
const messageOf = (container: Any): Any => JSON.parse(variable(container, "SKIFF_START")!);

/** What the restricted level of Pod Security asks of every container. */
function assertRestricted({ securityContext, containers, initContainers = [], volumes, ...rest }: Any): void {
  assert.deepEqual([securityContext.runAsNonRoot, securityContext.runAsUser], [true, 1993]);
  assert.equal(rest.automountServiceAccountToken, false);
  for (const container of [...containers, ...initContainers]) {
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.ok(container.resources.limits.memory);
  }
  for (const volume of volumes) assert.ok(volume.emptyDir ?? volume.projected);
}

describe("the pod of a program", () => {
  it("runs the program host of the client image, which has the process ids for itself", () => {
    const pod = programPod({ env: { A: "$(HOME)" }, concurrency: 3, timeoutMs: 5_000 });
    assertRestricted(pod);
    const [container] = pod.containers;
    assert.equal(container.image, "skiff-client:1");
    assert.deepEqual(
      [...container.command, ...container.args],
      [
        ...["/bin/sh", "/skiff/program.sh", "/skiff/parts", "/work/project"],
        ...["/usr/local/bin/node", "/skiff/inject/host.mjs"],
      ],
    );
    const { listen, concurrency, host, env } = messageOf(container);
    assert.deepEqual([listen, concurrency], [{ port: 8000 }, 3]);
    assert.deepEqual(host, {
      mode: "call",
      command: ["./main", "$x"],
      cwd: "/work/project",
      cgi: false,
      timeoutMs: 5_000,
      ownsProcesses: true,
    });
    assert.deepEqual(env, ["PATH", "LANG", "HOME", "TMPDIR", "A"]);
    assert.equal(variable(container, "A"), "$(HOME)");
    assert.ok(container.readinessProbe.httpGet);
  });

  it("is reached at its own port if it serves, and asked for a connection only", () => {
    const [container] = programPod({ program: { mode: "serve" } }).containers;
    const { host, listen } = messageOf(container);
    assert.deepEqual([host.mode, host.port, listen], ["serve", 8000, { port: 8000 }]);
    assert.deepEqual(container.readinessProbe.tcpSocket, { port: "http" });
  });

  it("has the host before it if each instance takes one call", () => {
    const [container] = programPod({
      program: { mode: "serve" },
      isolation: "call",
      concurrency: 50,
    }).containers;
    const { host, isOnce, concurrency } = messageOf(container);
    assert.deepEqual([host.port, isOnce, concurrency], [8001, true, 1]);
    assert.ok(container.readinessProbe.httpGet);
  });

  it("has the image and the class of runtime that somebody named", () => {
    const { runtimeClassName, containers } = programPod(
      { runtimeClass: "gvisor" },
      { programImage: "mine:1" },
    );
    assert.deepEqual([runtimeClassName, containers[0].image], ["gvisor", "mine:1"]);
    assert.equal("runtimeClassName" in programPod(), false);
  });
});

describe("the pod of an image", () => {
  it("runs the digest with PORT and a writable /tmp", () => {
    const pod = imagePod({ env: { A: "$a" }, pullSecret: "registry", memoryMiB: 128 });
    assertRestricted(pod);
    const [container] = pod.containers;
    assert.equal(container.image, REFERENCE);
    assert.equal(container.imagePullPolicy, "IfNotPresent");
    assert.deepEqual(
      ["PORT", "HOME", "TMPDIR", "A"].map((name) => variable(container, name)),
      ["8000", "/tmp", "/tmp", "$a"],
    );
    for (const member of ["command", "args", "workingDir"]) assert.equal(member in container, false, member);
    assert.deepEqual(container.volumeMounts, [{ name: "scratch", mountPath: "/tmp" }]);
    assert.deepEqual(container.readinessProbe.tcpSocket, { port: "http" });
    assert.deepEqual(pod.imagePullSecrets, [{ name: "skiff-pull-hello.v7" }]);
    assert.equal(variable(container, "SKIFF_START"), undefined);
  });

  it("replaces the command of the image by that of the function", () => {
    const [container] = imagePod({ program: { command: ["serve", "$x"] } }).containers;
    assert.deepEqual(container.command, ["serve", "$$x"]);
  });

  it("has the program host injected if each call starts its command", () => {
    const pod = imagePod({ program: { mode: "call", command: ["convert", "-"] } });
    assertRestricted(pod);
    const [container] = pod.containers;
    assert.equal(container.image, REFERENCE);
    assert.deepEqual(container.command, [
      ...["/skiff/loader", "--library-path", "/skiff/lib", "/skiff/node", "/skiff/host.mjs"],
    ]);
    const { host, keepsEnvironment } = messageOf(container);
    assert.deepEqual([host.mode, host.command, host.cwd], ["call", ["convert", "-"], "."]);
    assert.equal(keepsEnvironment, true);
    assert.equal("workingDir" in container, false);
    const [inject] = pod.initContainers;
    assert.equal(inject.image, "skiff-client:1");
    assert.deepEqual(inject.volumeMounts, [{ name: "host", mountPath: "/inject" }]);
    assert.ok(container.readinessProbe.httpGet);
  });

  it("has the program host before it if each instance takes one call", () => {
    const pod = imagePod({ isolation: "call", secrets: { TOKEN: { secret: "t", version: 1 } } });
    assertRestricted(pod);
    const [server, gate] = pod.containers;
    assert.deepEqual([server.image, gate.image], [REFERENCE, "skiff-client:1"]);
    assert.equal(variable(server, "PORT"), "8001");
    for (const member of ["ports", "readinessProbe", "livenessProbe"]) assert.equal(member in server, false);
    const { host, isOnce, listen } = messageOf(gate);
    assert.deepEqual([host, isOnce, listen], [{ mode: "gate", port: 8001 }, true, { port: 8000 }]);
    assert.deepEqual(
      gate.env.map(({ name }: Any) => name),
      ["SKIFF_START"],
    );
    assert.ok(gate.readinessProbe.httpGet);
  });
});

describe("the network of a pod", () => {
  const labelOf = (launch: Partial<ProjectLaunch>, net: readonly string[]): string | undefined => {
    const record = newRecord(draftOf("hello", "source", { permissions: { net, sys: [] } }), {
      ...{ version: 7, createdAt: new Date(0), bundleParts: 1, sourceParts: 1 },
      sourceType: "application/octet-stream",
      project: { entry: "", replaced: [], importHosts: [], ...launch },
    });
    return (podTemplate(record, OPTIONS) as Any).metadata.labels[LABELS.network];
  };
  const program = { program: { command: ["./main"], executables: [] } };

  it("is closed to public addresses for a program or an image that opens none", () => {
    for (const launch of [program, { image: { reference: REFERENCE } }]) {
      assert.equal(labelOf(launch, []), "closed");
      assert.equal(labelOf(launch, ["10.0.0.7", "10.1.0.0/16", "[fd00::1]:5432"]), "closed");
      for (const net of [["public"], ["example.com"], ["10.0.0.7", "example.com:443"]]) {
        assert.equal(labelOf(launch, net), undefined, net.join());
      }
    }
  });

  it("is left to the flags of Deno for TypeScript", () => {
    assert.equal(labelOf({}, []), undefined);
  });
});
