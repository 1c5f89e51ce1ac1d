import { LINK_TOP, linkAttempts } from "./attempts/link-attempts.ts";
import { tryEverywhere } from "./trials.ts";

tryEverywhere("links of a function that lead outside", { attempts: linkAttempts, top: LINK_TOP });
