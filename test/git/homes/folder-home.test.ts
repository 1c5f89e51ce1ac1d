import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { describeHome } from "./home.conformance.ts";
import { programGit } from "./program-git.ts";

describeHome("FolderHome", async () => {
  const { git, close } = programGit();
  return { open: (folder) => new FolderHome({ folder, git }), close };
});
