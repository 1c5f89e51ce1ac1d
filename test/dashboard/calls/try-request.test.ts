import { deepEqual, equal, match } from "node:assert/strict";
import { decodeText, hexDump, kindOf, prettyJson } from "../../../dashboard/web/try/answer/body-kind.ts";
import { ReceivedBody } from "../../../dashboard/web/try/answer/read-body.ts";
import { readServerTiming, stepsOf } from "../../../dashboard/web/try/answer/server-timing.ts";
import {
  bodyText,
  callHeaders,
  callPath,
  callUrl,
  curlCommand,
  type Draft,
  headerFault,
  jsonFault,
  NEW_DRAFT,
} from "../../../dashboard/web/try/draft.ts";
import { addToHistory, readHistory } from "../../../dashboard/web/try/history.ts";

const draft = (changed: Partial<Draft>): Draft => ({ ...NEW_DRAFT, ...changed });
const bytes = (text: string) => new TextEncoder().encode(text);

describe("A request that somebody tries", () => {
  it("has the path, the query and the version", () => {
    const query = [
      { name: "q", value: "a b&c" },
      { name: "", value: "left out" },
    ];
    equal(callPath("hello", draft({})), "/fn/hello");
    equal(
      callPath("hello", draft({ path: "orders/7?full=1", query })),
      "/fn/hello/orders/7?full=1&q=a%20b%26c",
    );
    equal(callPath("hello", draft({ path: "/grün", version: "3" })), "/fn/hello@3/gr%C3%BCn");
    equal(callPath("hello", draft({ path: "//x", isAsync: true })), "/async/fn/hello//x");
    equal(callPath("hello", draft({ path: "/../../other" })), "/fn/hello/other");
    equal(
      callUrl("https://skiff.example/base/fn/a", draft({ isAsync: true })),
      "https://skiff.example/base/async/fn/a",
    );
  });

  it("names the type of its body, unless a header does", () => {
    const post = { method: "POST", text: '{"a":1}' };
    deepEqual(callHeaders(draft(post)), [["content-type", "application/json"]]);
    deepEqual(callHeaders(draft({ ...post, method: "GET" })), []);
    const own = [{ name: "Content-Type", value: "text/csv" }];
    deepEqual(callHeaders(draft({ ...post, headers: own })), [["Content-Type", "text/csv"]]);
    const form = [{ name: "a", value: "1 2" }];
    equal(bodyText(draft({ bodyKind: "form", form })), "a=1+2");
    deepEqual(callHeaders(draft({ method: "PUT", bodyKind: "file" }), "image/png"), [
      ["content-type", "image/png"],
    ]);
    equal(jsonFault(draft({ text: "{}" })), undefined);
    match(jsonFault(draft({ text: "{" }))!, /^This is not JSON: /);
    equal(jsonFault(draft({ text: "{", bodyKind: "text" })), undefined);
  });

  it("has headers that HTTP can carry", () => {
    const faultOf = (name: string, value = "") => headerFault({ name, value });
    match(faultOf("bad header")!, /has a space/);
    match(faultOf("grün:")!, /character "ü"/);
    match(faultOf("x-a", "one\u0001")!, /control character/);
    deepEqual([faultOf("x-mine", "é\t1"), faultOf(""), faultOf("a!b")], [undefined, undefined, undefined]);
  });

  it("becomes a curl command that holds no key", () => {
    const url = "http://localhost:8080/fn/hello";
    equal(curlCommand(draft({}), { url }), "curl -i http://localhost:8080/fn/hello");
    equal(
      curlCommand(draft({ method: "POST", text: "it's", bodyKind: "text", withKey: true, path: "/a?b=1" }), {
        url,
      }),
      `curl -i 'http://localhost:8080/fn/hello/a?b=1' -H 'content-type: text/plain;charset=utf-8' -H "x-skiff-key: $KEY" --data-binary 'it'\\''s'`,
    );
    equal(
      curlCommand(draft({ method: "DELETE" }), { url }),
      "curl -i -X DELETE http://localhost:8080/fn/hello",
    );
  });

  it("is kept in a history of 50 without credentials", () => {
    const kept = new Map<string, string>();
    const place = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    const secret = "hush-hush";
    const rows = ["Authorization", "cookie", "x-api-key", "X-Skiff-Key", "access_token", "password"];
    const sent = draft({
      path: `/a?token=${secret}&page=2`,
      headers: rows.map((name) => ({ name, value: secret })),
      query: [{ name: "api_key", value: secret }],
      form: [{ name: "client_secret", value: secret }],
    });
    for (let index = 0; index < 55; index++) addToHistory(place, "hello", { at: `${index}`, draft: sent });
    const history = readHistory(place, "hello");
    equal(history.length, 50);
    equal(history[0]!.at, "54");
    equal(history[0]!.draft.path, "/a?token=&page=2");
    equal([...kept.values()].join().includes(secret), false);
    kept.set("skiff.try.other", "{broken");
    deepEqual(readHistory(place, "other"), []);
  });
});

describe("An answer that somebody reads", () => {
  it("is shown by its type, and never as a page", () => {
    equal(kindOf("text/html; charset=utf-8", bytes("<script>")), "text");
    equal(kindOf("image/svg+xml", bytes("<svg>")), "text");
    equal(kindOf("image/png", bytes("png")), "image");
    equal(kindOf("application/problem+json", bytes("{}")), "json");
    equal(kindOf(undefined, bytes("hello ü")), "text");
    equal(kindOf("application/octet-stream", Uint8Array.of(0, 1, 2)), "binary");
    equal(kindOf(undefined, Uint8Array.of()), "empty");
    equal(prettyJson('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
    equal(prettyJson("{"), "{");
    equal(decodeText("text/plain; charset=iso-8859-1", Uint8Array.of(0xfc)), "ü");
    equal(decodeText("text/plain; charset=nonsense", bytes("ü")), "ü");
    equal(hexDump(bytes("Hi\n")), `00000000  48 69 0a${" ".repeat(39)}  Hi.`);
  });

  it("may be of any size", async () => {
    const body = new ReceivedBody();
    const chunk = new Uint8Array(300_000).fill(97);
    for (let count = 0; count < 40; count++) body.add(chunk);
    equal(body.soFar.bytes, 12_000_000);
    equal(body.soFar.shown.length, 1024 * 1024);
    equal((await body.blob().arrayBuffer()).byteLength, 12_000_000);
  });

  it("says where its time went", () => {
    deepEqual(readServerTiming('claim;dur=1.5, load;desc="a";dur=20, cache'), [
      { name: "claim", durationMs: 1.5 },
      { name: "load", durationMs: 20 },
    ]);
    const woken = stepsOf({ firstByteMs: 30, totalMs: 40, serverTiming: "claim;dur=5, first-byte;dur=20" });
    deepEqual(
      woken.map(({ name, durationMs }) => [name, durationMs]),
      [
        ["claim", 5],
        ["first-byte", 20],
        ["network and routing", 5],
        ["until the last byte", 10],
      ],
    );
    deepEqual(stepsOf({ firstByteMs: 3, totalMs: 3 })[0], { name: "first byte", durationMs: 3 });
  });
});
