import { both, CHUNKED, NEXT, refused, type Vector } from "./vector.ts";

const chunk = (text: string) => `${CHUNKED}${text}\r\nhello\r\n0\r\n\r\n${NEXT}`;

export const CHUNKS: readonly Vector[] = [
  ...refused([
    ["a chunk size with a minus", chunk("-5")],
    ["a chunk size with a plus", chunk("+5")],
    ["a chunk size with a prefix", chunk("0x5")],
    ["a chunk size with garbage", chunk("5g")],
    ["a chunk size before a space", chunk("5 ")],
    ["a chunk size after a space", chunk(" 5")],
    ["no chunk size", chunk("")],
    ["a chunk size over 64 bits", chunk("FFFFFFFFFFFFFFFFF")],
    ["a chunk size before a bare line feed", `${CHUNKED}5\nhello\r\n0\r\n\r\n${NEXT}`],
    ["a chunk size before a bare carriage return", `${CHUNKED}5\rhello\r\n0\r\n\r\n${NEXT}`],
    ["a chunk extension with a bare line feed", `${CHUNKED}5;a\nhello\r\n0\r\n\r\n${NEXT}`],
    ["a chunk extension that is a line feed", chunk("5;\nxx")],
    ["a chunk extension with a NUL", chunk("5;a\0b")],
    ["chunk extensions of 20 kB", chunk(`5;${"a".repeat(20_000)}`)],
  ]),
  ...refused([
    ["chunk data before a bare line feed", `${CHUNKED}5\r\nhello\n0\r\n\r\n${NEXT}`],
    ["chunk data without an end", `${CHUNKED}5\r\nhello0\r\n\r\n${NEXT}`],
    ["chunk data over its size", `${CHUNKED}5\r\nhelloX\r\n0\r\n\r\n${NEXT}`],
    ["a last chunk that ends with line feeds", `${CHUNKED}5\r\nhello\r\n0\n\n${NEXT}`],
    ["a last chunk that ends with a line feed", `${CHUNKED}5\r\nhello\r\n0\r\n\n${NEXT}`],
    ["a last chunk that ends with a carriage return", `${CHUNKED}5\r\nhello\r\n0\r\n\rX${NEXT}`],
    ["a length in a trailer", `${CHUNKED}5\r\nhello\r\n0\r\nContent-Length: 100\r\n\r\n${NEXT}`],
    ["a coding in a trailer", `${CHUNKED}5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n${NEXT}`],
    ["a malformed trailer", `${CHUNKED}5\r\nhello\r\n0\r\nX A: b\r\n\r\n${NEXT}`],
  ]).map((vector): Vector => ({ ...vector, brokenOff: "POST /a" })),
  ...both([
    ["a chunk extension", `${CHUNKED}5;a=b\r\nhello\r\n0\r\n\r\n`],
    ["a chunk extension in quotes", `${CHUNKED}5;a="b;c"\r\nhello\r\n0\r\n\r\n`],
    ["chunk sizes with zeros in front", `${CHUNKED}0005\r\nhello\r\n000\r\n\r\n`],
    ["a host in a trailer", `${CHUNKED}5\r\nhello\r\n0\r\nHost: evil\r\n\r\n`],
  ]),
  {
    title: "a chunk of 2 to the 64 bytes",
    bytes: `${CHUNKED}FFFFFFFFFFFFFFFF\r\n${"x".repeat(1_001)}`,
    answers: ["413 body_too_large"],
    connection: "closed",
    calls: [],
    brokenOff: "POST /a",
  },
];
