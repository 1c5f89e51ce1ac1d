import { eventually } from "../eventually.ts";

/** What tests ask of a Skiff over HTTP. */
export class SkiffClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The status of a deploy; `settings` is a query string. */
  async deploy(name: string, source: string | Uint8Array, settings = ""): Promise<number> {
    const init = { method: "POST", body: source as BodyInit };
    const response = await fetch(`${this.#url}/func?name=${name}&${settings}`, init);
    await response.text();
    return response.status;
  }

  /** The body of a call with status 200, or `STATUS code`. */
  async call(path: string): Promise<string> {
    const response = await fetch(`${this.#url}/fn/${path}`);
    const text = await response.text();
    return response.status === 200 ? text : `${response.status} ${JSON.parse(text).code}`;
  }

  /** The problem that a request is answered with, as `STATUS code detail`. */
  async problem(path: string, init?: RequestInit): Promise<string> {
    const document = (await (await fetch(`${this.#url}${path}`, init)).json()) as Record<string, unknown>;
    return `${document.status} ${document.code} ${document.detail}`;
  }

  /** Ids of the instances of a function. */
  async instances(name: string): Promise<string[]> {
    const described = (await (await fetch(`${this.#url}/func/${name}`)).json()) as {
      instances: { id: string }[];
    };
    return described.instances.map(({ id }) => id);
  }

  /** Waits until a function has no instance. */
  async stopped(name: string): Promise<void> {
    await eventually(`${name} has stopped`, async () => (await this.instances(name)).length === 0);
  }
}
