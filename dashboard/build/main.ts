/** Builds the page into a folder, from which images and the npm package serve it. */
import { writeAssets } from "./assets.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder: node dashboard/build/main.ts FOLDER");
await writeAssets(folder);
