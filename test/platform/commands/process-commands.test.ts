import { ProcessCommands } from "../../support/platform/process-commands.ts";
import { runsCommands } from "./conformance.ts";

describe("commands as plain processes, for tests", () => {
  runsCommands(
    async () => ({
      commands: new ProcessCommands(),
      image: "any",
      left: async () => [],
      close: async () => {},
    }),
    {
      separatesErrors: true,
      limitsMemory: false,
      pullsImages: false,
      endsTrees: false,
      many: 10,
      slowMs: 5_000,
    },
  );
});
