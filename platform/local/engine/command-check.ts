import { resolve } from "node:path";
import { commandOf, type ImageFacts } from "../../../runtimes/image/image-runtime.ts";
import type { PlanOrder } from "../../../runtimes/runtime.ts";
import { Problem } from "../../problems.ts";
import type { Engine } from "./engine.ts";
import type { EngineImage } from "./image.ts";

/** Commands that are remembered. */
const MOST_KNOWN = 1_000;

export interface CheckedCommand {
  readonly image: EngineImage;
  readonly order: Pick<PlanOrder, "settings">;
  readonly env: Readonly<Record<string, string>>;
}

/** Checks, once for each command of an image, that its program exists. */
export class CommandCheck {
  readonly #known = new Set<string>();

  /** @throws Problem `command_not_found` */
  async check(engine: Engine, container: string, { image, order, env }: CheckedCommand): Promise<void> {
    const [program] = commandOf(image, order);
    if (program === undefined) {
      const detail = "The image names no program to start: set command.";
      throw new Problem("command_not_found", detail, { setting: "command" });
    }
    const paths = pathsOf(program, image, env.PATH ?? "");
    const key = JSON.stringify([image.id, paths]);
    if (this.#known.has(key)) return;
    for (const path of paths) {
      if (!(await engine.isExecutable(container, path))) continue;
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.add(key);
      return;
    }
    const where = program.includes("/") ? "" : ` in a folder of its PATH (${env.PATH})`;
    const detail = `The image has no program ${JSON.stringify(program)}${where}: correct its command.`;
    throw new Problem("command_not_found", detail, { setting: "command" });
  }
}

function pathsOf(program: string, { cwd }: Pick<ImageFacts, "cwd">, path: string): readonly string[] {
  if (program.includes("/")) return [resolve(cwd, program)];
  const folders = path.split(":").filter((folder) => folder !== "");
  return folders.map((folder) => resolve(cwd, folder, program));
}
