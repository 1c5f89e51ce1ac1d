import { mkdtempSync } from "node:fs";
import { ALONE } from "../../../manager/git/homes/home.ts";
import { StoredHome } from "../../../manager/git/homes/stored/stored-home.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { describeHome } from "./home.conformance.ts";
import { programGit } from "./program-git.ts";

describeHome("StoredHome", async () => {
  const harness = new PostgresHarness();
  const { repositories } = await harness.open();
  const { git, close } = programGit();
  const limits = limitsFromEnv({});
  return {
    // Each has a disk of its own.
    open: (folder) =>
      new StoredHome({ folder: mkdtempSync(`${folder}-`), git, repositories, limits, manager: ALONE }),
    close: async () => {
      await close();
      await harness.dispose();
    },
  };
});
