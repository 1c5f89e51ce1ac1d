import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

export interface RegistryOptions {
  /** `user:password` that it asks for; absent: it asks for none. */
  readonly credentials?: string;
}

interface Blob {
  readonly type: string;
  readonly bytes: Buffer;
}

/** A registry of images on loopback, with HTTP: what an engine needs to pull. */
export class Registry {
  readonly #server: Server;
  readonly #options: RegistryOptions;
  readonly #blobs = new Map<string, Blob>();
  readonly #tags = new Map<string, string>();
  /** `METHOD PATH` of each request. */
  readonly requests: string[] = [];
  /** Set: requests are not answered. */
  isHanging = false;

  private constructor(server: Server, options: RegistryOptions) {
    this.#server = server;
    this.#options = options;
    server.on("request", (request, response) => this.#answer(request, response));
  }

  static async start(options: RegistryOptions = {}): Promise<Registry> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Registry(server, options);
  }

  /** Host and port, as the first part of names. */
  get name(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Puts an image with one layer. Returns its digest. @param tar the files of the layer */
  push(repository: string, tag: string, tar: Buffer, config: Record<string, unknown> = {}): string {
    const layer = gzipSync(tar);
    const add = (type: string, bytes: Buffer) => {
      const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      this.#blobs.set(digest, { type, bytes });
      return { mediaType: type, digest, size: bytes.length };
    };
    const diff = `sha256:${createHash("sha256").update(tar).digest("hex")}`;
    const facts = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: [diff] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: add("application/vnd.oci.image.config.v1+json", Buffer.from(JSON.stringify(facts))),
      layers: [add("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    };
    const { digest } = add(manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
    this.#tags.set(`${repository}:${tag}`, digest);
    return digest;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer({ method, url = "", headers }: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${method} ${url}`);
    if (this.isHanging) return;
    const { credentials } = this.#options;
    const expected = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
    if (expected && headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
      return;
    }
    if (url === "/v2/") {
      response.end();
      return;
    }
    const [, repository, kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const digest = this.#tags.get(`${repository}:${reference}`) ?? reference;
    const blob = this.#blobs.get(digest);
    if (!blob) {
      const code = kind === "manifests" ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ errors: [{ code, message: "manifest unknown" }] }));
      return;
    }
    response.writeHead(200, {
      "content-type": blob.type,
      "content-length": blob.bytes.length,
      "docker-content-digest": digest,
    });
    response.end(method === "HEAD" ? undefined : blob.bytes);
  }
}
