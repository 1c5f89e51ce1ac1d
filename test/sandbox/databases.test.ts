import { DATABASE_TOP, databaseAttempts } from "./attempts/database-attempts.ts";
import { tryEverywhere } from "./trials.ts";

tryEverywhere("SQLite in a function", { attempts: databaseAttempts, top: DATABASE_TOP });
