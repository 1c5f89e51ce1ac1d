/**
 * One peer in a process of its own: `peer.ts http-proxy|http-proxy-3|node|pipe SOCKET`. Prints its port. `pipe` is the
 * least proxy that Node's own modules make; `SOCKET` is the folder of the sockets `NAME.sock` for it.
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

function pipe(folder: string): http.Server {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
  return http.createServer((request, response) => {
    const { method, headers } = request;
    const name = request.url!.slice("/fn/".length);
    const upstream = http.request({
      agent,
      socketPath: `${folder}/${name}.sock`,
      method,
      headers,
      path: "/",
    });
    upstream.once("response", (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    // `pipe` alone keeps the connection to the function of a client that has left, and the agent runs out of them.
    response.once("close", () => response.writableFinished || upstream.destroy());
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  });
}

const [kind = "", unix = ""] = process.argv.slice(2);
const server = kind === "pipe" ? pipe(unix) : kind === "node" ? bare() : proxy(kind, unix);
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
