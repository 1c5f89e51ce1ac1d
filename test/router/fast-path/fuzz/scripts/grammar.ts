import { drawBody, type Style } from "./bodies.ts";
import type { Draw } from "./draw.ts";

const METHODS = ["GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const RARE_METHODS = ["TRACE", "CONNECT", "PROPFIND", "get", "GETS", "M-SEARCH", "QUERY", "PRI"];
const TARGETS = [
  "/fn/echo",
  "/fn/echo/",
  "/fn/echo/a?b=c",
  "/fn/echo?x=%00%2f&y=[]",
  "/fn/echo//a/../b;c=1,2",
  "/fn/echo/a@b:c!$&'()*+,;=~",
  "/fn/none/a",
  "/fn/",
  "/fn/?a",
];
const RARE_TARGETS = [
  "/fn",
  "/fn?a",
  "/",
  "*",
  "/other",
  "//fn/echo",
  "http://h/fn/echo/a",
  "HTTPS://other:1/fn/echo?b",
  "http:///fn/echo",
  "http://a@b/fn/echo",
  "ftp://h/fn/echo",
  "h:80",
  '/fn/echo/"<a>|{b}`^\\',
  "/fn/echo/#c",
  "/fn/echo/\xe9",
  "/fn/echo/a b",
];
const VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 "];
const HOSTS = ["h", "example.com", "localhost:8080", "[::1]:80", "127.0.0.1"];
const RARE_HOSTS = ["", "a b", "x/fn/y?", "a@b", "h:x", "\xe9", "a".repeat(300)];
const BROWSER = [
  ["Connection", "keep-alive"],
  ["sec-ch-ua", '"Chromium";v="130", "Not?A_Brand";v="99"'],
  ["sec-ch-ua-mobile", "?0"],
  ["Upgrade-Insecure-Requests", "1"],
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"],
  ["Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"],
  ["Sec-Fetch-Site", "none"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
  ["Accept-Language", "de,en;q=0.9"],
  ["Cookie", "a=b; session=0123456789abcdef"],
] as const;
const FIELDS = [
  "X-A: b",
  "x-a: some words, and more",
  "Content-Type: application/json",
  "X-Forwarded-For: 10.0.0.1",
  "Forwarded: for=10.0.0.1",
  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "tracestate: a=1",
  "TE: trailers",
  "Trailer: x-late",
  "Keep-Alive: timeout=5",
  "Cookie: a=b",
  "x-skiff-call-id: mine",
];
const RARE_FIELDS = [
  "X-Empty:",
  "X-Tab:\ta",
  "X-Padded:  a ",
  "X-Bytes: \xe9\x80\xff",
  "X-Control: a\x01b",
  "X-Delete: a\x7fb",
  "X-Nul: a\0b",
  "X A: b",
  "X-A : b",
  ": b",
  "X-A",
  " folded: a",
  "X-A: 1\r\n folded",
  "X-Bare: a\rb",
  "X-Line: a\nb",
  "\xe9: a",
  "Proxy-Connection: keep-alive",
  "HTTP2-Settings: AAMAAABk",
  "traceparent: again",
  `X-Long: ${"x".repeat(3_000)}`,
  `X-Longer: ${"x".repeat(17_000)}`,
  `X-Longest: ${"x".repeat(33_000)}`,
];
const CONNECTIONS = ["keep-alive", "Keep-Alive", "keep-alive", "close"];
const RARE_CONNECTIONS = [
  "Close",
  "keep-alive, close",
  "x-a",
  "host, content-length",
  "transfer-encoding",
  "Upgrade",
  "",
  "KEEP-ALIVE",
];
const OFFERS = [
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
  "Upgrade: websocket",
  "Connection: upgrade\r\nUpgrade: TLS/1.0",
];
const EXPECTATIONS = ["Expect: 100-continue", "Expect: 100-Continue", "Expect: 200-ok", "expect: "];

/** Draws one request as Latin-1; most are valid. */
export function drawRequest(draw: Draw, style: Style): string {
  const isRare = (probability: number) => !style.isPlain && draw.chance(probability);
  const method = draw.pick(isRare(0.03) ? RARE_METHODS : METHODS);
  const target = draw.pick(isRare(0.07) ? RARE_TARGETS : TARGETS);
  const version = isRare(0.04) ? draw.pick(VERSIONS) : VERSIONS[0]!;
  const { fields, bytes } = drawBody(draw, method, style);
  const lines = [...drawFields(draw, isRare), ...fields];
  const line = `${method} ${target} ${version}\r\n`;
  const blank = isRare(0.01) ? "\r\n" : "";
  return `${blank}${line}${lines.map((each) => `${each}\r\n`).join("")}\r\n${bytes}`;
}

function drawFields(draw: Draw, isRare: (probability: number) => boolean): string[] {
  const lines = [`Host: ${draw.pick(isRare(0.02) ? RARE_HOSTS : HOSTS)}`];
  if (isRare(0.02)) lines.length = 0;
  const isBrowser = draw.chance(0.2);
  if (isBrowser) lines.push(...BROWSER.map(([name, value]) => `${name}: ${value}`));
  const fields = new Set(draw.times(draw.int(3), () => draw.pick(FIELDS)));
  lines.push(...fields);
  if (isRare(0.05)) lines.push(...draw.times(draw.between(1, 2), () => draw.pick(RARE_FIELDS)));
  if (!isBrowser && draw.chance(0.25)) lines.push(`Connection: ${draw.pick(CONNECTIONS)}`);
  if (isRare(0.02)) lines.push(`Connection: ${draw.pick(RARE_CONNECTIONS)}`);
  if (isRare(0.02)) lines.push(draw.pick(OFFERS));
  if (isRare(0.03)) lines.push(draw.pick(EXPECTATIONS));
  if (isRare(0.005)) lines.push(...draw.times(70, () => "X-Many: a"));
  return lines;
}
