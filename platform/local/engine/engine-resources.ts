import type { SmallFiles } from "../../../process/proc/small-files.ts";
import { InstanceResources } from "../resources/instance-resources.ts";

/** Measures a container by its processes. The engine limits it. */
export class EngineResources extends InstanceResources {
  #ranOut = false;

  constructor(files: SmallFiles) {
    super(files, undefined);
  }

  /** The kernel killed it because its memory ran out. */
  sawOutOfMemory(): void {
    this.#ranOut = true;
  }

  override get ranOut(): boolean {
    return this.#ranOut;
  }
}
