import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { tarOf } from "./building.ts";

type Answer = string | ((request: IncomingMessage, response: ServerResponse) => void);

/** A loopback server; `hits` are the paths that were asked for. */
export async function startServer(answers: (path: string) => Answer | undefined) {
  const hits: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!);
    hits.push(path);
    const answer = answers(path);
    if (typeof answer === "function") return answer(request, response);
    const type = /\.json$|^\/[^.]*$/.test(path) ? "application/json" : "text/javascript";
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": path.endsWith(".ts") ? "application/typescript" : type,
    });
    response.end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    hits,
    async close(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

export interface FakePackage {
  readonly files: Record<string, string>;
  /** Members of its package.json besides name and version. */
  readonly manifest?: Record<string, unknown>;
}

/** An npm registry with packages of version 1.0.0. */
export async function startRegistry(packages: Record<string, FakePackage>): Promise<TestServer> {
  const packed = new Map<string, { manifest: Record<string, unknown>; archive: Buffer }>();
  for (const [name, { files, manifest: members = {} }] of Object.entries(packages)) {
    const manifest = { name, version: "1.0.0", ...members };
    const all = { "package.json": JSON.stringify(manifest), ...files };
    const entries = Object.entries(all).map(([path, text]) => [`package/${path}`, text]);
    packed.set(name, { manifest, archive: gzipSync(await tarOf(Object.fromEntries(entries))) });
  }
  const server: TestServer = await startServer((path) => {
    const name = path.slice(1).replace(/\.tgz$/, "");
    const found = packed.get(name);
    if (!found) return undefined;
    if (path.endsWith(".tgz")) return (_, response) => response.end(found.archive);
    const integrity = `sha512-${createHash("sha512").update(found.archive).digest("base64")}`;
    const version = { ...found.manifest, dist: { tarball: `${server.url}/${name}.tgz`, integrity } };
    return JSON.stringify({ name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } });
  });
  return server;
}
