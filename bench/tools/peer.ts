/**
 * One peer of peers.ts in a process of its own: `peer.ts http-proxy|http-proxy-3|node SOCKET`. Prints its port.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import httpProxy from "http-proxy";
import { ProxyServer } from "http-proxy-3";

const { createProxyServer } = httpProxy;

function proxy(kind: string, unix: string): http.Server {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
  const target = { protocol: "http:", host: "localhost", port: 80, socketPath: unix };
  const server =
    kind === "http-proxy" ? createProxyServer({ agent, target }) : new ProxyServer({ agent, target });
  return http.createServer((request, response) => {
    request.url = request.url!.slice("/fn/hi".length) || "/";
    server.web(request, response);
  });
}

function bare(): http.Server {
  return http.createServer((_, response) => response.writeHead(200, { "content-length": 2 }).end("hi"));
}

const [kind = "", unix = ""] = process.argv.slice(2);
const server = kind === "node" ? bare() : proxy(kind, unix);
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
