import assert from "node:assert/strict";
import { CloudEvent, HTTP } from "cloudevents";
import { binaryHeaders, eventMode, headersOf, readContext } from "../../../calling/cloudevents/http-event.ts";
import { readJsonEvents } from "../../../calling/cloudevents/json-event.ts";
import { Problem } from "../../../platform/problems.ts";

const BASE = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order" };

function refuses(read: () => unknown, pattern: RegExp): void {
  assert.throws(read, (error: Problem) => error instanceof Problem && pattern.test(error.detail));
}

function json(event: object): ReturnType<typeof readJsonEvents>[number] {
  const whole = { specversion: "1.0", id: "1", source: "/shop", type: "order", ...event };
  return readJsonEvents("structured", Buffer.from(JSON.stringify(whole)))[0]!;
}

describe("the mode of a message", () => {
  it("follows from its headers", () => {
    const mode = (type: string | undefined, more = {}) => eventMode({ "content-type": type, ...more });
    assert.equal(mode("application/cloudevents+json; charset=utf-8"), "structured");
    assert.equal(mode("application/cloudevents-batch+json"), "batch");
    assert.equal(mode("application/json", BASE), "binary");
    assert.equal(mode("application/json"), "plain");
    assert.equal(mode(undefined), "plain");
    refuses(() => mode("application/cloudevents+avro"), /cloudevents\+avro.*send events as JSON/);
  });
});

describe("an event in binary mode", () => {
  it("keeps every attribute and extension", () => {
    const headers = { ...BASE, "content-type": "image/png", "ce-subject": "a", "ce-partitionkey": "k 1" };
    assert.deepEqual(readContext(headers), {
      ...{ id: "1", source: "/shop", type: "order" },
      attributes: { subject: "a", partitionkey: "k 1", datacontenttype: "image/png" },
    });
  });

  it("has percent-encoded values, which need not be encoded", () => {
    const subjectOf = (text: string) => readContext({ ...BASE, "ce-subject": text }).attributes.subject;
    assert.equal(subjectOf("Euro%20%E2%82%AC%20%F0%9F%98%80"), "Euro € 😀");
    assert.equal(subjectOf(Buffer.from("Euro €").toString("latin1")), "Euro €");
    assert.equal(subjectOf("100% of 5%2F6"), "100% of 5/6");
    assert.equal(subjectOf('"a \\"b\\""'), 'a "b"');
    refuses(() => subjectOf("%ff%fe"), /ce-subject is not UTF-8/);
  });

  it("survives the way out and back", () => {
    const attributes = {
      subject: 'a "b" 100% €😀 z',
      time: "2026-11-29T14:00:00Z",
      datacontenttype: "text/plain",
    };
    const event = { id: "ä", source: "/s p", type: "t", attributes };
    const fields = binaryHeaders(event);
    assert.deepEqual(readContext(headersOf(fields)), event);
    for (const text of fields) assert.match(text, /^[\x20-\x7e]+$/);
  });

  it("is what the package cloudevents writes and reads", () => {
    const theirs = new CloudEvent({
      id: "1",
      source: "/s",
      type: "t",
      subject: "Grüße",
      data: "x",
      comexampleext: "e",
    });
    const written = HTTP.binary(theirs).headers as Record<string, string>;
    const ours = readContext(
      Object.fromEntries(Object.entries(written).map(([k, v]) => [k.toLowerCase(), v])),
    );
    assert.equal(ours.attributes.comexampleext, "e");
    assert.equal(ours.attributes.subject, "Grüße", "which it does not encode");
    const read = HTTP.toEvent({
      headers: headersOf(binaryHeaders(ours)) as never,
      body: "x",
    }) as CloudEvent<string>;
    assert.equal(read.id, "1");
    assert.equal(read.type, "t");
    assert.equal(read.comexampleext, "e");
  });

  it("is refused for names, values and attributes that are not valid", () => {
    refuses(() => readContext({ ...BASE, "ce-specversion": "0.3" }), /0\.3.*use 1\.0/);
    refuses(() => readContext({ ...BASE, "ce-id": undefined }), /no ce-id/);
    refuses(() => readContext({ ...BASE, "ce-type": "" }), /type is empty/);
    refuses(() => readContext({ ...BASE, "ce-a_b": "1" }), /"a_b" is not a valid name/);
    refuses(() => readContext({ ...BASE, "ce-data": "1" }), /"data" is not a valid name/);
    refuses(() => readContext({ ...BASE, "ce-a": "x%0ay" }), /a has control characters/);
    refuses(() => readContext({ ...BASE, "ce-time": "yesterday" }), /time is "yesterday"/);
    refuses(() => readContext({ ...BASE, "ce-datacontenttype": "a/b" }), /send content-type/);
    refuses(() => readContext({ ...BASE, "ce-a": "x".repeat(17_000) }), /may have 16384 bytes/);
  });

  it("takes what is absent from defaults, where there are some", () => {
    const defaults = { id: "d", source: "/topic/a", type: "dev.skiff.event" };
    const context = readContext({ "ce-type": "order", "content-type": "text/plain" }, defaults);
    assert.deepEqual(context, {
      ...{ id: "d", source: "/topic/a", type: "order", attributes: { datacontenttype: "text/plain" } },
    });
  });
});

