import type { Agent } from "undici";
import { PublicAddresses } from "../http/addresses/public-addresses.ts";

const CONNECT_MS = 10_000;
/** Shorter than routers keep an idle connection (75 s). */
const IDLE_MS = 30_000;

type AgentKind = "router" | "public" | "allowed";

export interface AgentsOptions {
  /** Hosts that may be addresses of this machine and its networks (callback-hosts.ts). */
  readonly allowedHosts: ReadonlySet<string>;
  /** Most connections to one origin. */
  readonly connections: number;
}

/** Connections to the router and the manager, and to URLs of users. Undici is loaded at the first one. */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #addresses = new PublicAddresses();
  readonly #agents = new Map<AgentKind, Promise<Agent>>();

  constructor(options: AgentsOptions) {
    this.#options = options;
  }

  /** Returns the connections to servers of Skiff. */
  own(): Promise<Agent> {
    return this.#agent("router");
  }

  /**
   * Returns the connections for a URL of a user, which fail with an error named BLOCKED_ADDRESS at addresses that are not public.
   * @throws Error if the host of the URL is such an address
   */
  async of(url: URL): Promise<Agent> {
    const { allowedHosts } = this.#options;
    if (allowedHosts.has(url.host) || allowedHosts.has(url.hostname)) return this.#agent("allowed");
    this.#addresses.checkHost(url.hostname);
    return this.#agent("public");
  }

  async close(): Promise<void> {
    const agents = await Promise.all(this.#agents.values());
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  #agent(kind: AgentKind): Promise<Agent> {
    let agent = this.#agents.get(kind);
    if (agent === undefined) {
      agent = this.#newAgent(kind);
      this.#agents.set(kind, agent);
    }
    return agent;
  }

  async #newAgent(kind: AgentKind): Promise<Agent> {
    const { Agent } = await import("undici");
    const lookup = kind === "public" ? { lookup: this.#addresses.lookup } : {};
    return new Agent({
      ...{ connections: this.#options.connections, pipelining: 1, keepAliveTimeout: IDLE_MS },
      connect: { timeout: CONNECT_MS, ...lookup },
    });
  }
}
