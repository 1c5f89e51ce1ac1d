/** Clients that write until they are stopped, and know what was acknowledged. */
import { setTimeout as delay } from "node:timers/promises";

/** An answer that does not come within this time was not given. */
const ANSWER_MS = 15_000;

export interface Writer {
  /** Writes once. An answer that does not come acknowledges nothing. */
  write(url: string): Promise<void>;
  /** Describes what was acknowledged and is lost. */
  lost(url: string): Promise<string[]>;
  readonly acknowledged: number;
}

export async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
  return { status: response.status, text: await response.text() };
}

/** Asks again while instances start again. */
async function answer(url: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const { status, text } = await ask(url);
    if (status === 200 || tries === 5) return status === 200 ? text : `${status} ${text}`;
    await delay(300);
  }
}

/** One value that is written again and again: the last acknowledged one, or a later one that was tried. */
class Register implements Writer {
  acknowledged = 0;
  readonly #name: string;
  readonly #put: (url: string, value: string) => Promise<boolean>;
  readonly #get: (url: string) => Promise<string>;
  #possible: string[] = [];
  #values = 0;

  constructor(name: string, put: Register["put"], get: Register["get"]) {
    this.#name = name;
    this.#put = put;
    this.#get = get;
  }

  get put() {
    return this.#put;
  }

  get get() {
    return this.#get;
  }

  async write(url: string): Promise<void> {
    const value = `${this.#name}-${++this.#values}`;
    this.#possible.push(value);
    if (!(await this.#put(url, value))) return;
    this.acknowledged++;
    this.#possible = [value];
  }

  async lost(url: string): Promise<string[]> {
    if (this.acknowledged === 0) return [];
    const value = await this.#get(url);
    if (!this.#possible.includes(value)) {
      return [`${this.#name} has ${value}, not one of ${this.#possible.join(", ")}`];
    }
    this.#possible = [value];
    return [];
  }
}

/** A secret, and the function that answers with its value. */
export function secretWriter(index: number): Writer {
  const [secret, name] = [`secret-${index}`, `shows-${index}`];
  let isDeployed = false;
  const put = async (url: string, value: string) => {
    const { status, text } = await ask(`${url}/secret/${secret}`, { method: "PUT", body: value });
    if (status !== 200 && status !== 201) return false;
    // The answer names functions that go on with the value before: an instance of the new version was killed.
    if ((JSON.parse(text) as { failed: readonly unknown[] }).failed.length > 0) return false;
    if (isDeployed) return true;
    const body = "export default () => Deno.env.get('VALUE');\n";
    const query = `name=${name}&secrets=VALUE=${secret}`;
    isDeployed = (await ask(`${url}/func?${query}`, { method: "POST", body })).status < 300;
    return isDeployed;
  };
  return new Register(secret, put, (url) => answer(`${url}/fn/${name}`));
}

/** A function that answers with the number of its deploy. */
export function deployWriter(index: number): Writer {
  const name = `deployed-${index}`;
  const put = async (url: string, value: string) => {
    const body = `export default () => ${JSON.stringify(value)};\n`;
    return (await ask(`${url}/func?name=${name}`, { method: "POST", body })).status < 300;
  };
  return new Register(name, put, (url) => answer(`${url}/fn/${name}`));
}

/** Creates keys and revokes every third one. */
export class KeyWriter implements Writer {
  acknowledged = 0;
  readonly #present = new Set<string>();
  readonly #revoked = new Set<string>();

  async write(url: string): Promise<void> {
    const body = JSON.stringify({ name: "written", scopes: ["call"] });
    const headers = { "content-type": "application/json" };
    const { status, text } = await ask(`${url}/key`, { method: "POST", body, headers });
    if (status !== 201) return;
    const { id } = JSON.parse(text) as { id: string };
    this.acknowledged++;
    if (this.acknowledged % 3 !== 0) return void this.#present.add(id);
    const { status: revoked } = await ask(`${url}/key/${id}`, { method: "DELETE" });
    if (revoked === 200) this.#revoked.add(id);
  }

  async lost(url: string): Promise<string[]> {
    const ids = new Set<string>();
    for (let next: string | null = ""; next !== null; ) {
      const { text } = await ask(`${url}/key?cursor=${next}`.replace(/\?cursor=$/, ""));
      const page = JSON.parse(text) as { keys: { id: string }[]; next: string | null };
      for (const { id } of page.keys) ids.add(id);
      next = page.next;
    }
    return [
      ...[...this.#present].filter((id) => !ids.has(id)).map((id) => `key ${id} is gone`),
      ...[...this.#revoked].filter((id) => ids.has(id)).map((id) => `key ${id} is back`),
    ];
  }
}

/** Lets a function print. A line is acknowledged when the log has shown it. */
export class LogWriter implements Writer {
  acknowledged = 0;
  readonly #shown = new Set<string>();
  #lines = 0;

  async prepare(url: string): Promise<void> {
    const body =
      "export default (request) => { console.log(request.url.split('/').at(-1)); return 'ok'; };\n";
    await ask(`${url}/func?name=prints`, { method: "POST", body });
  }

  async write(url: string): Promise<void> {
    const line = `line-${++this.#lines}-end`;
    if ((await ask(`${url}/fn/prints/${line}`)).status !== 200) return;
    for (let tries = 0; tries < 40; tries++) {
      const { text } = await ask(`${url}/func/prints/logs?search=${line}`);
      if (text.includes(line)) {
        this.#shown.add(line);
        this.acknowledged++;
        return;
      }
      await delay(50);
    }
  }

  async lost(url: string): Promise<string[]> {
    const { text } = await ask(`${url}/func/prints/logs?tail=10000`);
    return [...this.#shown].filter((line) => !text.includes(line)).map((line) => `${line} is gone`);
  }
}
