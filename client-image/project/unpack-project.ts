/** Unpacks the project of a pod from its ConfigMaps, before project.sh starts it. */
import { readParts, unpackProject } from "./unpack.ts";

const [parts, folder] = Deno.args as [string, string];
await unpackProject(new Uint8Array(await new Response(readParts(parts)).arrayBuffer()), folder);
