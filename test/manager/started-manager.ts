import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Access } from "../../http/access/access.ts";
import type { ManagerOptions } from "../../manager/api/services.ts";
import { createManager, type Manager } from "../../manager/manager.ts";
import { KeyTable } from "../../platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "../../platform/limits.ts";
import type { Platform, Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { recognizeSource } from "../../runtimes/deno/build/source.ts";
import { readUnpacked } from "../../runtimes/deno/build/source-unpack.ts";
import { perform } from "../../runtimes/deno/build/worker/perform.ts";
import type { Builder, BuildOptions, Built, RecognizeOptions, Unpacked } from "../../runtimes/runtime.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";

/** What the fake builder reads in an archive as its `skiff.yaml`: the JSON after this word. */
const DECLARED = /SETTINGS (.*)$/m;

/** Builds at once, unless it is held; a source with the word BROKEN does not build, one with CRASH is a fault. */
export class FakeBuilder implements Builder {
  readonly built: string[] = [];
  /** Entries that the builds were given. */
  readonly entries: Pick<BuildOptions, "entry" | "formerEntry">[] = [];
  /** What runs the sources of the builds, as ordered. */
  readonly starts: { readonly start: unknown; readonly formerStart: unknown }[] = [];
  /** Builds wait for this. */
  hold: Promise<void> = Promise.resolve();
  aborted = 0;
  /** Goes on building although it was told to stop. */
  stubborn = false;
  readonly #limits: Limits;

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits;
  }

  get folderBytes(): number {
    return 3 * this.#limits.sourceBytes;
  }

  recognize(
    bytes: Uint8Array,
    { runtime, mostBytes = this.#limits.sourceBytes }: RecognizeOptions = {},
  ): Source {
    return recognizeSource(bytes, { sourceBytes: mostBytes, runtime });
  }

  async unpack({ bytes, type }: Source): Promise<Unpacked> {
    return readUnpacked(await perform({ unpack: type, mostBytes: this.folderBytes }, bytes));
  }

  becomesModule({ bytes }: Source): boolean {
    return Buffer.from(bytes).includes("PLAIN");
  }

  /** Returned for every failed start. */
  advice: string | undefined;

  async adviseStart(): Promise<string | undefined> {
    return this.advice;
  }

  async build(source: Source, { signal, start, formerStart, ...entries }: BuildOptions = {}): Promise<Built> {
    const code = Buffer.from(source.bytes).toString();
    this.built.push(code);
    this.entries.push(entries);
    this.starts.push({ start, formerStart });
    const left = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        this.aborted++;
        if (!this.stubborn) reject(new Error("the build was stopped"));
      });
    });
    await Promise.race([this.hold, left]);
    if (code.includes("CRASH")) throw new TypeError("secret inner state");
    const artifact = { kind: "module", code: Buffer.from(code) } as const;
    const declared = source.type === "text/typescript" ? null : DECLARED.exec(code);
    if (declared) return { artifact, settings: JSON.parse(declared[1]!) };
    if (!code.includes("BROKEN")) return { artifact };
    const error = { message: "Unexpected end", file: "main.ts", line: 3, column: 7, lineText: "const x =" };
    const detail = `main.ts:3:7: Unexpected end\n  const x =\n        ^`;
    throw new Problem("build_failed", detail, { errors: [error] });
  }

  async prepare(): Promise<void> {}
  async warm(): Promise<void> {}
  async close(): Promise<void> {}
}

export interface StartedManager<P extends Platform = FakePlatform> {
  readonly platform: P;
  readonly builder: FakeBuilder;
  readonly manager: Manager;
  /** What a person saw on the terminal. */
  readonly lines: string[];
  /** Requests that have come so far. */
  readonly arrived: () => number;
  readonly port: number;
  readonly url: string;
  /** What the server answers to these bytes, read until it closes the connection. */
  raw(bytes: string): Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions<P extends Platform = FakePlatform>
  extends Partial<Omit<ManagerOptions, "platform" | "builder" | "limits">> {
  readonly platform?: P;
  readonly limits?: Partial<Limits>;
}

export const LIMITS: Limits = limitsFromEnv({});

/** The management API on a free port of the loopback interface, on a platform in memory. */
export async function startManager<P extends Platform = FakePlatform>({
  limits,
  ...options
}: StartOptions<P> = {}): Promise<StartedManager<P>> {
  const platform = options.platform ?? (new FakePlatform() as Platform as P);
  const builder = new FakeBuilder({ ...LIMITS, ...limits });
  const lines: string[] = [];
  const manager = createManager({
    access: { mode: "loopback" } satisfies Access,
    // Without a store every write prints its entry in the audit log.
    print: (line) => void (line.startsWith("audit, not stored") || lines.push(line)),
    metrics: async () => "skiff_up 1\n",
    ready: () => undefined,
    keyTable: new KeyTable(),
    ...options,
    platform,
    builder,
    limits: { ...LIMITS, ...limits },
  });
  let arrived = 0;
  const server = createServer((incoming, response) => {
    arrived++;
    manager.handler(incoming, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    platform,
    builder,
    manager,
    lines,
    arrived: () => arrived,
    port,
    url: `http://127.0.0.1:${port}`,
    raw: (bytes) => exchange(port, bytes),
    stop: async () => {
      await manager.close({ drainMs: 0 });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(5_000, () => socket.destroy(new Error("the server did not close the connection")));
  socket.write(bytes);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}
