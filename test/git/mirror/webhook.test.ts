import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { isSigned, readDelivery, senderOf } from "../../../manager/git/mirror/webhook.ts";

const SECRET = "It's a Secret to Everybody";
const COMMIT = "9049f1265b7d61be4a8904a9a27120d2064dab3b";
const BODY = Buffer.from(JSON.stringify({ ref: "refs/heads/main", after: COMMIT }));
const hmac = (body: Buffer) => createHmac("sha256", SECRET).update(body).digest("hex");

describe("a webhook", () => {
  it("of GitHub is signed as its documentation shows", () => {
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const headers = { "x-hub-signature-256": signature, "x-github-event": "push" };
    assert.equal(senderOf(headers, Buffer.from("Hello, World!"), SECRET), "github");
    assert.equal(senderOf(headers, Buffer.from("Hello, World?"), SECRET), undefined);
  });

  it("of Gitea and Forgejo is signed without a prefix", () => {
    const headers = { "x-gitea-signature": hmac(BODY), "x-gitea-event": "push", "x-github-event": "push" };
    assert.equal(senderOf(headers, BODY, SECRET), "gitea");
    assert.equal(senderOf({ ...headers, "x-gitea-signature": hmac(BODY).slice(1) }, BODY, SECRET), undefined);
    assert.deepEqual(readDelivery(headers, BODY, "main"), { kind: "push", commit: COMMIT });
  });

  it("of GitLab sends its secret", () => {
    const headers = { "x-gitlab-token": SECRET, "x-gitlab-event": "Push Hook" };
    assert.equal(senderOf(headers, BODY, SECRET), "gitlab");
    assert.equal(senderOf({ ...headers, "x-gitlab-token": `${SECRET}.` }, BODY, SECRET), undefined);
    assert.deepEqual(readDelivery(headers, BODY, "main"), { kind: "push", commit: COMMIT });
  });

  for (const [what, headers] of Object.entries({
    "no signature": {},
    "an old signature": { "x-hub-signature": `sha1=${hmac(BODY)}` },
    "an empty signature": { "x-hub-signature-256": "" },
    "an empty token": { "x-gitlab-token": "" },
    "a signature with another secret": {
      "x-hub-signature-256": `sha256=${createHmac("sha256", "other").update(BODY).digest("hex")}`,
    },
    "a wrong signature beside a right token": {
      "x-gitea-signature": "0".repeat(64),
      "x-gitlab-token": SECRET,
    },
  })) {
    it(`with ${what} is nobody's`, () => assert.equal(senderOf(headers, BODY, SECRET), undefined));
  }

  it("is nobody's without a secret, or with a short one", () => {
    for (const secret of ["", "short"]) {
      const signature = createHmac("sha256", secret).update(BODY).digest("hex");
      assert.equal(senderOf({ "x-hub-signature-256": `sha256=${signature}` }, BODY, secret), undefined);
      assert.equal(senderOf({ "x-gitlab-token": secret }, BODY, secret), undefined);
    }
    assert.equal(isSigned({ authorization: "Bearer x" }), false);
  });

  it("may be a form, which is signed as it is sent", () => {
    const form = Buffer.from(new URLSearchParams({ payload: BODY.toString() }).toString());
    const headers = { "content-type": "application/x-www-form-urlencoded", "x-github-event": "push" };
    assert.deepEqual(readDelivery(headers, form, "main"), { kind: "push", commit: COMMIT });
  });

  for (const [what, event, payload, kind] of [
    ["a ping", "ping", { zen: "Keep it logically awesome." }, "ping"],
    ["a push to another branch", "push", { ref: "refs/heads/feature", after: COMMIT }, "ignored"],
    ["a pushed tag", "push", { ref: "refs/tags/v1", after: COMMIT }, "ignored"],
    ["a deleted branch", "push", { ref: "refs/heads/main", after: "0".repeat(40) }, "ignored"],
    ["an issue", "issues", { action: "opened" }, "ignored"],
    ["a push without a body that is understood", "push", [], "push"],
  ] as const) {
    it(`reads ${what}`, () => {
      const body = Buffer.from(JSON.stringify(payload));
      assert.equal(readDelivery({ "x-github-event": event }, body, "main").kind, kind);
    });
  }
});
