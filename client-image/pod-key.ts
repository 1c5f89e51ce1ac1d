/**
 * The init container of a pod of the pool. Only this container mounts the seed. It derives the key of the pod for the
 * main container, which removes the file before it accepts a function.
 * Arguments: uid of the pod, file with the seed, file for the key.
 */
import { podKey } from "./sealed.ts";

const [uid = "", seed = "", key = ""] = Deno.args;
// The file may exist: init containers run again when the sandbox of the pod is replaced.
Deno.writeFileSync(key, await podKey(Deno.readFileSync(seed), uid), { mode: 0o600 });
