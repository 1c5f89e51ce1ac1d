import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { GitUser } from "../support/git-user.ts";

/** A function that answers with a text. */
const answering = (text: string) => `export default () => new Response("${text}");\n`;

describe("a push", () => {
  let skiff: StartedSkiff;
  const users: GitUser[] = [];

  before(async () => {
    skiff = await startedSkiff();
  });

  after(async () => {
    for (const user of users) user.close();
    await skiff.close();
  });

  const urlOf = (name: string) => `${skiff.url}/git/${name}.git`;
  async function userOf(name: string): Promise<GitUser> {
    const user = await GitUser.init(urlOf(name));
    users.push(user);
    return user;
  }
  const call = async (name: string) => await (await fetch(`${skiff.url}/fn/${name}`)).text();

  it("creates a function, and says what it does", async () => {
    const user = await userOf("hello");
    const commit = await user.commit({ "main.ts": answering("one") });
    const { code, stderr } = await user.push();
    assert.equal(code, 0, stderr);
    assert.equal(await call("hello"), "one");
    assert.match(stderr, new RegExp(`^main ${commit.slice(0, 7)} → hello$`, "m"));
    assert.match(stderr, /^hello: built in .*, starting…$/m);
    assert.match(stderr, /^http:\S+\/fn\/hello {2}version 1$/m);
  }).timeout(60_000);
});
