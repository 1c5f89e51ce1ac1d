import { join } from "node:path";
import type { GitHome } from "./git-home.ts";

/** Repositories in the data folder of one machine. What keeps them loads with the first use. */
export function folderGitHome(dataFolder: string, path: string | undefined): GitHome {
  const folder = join(dataFolder, "git");
  return {
    folder: join(dataFolder, "git-tools"),
    path,
    look: async () => {
      const { lookAtFolder } = await import("./look-at-folder.ts");
      return await lookAtFolder(folder);
    },
    open: async (git) => {
      const { FolderHome } = await import("./folder-home.ts");
      return new FolderHome({ folder, git });
    },
  };
}
