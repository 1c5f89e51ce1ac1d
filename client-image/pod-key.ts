/**
 * The init container of a pod of the pool, which alone mounts the seed: derives the key of this pod and leaves it for the
 * container that waits, which removes the file before it accepts a function.
 * Arguments: the pod's uid, the file with the seed, the file for the key.
 */
import { podKey } from "./sealed.ts";

const [uid = "", seed = "", key = ""] = Deno.args;
// Written again where the pod's sandbox was made anew: the file may be there.
Deno.writeFileSync(key, await podKey(Deno.readFileSync(seed), uid), { mode: 0o600 });
