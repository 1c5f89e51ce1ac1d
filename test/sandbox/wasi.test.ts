import { tryEverywhere } from "./trials.ts";
import { WASI_ATTEMPTS_TOP, wasiAttempts } from "./wasi-attempts.ts";

tryEverywhere("WASI in a function", { attempts: wasiAttempts, top: WASI_ATTEMPTS_TOP });
