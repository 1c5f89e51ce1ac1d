import type { Draw } from "./draw.ts";

/** Characters with a meaning in HTTP, and some that are never valid. */
const CHARACTERS = [...'\r\n\t\0 :;,="\\/?%-0159afAFxX\x01\x7f\x80\xff'];
const PIECES = [
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "0\r\n\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
];

type Mutation = (bytes: string, draw: Draw) => string;

const replace = (bytes: string, at: number, count: number, text: string) =>
  bytes.slice(0, at) + text + bytes.slice(at + count);

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, draw) {
    const at = draw.int(bytes.length);
    return replace(bytes, at, 1, String.fromCharCode(bytes.charCodeAt(at) ^ (1 << draw.int(8))));
  },
  function replaceCharacter(bytes, draw) {
    return replace(bytes, draw.int(bytes.length), 1, draw.pick(CHARACTERS));
  },
  function insertCharacter(bytes, draw) {
    return replace(bytes, draw.int(bytes.length), 0, draw.pick(CHARACTERS));
  },
  function insertPiece(bytes, draw) {
    return replace(bytes, draw.int(bytes.length), 0, draw.pick(PIECES));
  },
  function remove(bytes, draw) {
    return replace(bytes, draw.int(bytes.length), draw.between(1, draw.chance(0.7) ? 2 : 20), "");
  },
  function double(bytes, draw) {
    const at = draw.int(bytes.length);
    return replace(bytes, at, 0, bytes.slice(at, at + draw.between(1, draw.chance(0.5) ? 2 : 40)));
  },
  function changeLineBreak(bytes, draw) {
    const at = lineBreak(bytes, draw);
    return at < 0
      ? bytes
      : replace(bytes, at, 2, draw.pick(["\n", "\r", "\n\r", "\r\r\n", "\r\n\n", " \r\n", ""]));
  },
  function doubleLine(bytes, draw) {
    const at = lineBreak(bytes, draw);
    const end = bytes.indexOf("\r\n", at + 2);
    return at < 0 || end < 0 ? bytes : replace(bytes, end, 0, bytes.slice(at, end));
  },
  function removeLine(bytes, draw) {
    const at = lineBreak(bytes, draw);
    const end = bytes.indexOf("\r\n", at + 2);
    return at < 0 || end < 0 ? bytes : replace(bytes, at, end - at, "");
  },
  function truncate(bytes, draw) {
    return bytes.slice(0, draw.int(bytes.length) + 1);
  },
];

function lineBreak(bytes: string, draw: Draw): number {
  return bytes.indexOf("\r\n", draw.int(bytes.length));
}

/** Changes one request, or a pipeline of them, in one to three places. */
export function mutate(bytes: string, draw: Draw): string {
  let mutated = bytes;
  for (let count = draw.between(1, 3); count > 0 && mutated !== ""; count--)
    mutated = draw.pick(MUTATIONS)(mutated, draw);
  return mutated;
}

/** The beginning of one request with the end of another. */
export function splice(one: string, other: string, draw: Draw): string {
  return one.slice(0, draw.int(one.length)) + other.slice(draw.int(other.length));
}
