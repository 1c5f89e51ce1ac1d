import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { readFields } from "../../../events/intake/request-fields.ts";
import { setPeer } from "../../../http/client-address.ts";
import { parseTrustedProxies } from "../../../http/trusted-proxies.ts";

function requestWith(fields: Readonly<Record<string, string>>, remoteAddress?: string): IncomingMessage {
  const headers = { host: "localhost", ...fields };
  const rawHeaders = Object.entries(headers).flat();
  return {
    headers,
    rawHeaders,
    httpVersionMinor: 1,
    socket: { remoteAddress },
  } as unknown as IncomingMessage;
}

function forwardedFor(request: IncomingMessage, trusted?: string): string | undefined {
  const proxies = parseTrustedProxies(trusted);
  const { forFunction } = readFields(request, { authority: undefined, ...(proxies && { proxies }) });
  return forFunction[forFunction.indexOf("x-forwarded-for") + 1];
}

describe("the fields of an asynchronous request", () => {
  it("have the address of its client, also if another process of Skiff accepted it", () => {
    assert.equal(forwardedFor(requestWith({}, "192.0.2.7")), "192.0.2.7");
    assert.equal(forwardedFor(requestWith({}, "::ffff:192.0.2.7")), "192.0.2.7");
    const passedOn = requestWith({ "x-skiff-client": "192.0.2.8" });
    setPeer(passedOn, "192.0.2.8");
    assert.equal(forwardedFor(passedOn), "192.0.2.8");
  });

  it("believe proxies that are trusted, and no others", () => {
    const fields = { "x-forwarded-for": "192.0.2.9" };
    assert.equal(forwardedFor(requestWith(fields, "10.0.0.1"), "private"), "192.0.2.9");
    assert.equal(forwardedFor(requestWith(fields, "198.51.100.1"), "private"), "192.0.2.9, 198.51.100.1");
    const secure = { ...fields, "x-forwarded-proto": "https" };
    const protoOf = (from: string) => {
      const proxies = parseTrustedProxies("private")!;
      const { forFunction } = readFields(requestWith(secure, from), { authority: undefined, proxies });
      const at = forFunction.indexOf("x-forwarded-proto");
      return at < 0 ? undefined : forFunction[at + 1];
    };
    assert.deepEqual([protoOf("10.0.0.1"), protoOf("198.51.100.1")], ["https", undefined]);
  });

  it("have nothing that its Connection field lists, nor options, keys and fields of Skiff", () => {
    const { forFunction, options, unknownOption, credentials } = readFields(
      requestWith({
        ...{ connection: "close, X-Hop", "x-hop": "1", "keep-alive": "5", te: "trailers", accept: "a/b" },
        ...{ "skiff-delay": "1s", "skiff-other": "2", "x-skiff-key": "some text", "x-skiff-version": "3" },
        ...{
          "skiff-schedule": "nightly",
          "skiff-scheduled-at": "2026-11-29T12:00:00Z",
          "skiff-attempt": "7",
        },
        ...{ "skiff-topic": "orders", "skiff-subscription": "s", "skiff-event": "e", "skiff-call": "c" },
        ...{ "skiff-state": "done", "skiff-status": "200", "skiff-cut": "true" },
      }),
      { authority: undefined },
    );
    const names = forFunction.filter((_, index) => index % 2 === 0);
    assert.deepEqual(names, ["accept", "host", "x-forwarded-for"]);
    assert.equal(unknownOption, "skiff-other");
    assert.deepEqual([...options], [["delay", "1s"]]);
    assert.deepEqual(credentials, ["some text"]);
  });

  it("have one host, which may be that of the target", () => {
    const hostOf = (authority: string | undefined) => {
      const { forFunction } = readFields(requestWith({}), { authority });
      return forFunction[forFunction.indexOf("host") + 1];
    };
    assert.equal(hostOf("fn.example.com:8080"), "fn.example.com:8080");
    const twice = requestWith({});
    (twice.rawHeaders as string[]).push("Host", "other");
    assert.throws(() => readFields(twice, { authority: undefined }), /more than one Host header/);
  });
});
