import assert from "node:assert/strict";
import { readMirrorUrl } from "../../../manager/git/mirror/mirror-url.ts";

describe("the URL of a mirror", () => {
  for (const [given, expected] of [
    ["https://github.com/team/hello.git", "https://github.com/team/hello.git"],
    ["HTTP://Git.Internal:8080/team/hello", "http://git.internal:8080/team/hello"],
    ["http://2130706433/hello.git", "http://127.0.0.1/hello.git"],
  ] as const) {
    it(`may be ${given}`, () => assert.equal(readMirrorUrl(given), expected));
  }

  for (const [given, reason] of [
    ["git@github.com:team/hello.git", /use https:\/\/github\.com\/team\/hello\.git, with a token/],
    ["ssh://git@github.com/team/hello.git", /ssh: is not supported: use https:/],
    ["git://github.com/team/hello.git", /git: is not supported/],
    ["file:///etc", /file: is not supported/],
    ["ext::sh -c touch% /tmp/pwned", /ext: is not supported/],
    ["/etc/passwd", /is not a URL/],
    ["--upload-pack=touch /tmp/pwned", /is not a URL/],
    ["https://user:hunter2@github.com/team/hello.git", /has a user or password: leave them out/],
    ["https://github.com/team/hello.git?service=x", /has a \? or #/],
    ["https://github.com./team/hello.git", /has a dot after its host/],
    [`https://github.com/${"x".repeat(2_000)}`, /at most 2000 characters/],
  ] as const) {
    it(`is not ${given.slice(0, 60)}`, () => {
      assert.throws(
        () => readMirrorUrl(given),
        (error: Error) => reason.test(error.message) && !error.message.includes("hunter2"),
      );
    });
  }
});
