import { AllowedImages } from "../../../../platform/images/allowed-images.ts";
import { EngineCommands } from "../../../../platform/local/commands/engine-commands.ts";
import { EngineImages } from "../../../../platform/local/engine/images.ts";
import { LABELS, ownershipOf } from "../../../../platform/local/engine/leftovers.ts";
import { BOX, sharedEngine } from "../../../support/engine.ts";
import { MemorySecrets } from "../../../support/platform/memory-secrets.ts";
import { runsCommands } from "../../commands/conformance.ts";

describe("commands in containers of an engine", () => {
  runsCommands(
    async (test) => {
      const { engine } = await sharedEngine(test);
      const engines = { get: async () => engine, find: async () => ({ engine, about: "" }) };
      const secrets = new MemorySecrets({ records: () => [], throwIfOver: () => {} });
      const allowed = AllowedImages.from("*", true);
      const images = new EngineImages({ engines, allowed, secrets, pullMs: 5_000 });
      const ownership = ownershipOf("conformance", "now");
      const commands = new EngineCommands({
        ...{ engines, images, ownership, print: () => {} },
        limits: { scratchBytes: 16 * 1024 ** 2, processes: 64 },
      });
      const left = async () => (await engine.list({ [LABELS.owner]: ownership.owner })).map(({ id }) => id);
      return { commands, image: BOX, left, close: async () => {} };
    },
    {
      ...{ separatesErrors: true, limitsMemory: true, pullsImages: true, endsTrees: true },
      ...{ many: 10, slowMs: 5_000 },
    },
  );
});
