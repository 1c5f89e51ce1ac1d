import { WASI_ATTEMPTS_TOP, wasiAttempts } from "./attempts/wasi-attempts.ts";
import { tryEverywhere } from "./trials.ts";

tryEverywhere("WASI in a function", { attempts: wasiAttempts, top: WASI_ATTEMPTS_TOP });
