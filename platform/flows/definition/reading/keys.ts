/** The keys that each object of a flow's text may have, in the order in which errors name them. */
export const KEYS = {
  flow: ["flow", "description", "on", "input", "timeout", "steps", "finally", "output"],
  on: ["http", "topic", "cron"],
  httpTrigger: ["path", "methods", "access", "respond", "wait"],
  topicTrigger: ["topic", "filter", "from"],
  cronTrigger: ["cron", "timeZone", "overlap", "missed", "jitter", "input"],
  action: ["fn", "http", "publish", "exec", "flow", "wait", "approve"],
  options: [
    "needs",
    "if",
    "else",
    "each",
    "concurrency",
    "while",
    "max",
    "with",
    "retry",
    "timeout",
    "catch",
    "output",
  ],
  retry: ["attempts", "backoff", "maxAge", "on"],
  catch: ["on", "then", "output"],
  fn: ["name", "method", "path", "headers"],
  http: ["url", "method", "headers"],
  publish: ["topic", "type", "attributes"],
  exec: ["image", "cmd", "env"],
  approve: ["message", "by"],
  wait: ["for", "until", "event", "type", "by", "equals", "timeout"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export const STEP_KEYS: readonly string[] = [...KEYS.action, ...KEYS.options];
