import { createSocket } from "node:dgram";
import { createServer } from "node:http";

/**
 * A program that plays what is outside, in a namespace of its own: an HTTP server at port 8080 and 8081 of
 * every address, and a name server at `dns`. `says` is the body of every answer.
 */
const [says = "", dns] = process.argv.slice(2);
const IPV4 = { "public.test": "9.9.9.9", "private.test": "10.1.1.1" } as Record<string, string>;
const MAPPED = Buffer.from("00000000000000000000ffff0a010101", "hex");

for (const port of [8080, 8081]) createServer((_, response) => response.end(says)).listen(port, "::");
if (dns) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => socket.send(answer(query), port, address));
  socket.bind(53, dns);
}
process.stdin.resume().on("end", () => process.exit());
console.log("ready");

/** RFC 1035: one question, and one answer if the name has an address of that type. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += 1 + query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!));
  }
  const name = labels.join(".").toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const address = type === 1 ? ipv4Of(name) : type === 28 && name === "mapped.test" ? MAPPED : undefined;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(address ? 1 : 0, 6);
  header.fill(0, 8);
  const question = query.subarray(12, at + 5);
  if (!address) return Buffer.concat([header, question]);
  const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, address.length]);
  return Buffer.concat([header, question, record, address]);
}

function ipv4Of(name: string): Buffer | undefined {
  const text = IPV4[name];
  return text === undefined ? undefined : Buffer.from(text.split(".").map(Number));
}
