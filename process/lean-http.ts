const UNUSED = ["WebSocket", "CloseEvent", "MessageEvent"];

/**
 * Keeps Node's client for fetch and WebSockets out of this process until something uses it. An `import` of `node:http`
 * reads every enumerable export, and reading these three loads the client: 20 ms and 11 MiB. They remain for `require`.
 * Call it before the first `import` of `node:http`.
 */
export function keepHttpLean(): void {
  const http = process.getBuiltinModule("node:http");
  for (const name of UNUSED) {
    const property = Object.getOwnPropertyDescriptor(http, name);
    // Only what would be loaded by reading it, in versions of Node that have it.
    if (property?.get && property.configurable) Object.defineProperty(http, name, { enumerable: false });
  }
}
