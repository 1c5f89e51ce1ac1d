import type { Migration } from "../dialect.ts";

/** `wake_at` is `due_at` with the jitter. */
export const TIMERS: Migration = ({ text, integer, end }) => `
  CREATE TABLE timers (
    name ${text} PRIMARY KEY, rule ${text} NOT NULL, anchor ${integer} NOT NULL, due_at ${integer},
    delay_ms ${integer} NOT NULL, wake_at ${integer}
  ) ${end};
  CREATE INDEX timers_wake_at ON timers (wake_at) WHERE wake_at IS NOT NULL;
  CREATE TABLE firings (
    name ${text} NOT NULL, at ${integer} NOT NULL, fired_at ${integer} NOT NULL, outcome ${text} NOT NULL,
    "call" ${text}, event ${text},
    PRIMARY KEY (name, at)
  ) ${end};
  CREATE INDEX firings_fired_at ON firings (fired_at);`;
