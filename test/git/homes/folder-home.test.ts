import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { describeHome } from "./home.conformance.ts";
import { plainGit } from "./plain-git.ts";

describeHome("FolderHome", async () => ({
  open: (folder) => new FolderHome({ folder, git: plainGit }),
  close: async () => {},
}));
