import { OWN_TOP, ownAttempts, socketAttempts } from "./attempts/own-attempts.ts";
import { tryEverywhere } from "./trials.ts";

tryEverywhere("sockets of others", { attempts: socketAttempts, top: OWN_TOP });
tryEverywhere("a function's own process", { attempts: ownAttempts, top: OWN_TOP });
