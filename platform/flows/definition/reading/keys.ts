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

/** Words of other tools for keys of a step. */
export const OTHER_WORDS: Readonly<Record<string, string>> = {
  ...{
    func: "fn",
    function: "fn",
    run: "fn",
    uses: "fn",
    call: "fn",
    invoke: "fn",
    lambda: "fn",
    task: "fn",
  },
  ...{ url: "http", request: "http", fetch: "http", emit: "publish", event: "publish", send: "publish" },
  ...{ command: "exec", cmd: "exec", shell: "exec", script: "exec", workflow: "flow", subflow: "flow" },
  ...{ sleep: "wait", delay: "wait", timer: "wait", approval: "approve", review: "approve" },
  ...{ dependsOn: "needs", depends_on: "needs", after: "needs", when: "if", condition: "if" },
  ...{
    forEach: "each",
    for_each: "each",
    foreach: "each",
    items: "each",
    loop: "each",
    parallel: "concurrency",
  },
  ...{ input: "with", body: "with", args: "with", params: "with", data: "with", payload: "with" },
  ...{ retries: "retry", attempts: "retry", onError: "catch", rescue: "catch", maxIterations: "max" },
};

export const STEP_KEYS: readonly string[] = [...KEYS.action, ...KEYS.options];