describe("an event in JSON", () => {
  it("has JSON data, text or bytes", () => {
    const dataOf = (event: object) => Buffer.from(json(event).data).toString();
    assert.equal(dataOf({ data: { a: [1, "x"] } }), '{"a":[1,"x"]}');
    assert.equal(dataOf({ data: "text", datacontenttype: "text/plain" }), "text");
    assert.equal(dataOf({ data: "text" }), '"text"');
    assert.equal(dataOf({ data: null }), "null");
    assert.equal(dataOf({}), "");
    assert.deepEqual([...json({ data_base64: "AP+A" }).data], [0, 255, 128]);
    assert.equal(json({ data: 1 }).attributes.datacontenttype, "application/json");
    assert.equal(json({ data_base64: "AA==" }).attributes.datacontenttype, undefined);
  });

  it("keeps numbers as they were written", () => {
    const body = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":12345678901234567890,"e":1.0e2}}`;
    const [event] = readJsonEvents("structured", Buffer.from(body));
    assert.equal(Buffer.from(event!.data).toString(), '{"n":12345678901234567890,"e":1.0e2}');
  });

  it("has extensions that are texts, whole numbers or truth values", () => {
    const { attributes } = json({ a: "x", b: 7, c: true, d: null });
    assert.deepEqual(attributes, { a: "x", b: "7", c: "true" });
    refuses(() => json({ a: { b: 1 } }), /value of a that is none/);
    refuses(() => json({ a: 1.5 }), /value of a that is none/);
  });

  it("is refused without what it must have", () => {
    refuses(() => json({ specversion: "0.3" }), /no specversion "1.0"/);
    refuses(() => json({ id: null }), /no id/);
    refuses(() => json({ source: 4 }), /no source/);
    refuses(() => json({ data: 1, data_base64: "AA==" }), /both data and data_base64/);
    refuses(() => json({ data_base64: "%" }), /not valid Base64/);
    refuses(() => readJsonEvents("structured", Buffer.from("{")), /not valid JSON/);
    refuses(() => readJsonEvents("structured", Buffer.from([0x22, 0xff, 0x22])), /not valid JSON in UTF-8/);
    refuses(() => readJsonEvents("structured", Buffer.from("[]")), /not a JSON object/);
  });

  it("is one of a batch, which says where a fault is", () => {
    const event = { specversion: "1.0", id: "1", source: "/s", type: "t" };
    const batch = (...events: object[]) => readJsonEvents("batch", Buffer.from(JSON.stringify(events)));
    assert.deepEqual(
      batch(event, { ...event, id: "2" }).map(({ id }) => id),
      ["1", "2"],
    );
    refuses(() => batch(event, {}), /Event 1 of the batch has no specversion/);
    refuses(() => batch(), /at least one/);
    refuses(() => batch(...new Array(1_001).fill(event)), /may have 1000 events/);
  });

  it("is what the package cloudevents writes", () => {
    const theirs = new CloudEvent({ id: "1", source: "/s", type: "t", data: { a: 1 }, ext: "e" });
    const { body } = HTTP.structured(theirs);
    const [ours] = readJsonEvents("structured", Buffer.from(body as string));
    assert.equal(Buffer.from(ours!.data).toString(), '{"a":1}');
    assert.equal(ours!.attributes.ext, "e");
  });
});
