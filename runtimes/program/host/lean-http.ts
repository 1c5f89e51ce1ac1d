/**
 * Node's HTTP without its client for fetch and WebSockets. An `import` of `node:http` reads every export and so loads that
 * client, which doubles the time that the host needs to start.
 */
export const http = process.getBuiltinModule("node:http");
