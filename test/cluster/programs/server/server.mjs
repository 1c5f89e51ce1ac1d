import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";

const { PORT, FROM_IMAGE, GREETING = "" } = process.env;
const calls = [];

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  calls.push(request.url);
  if (request.url === "/exit") process.exit(3);
  if (request.url === "/write") {
    const written = ["/tmp/x", "/etc/x"].filter((path) => {
      try {
        writeFileSync(path, "x");
        return true;
      } catch {
        return false;
      }
    });
    response.end(JSON.stringify({ written, uid: process.getuid() }));
    return;
  }
  const body = Buffer.concat(chunks).toString();
  const { method, url } = request;
  response.end(
    JSON.stringify({ method, url, body, calls: calls.length, FROM_IMAGE, GREETING, host: hostname() }),
  );
});
server.listen(Number(PORT));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
