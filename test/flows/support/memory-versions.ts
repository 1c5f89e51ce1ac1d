import type { FlowVersion, FlowVersions, NewFlowVersion } from "../../../store/flows/runs.ts";

/** Versions of flows in memory. */
export class MemoryVersions implements FlowVersions {
  /** What `list` throws. */
  fault: Error | undefined;
  readonly #all = new Map<string, FlowVersion[]>();
  readonly #newest = new Map<string, number>();

  async add(given: NewFlowVersion): Promise<number> {
    const versions = this.#all.get(given.flow) ?? [];
    const last = versions.at(-1);
    if (last?.hash === given.hash) return last.version;
    const version = (this.#newest.get(given.flow) ?? 0) + 1;
    this.#newest.set(given.flow, version);
    this.#all.set(given.flow, [...versions, { ...given, version }]);
    return version;
  }

  async get(flow: string, version: number): Promise<FlowVersion | undefined> {
    return this.#all.get(flow)?.find((each) => each.version === version);
  }

  async list(flow: string): Promise<readonly FlowVersion[]> {
    if (this.fault !== undefined) throw this.fault;
    return [...(this.#all.get(flow) ?? [])].reverse();
  }

  async remove(flow: string): Promise<void> {
    this.#all.delete(flow);
  }
}
