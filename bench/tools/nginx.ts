import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

export interface NginxOptions {
  /** Folder for its files. */
  readonly folder: string;
  readonly workers: number;
  /** The sockets of the programs that answer below `/fn/NAME`, by name. */
  readonly upstreams: Readonly<Record<string, string>>;
  readonly children: ChildProcess[];
}

/** Starts nginx as a reverse proxy with keep-alive connections and without an access log. Returns its port. */
export async function startNginx({ folder, workers, upstreams, children }: NginxOptions): Promise<number> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (each) => `${each}_temp_path ${folder}/${each};`,
  );
  const entries = Object.entries(upstreams);
  const pools = entries.map(
    ([name, unix]) =>
      `upstream ${name} { server unix:${unix}; keepalive 100; keepalive_requests 100000000; }`,
  );
  const locations = entries.map(
    ([name]) => `location /fn/${name} { proxy_pass http://${name}/; proxy_http_version 1.1;
         proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `${process.getuid?.() === 0 ? "user root;" : ""} daemon off; worker_processes ${workers}; pid ${folder}/pid; error_log stderr;
     events { worker_connections 512; }
     http { access_log off; keepalive_requests 100000000; ${temp.join(" ")}
       ${pools.join("\n")}
       server { listen 127.0.0.1:${port}; ${locations.join("\n")} } }`,
  );
  children.push(spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" }));
  return port;
}
