import type { Draw } from "./draw.ts";

export interface Style {
  /** Probability of a body that is larger than a read. */
  readonly largeShare: number;
  /** The head has nothing that the fast path leaves to Node. */
  readonly isPlain: boolean;
}

export interface DrawnBody {
  /** The fields that frame it. */
  readonly fields: readonly string[];
  readonly bytes: string;
}

const TEXTS = [
  "hello",
  '{"a":1}',
  "\0\r\n\xff",
  "0\r\n\r\n",
  "GET /fn/echo/next HTTP/1.1\r\nHost: h\r\n\r\n",
];
const RARE_LENGTHS = [
  "0005",
  "+5",
  "-1",
  "5, 5",
  "5 ",
  "0x5",
  "",
  "5\r\nContent-Length: 5",
  "9007199254740993",
];
const CODINGS = ["Chunked", "chunked ", "gzip, chunked", "identity", "chunked, chunked", "xchunked", ""];
const EXTENSIONS = [";a", ";a=b", ';a="b;c"', ';a="";b', ";a;b=c;d", ";!#$%&'*+-.^_`|~=1"];
const RARE_EXTENSIONS = [
  ";",
  ";;",
  ";=b",
  ";a=",
  ';a="b',
  ';a="b"c',
  ';a="\\"b"',
  ';a="\t"',
  ';a="\xe9"',
  ";a b",
  " ;a",
  "; a",
  ";a =b",
  ";a\tb",
  ";a\0",
  ";\xe9",
  ";a\n",
  ";a\r",
  " ",
  ",a",
  `;a="${"x".repeat(1_100)}"`,
  `;${"x".repeat(1_010)}`,
  `;${"x".repeat(20_000)}`,
];
const TRAILERS = [
  "x-late: 1",
  "X-B: c d",
  "Content-Digest: sha-256=:a=:",
  "x-empty:",
  "x-tab:\ta\t",
  "x-bytes: \xe9\xff",
];
const RARE_TRAILERS = [
  "Content-Length: 5",
  "Transfer-Encoding: chunked",
  "Connection: close",
  "Trailer: a",
  "Host: evil",
  "Expect: 100-continue",
  "Upgrade: websocket",
  "TE: trailers",
  "Proxy-Connection: close",
  "Authorization: a",
  "X A: b",
  "X-A : b",
  ": b",
  "X-A",
  " X-A: b",
  "X-A: 1\r\n folded",
  "X-A: a\0b",
  "X-A: a\x01b",
  "X-A: a\x7fb",
  "X-A: a\rb",
  "X-A: a\nb",
  `X-A: ${"x".repeat(9_000)}`,
];
/** More than a read of a socket takes. */
const LARGE_BYTES = 200_000;

/** Draws the body of a request, or none. */
export function drawBody(draw: Draw, method: string, { largeShare, isPlain }: Style): DrawnBody {
  const isUsual = method === "POST" || method === "PUT" || method === "PATCH";
  if (!draw.chance(isUsual ? 0.95 : 0.12)) return { fields: [], bytes: "" };
  const text = drawText(draw, largeShare);
  if (draw.chance(0.45)) return { fields: ["Transfer-Encoding: chunked"], bytes: drawChunks(draw, text) };
  if (isPlain || draw.chance(0.9)) return { fields: [`Content-Length: ${text.length}`], bytes: text };
  if (draw.chance(0.4)) return { fields: [`Content-Length: ${draw.pick(RARE_LENGTHS)}`], bytes: text };
  const bytes = drawChunks(draw, text);
  if (draw.chance(0.5)) return { fields: [`Transfer-Encoding: ${draw.pick(CODINGS)}`], bytes };
  return { fields: [`Content-Length: ${text.length}`, "Transfer-Encoding: chunked"], bytes };
}

function drawText(draw: Draw, largeShare: number): string {
  const isLarge = draw.chance(largeShare);
  if (!isLarge && draw.chance(0.5)) return draw.pick(TEXTS);
  if (draw.chance(0.05)) return "";
  const length = isLarge ? draw.int(LARGE_BYTES) : draw.int(draw.chance(0.2) ? 5_000 : 60);
  const start = draw.int(26);
  const letter = (_: unknown, i: number) => String.fromCharCode(97 + ((start + i) % 26));
  return Array.from({ length: Math.min(length, 26) }, letter)
    .join("")
    .repeat(Math.ceil(length / 26));
}

function drawChunks(draw: Draw, text: string): string {
  const extension = () => {
    if (draw.chance(0.8)) return "";
    return draw.chance(0.85) ? draw.pick(EXTENSIONS) : draw.pick(RARE_EXTENSIONS);
  };
  const end = () => (draw.chance(0.995) ? "\r\n" : draw.pick(["\n", "\r", "\r\r\n", ""]));
  let bytes = "";
  for (let at = 0; at < text.length; ) {
    const length = Math.min(text.length - at, 1 + draw.int(draw.chance(0.3) ? 8 : text.length));
    bytes += `${drawSize(draw, length)}${extension()}${end()}${text.slice(at, at + length)}${end()}`;
    at += length;
  }
  bytes += `${draw.pick(["0", "0", "0", "000", "0".repeat(14)])}${extension()}${end()}`;
  const count = draw.chance(0.35) ? draw.between(1, 3) : 0;
  for (let i = 0; i < count; i++)
    bytes += `${draw.pick(draw.chance(0.85) ? TRAILERS : RARE_TRAILERS)}${end()}`;
  return bytes + end();
}

function drawSize(draw: Draw, length: number): string {
  const size = length.toString(16);
  if (draw.chance(0.9)) return size;
  return draw.pick([size.toUpperCase(), `000${size}`, size.padStart(12, "0"), size.padStart(17, "0")]);
}
