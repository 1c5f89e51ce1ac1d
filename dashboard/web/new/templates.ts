import cards from "example:cards.ts";
import hono from "example:http.ts";
import nightly from "example:nightly.ts";
import upper from "example:programs/upper.sh";
import words from "example:programs/words.py";
import socket from "example:socket.ts";
import stream from "example:stream.ts";
import hello from "example:useragent.ts";
import type { Query } from "../api/client.ts";

export interface Template {
  /** Of the function, unless it is taken. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly file: string;
  readonly source: string;
  /** Settings beside the source. */
  readonly settings?: Query;
}

export const TEMPLATES: readonly Template[] = [
  { name: "hello", title: "Hello", about: "The smallest function", file: "main.ts", source: hello },
  { name: "cards", title: "JSON API", about: "A route that answers JSON", file: "main.ts", source: cards },
  { name: "books", title: "Hono", about: "A framework from npm", file: "main.ts", source: hono },
  { name: "stream", title: "Stream", about: "Server-sent events", file: "main.ts", source: stream },
  { name: "socket", title: "WebSocket", about: "Messages both ways", file: "main.ts", source: socket },
  {
    ...{ name: "nightly", title: "Schedule", about: "Runs at 3:00 UTC each night" },
    ...{ file: "main.ts", source: nightly, settings: { cron: "0 3 * * *" } },
  },
  {
    ...{ name: "words", title: "Python", about: "A program for each call" },
    ...{ file: "main.py", source: words, settings: { runtime: "program", cgi: 1 } },
  },
  {
    ...{ name: "upper", title: "Shell", about: "Standard input to output" },
    ...{ file: "main.sh", source: upper, settings: { runtime: "program" } },
  },
];
