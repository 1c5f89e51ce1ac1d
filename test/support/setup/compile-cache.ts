/** Keeps what Skiff compiles for itself, so that each start of a run does not compile it again. */
import { fileURLToPath } from "node:url";
import { keepCompiled } from "../../../process/compile-cache.ts";

keepCompiled([fileURLToPath(new URL("../../../node_modules/.cache/skiff", import.meta.url))]);
