import { tarOf, zipOf } from "../runtimes/deno/build/building.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { type Answer, answersOf } from "./answers.ts";
import type { CorpusEntry } from "./entry.ts";

/** What a deploy and the calls after it gave. */
export interface Hosted {
  /** Why the deploy was refused. */
  readonly refusal?: string;
  readonly answers: readonly Answer[];
  readonly log: string;
}

/** Time to download the packages of one entry: registries may be slow for a while. */
const DOWNLOAD = "200s";

/** A Skiff that gets the entries of the corpus as its users would send them. */
export class Host {
  readonly #skiff: StartedSkiff;
  #functions = 0;

  constructor(skiff: StartedSkiff) {
    this.#skiff = skiff;
  }

  static async start(): Promise<Host> {
    return new Host(await startedSkiff({ env: { SKIFF_BUILD_TIMEOUT: DOWNLOAD } }));
  }

  /** Deploys an entry, sends its requests and removes it. */
  async run(entry: CorpusEntry): Promise<Hosted> {
    const name = `corpus-${++this.#functions}`;
    const { status, body } = await this.#skiff.deploy(name, await sourceOf(entry), entry.settings);
    if (status !== 201) return { refusal: `${status} ${body.code}: ${body.detail}`, answers: [], log: "" };
    const { url } = this.#skiff;
    try {
      const answers = await answersOf(`${url}/fn/${name}`, entry.requests);
      return { answers, log: await (await fetch(`${url}/func/${name}/logs`)).text() };
    } finally {
      await fetch(`${url}/func/${name}`, { method: "DELETE" });
    }
  }

  async close(): Promise<void> {
    await this.#skiff.close();
  }
}

async function sourceOf({ files, archive }: CorpusEntry): Promise<string | Uint8Array> {
  const [[path, single] = [], ...others] = Object.entries(files);
  if (others.length === 0 && /^main\.[jt]sx?$/.test(path!)) return single!;
  if (archive === "zip") return zipOf(files);
  return await tarOf(Object.entries(files).map(([name, file]) => ({ name, text: file as string })));
}
