import { SmallFiles } from "../../../process/proc/small-files.ts";
import { ControlGroups } from "./control-groups.ts";
import { InstanceResources } from "./instance-resources.ts";

/** Measures and limits what instances have of the machine, with control groups where Skiff may make them. */
export class Resources {
  readonly #files = new SmallFiles();
  readonly #groups: ControlGroups | undefined;

  /** @param useGroups false only measures, as where groups cannot be had */
  constructor(dataFolder: string, { useGroups = true }: { useGroups?: boolean | undefined } = {}) {
    this.#groups = useGroups ? ControlGroups.open(this.#files, dataFolder) : undefined;
  }

  /** True if the system itself holds limits of memory, and counts socket buffers and page tables. */
  get hasGroups(): boolean {
    return this.#groups !== undefined;
  }

  /** Every instance has been released. */
  close(): void {
    this.#groups?.close();
  }

  /** For an instance that has no process yet. @throws an error of the system */
  open(id: string): InstanceResources {
    return new InstanceResources(this.#files, this.#groups?.make(id));
  }
}
