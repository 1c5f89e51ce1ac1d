import assert from "node:assert/strict";
import { call } from "../../../support/instances/call-instance.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

const KNOWN = `${"7".repeat(31)}a`;
/** Numbers like a nonce in what it can see of its own memory, among them one that is there. */
const SEARCH = `
  import v8 from "node:v8";
  globalThis.known = "${KNOWN}";
  export default async () => {
    const found = new Set();
    let end = "";
    for await (const chunk of v8.getHeapSnapshot()) {
      const text = end + chunk;
      for (const word of text.match(/\\b[0-9a-f]{32}\\b/g) ?? []) if (!/^0+$/.test(word)) found.add(word);
      end = text.slice(-64);
    }
    return [...found].join(" ");
  };`;

describe("the word by which the platform knows a line of the runtime", () => {
  it("is not in the heap of which a function may take a snapshot", async function () {
    this.timeout(60_000);
    const local = await TemporaryLocalPlatform.open();
    try {
      const { address } = await local.publish(draftOf("search", SEARCH, { memoryMiB: 1_500 }));
      assert.equal((await call(address)).text, KNOWN);
    } finally {
      await local.close();
    }
  });
});
