import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { applyEdit, type FlowEdit } from "../../../dashboard/web/flows/document/edit.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { edited, type Flow } from "./model.ts";

const FILES = globSync("examples/flows/*.yaml").filter((file) => !/test|skiff/.test(file));
const TEXTS = Object.fromEntries(FILES.map((file) => [file, readFileSync(file, "utf8")]));
const ODD = `# An odd one
steps:   # all of them

  first:  # begins
    # why
    fn: one   # calls
    needs:
    - zero
    -  other  # too
    catch:
    # rule
    - on: [timeout]
      then: second
    - then: other
  # about second
  second: { fn: two, needs: [first , zero], with: { a: "\${ steps.first.output.a + size('}') }" } }

  zero:
    approve: >-
      Really
      so, \${ input.who }?
  other:
    fn: x
    if: 'steps.zero.state == "done"'
    # last of other

# about the end
output: "\${ steps['first'].output }"
`;
const ALL: Readonly<Record<string, string>> = {
  ...TEXTS,
  odd: ODD,
  "odd with CRLF": ODD.replaceAll("\n", "\r\n"),
  json: JSON.stringify(flowOf(TEXTS["examples/flows/order.yaml"]!), null, 2),
  "json in one line": JSON.stringify(flowOf(TEXTS["examples/flows/vacation.yaml"]!)),
};

function flowOf(text: string): Flow {
  const document = parseDocument(text, { version: "1.2" });
  assert.deepEqual(document.errors, [], text);
  const flow = document.toJS() as Flow;
  // A step whose last member went has no value, or is an empty object.
  for (const [name, step] of Object.entries(flow.steps ?? {})) flow.steps[name] = step ?? {};
  return flow;
}

function commentsOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => /(?:^|\s)(#.*)$/.exec(line)?.[1] ?? []);
}

describe("edits of the text of a flow", () => {
  for (const [name, text] of Object.entries(ALL)) {
    it(`changes ${name} at random: what is not edited stays`, () => {
      for (let seed = 1; seed <= 3; seed++) randomEdits(text, seededRandom(seed));
    });
  }

  it("changes the lines of the step alone", () => {
    const text = TEXTS["examples/flows/order.yaml"]!;
    const after = applyEdit(text, { kind: "connect", from: "reserve", to: "answer", link: "needs" });
    assert.deepEqual(linesOf(text, after.text), {
      removed: ["    needs: [mailed, declined]"],
      added: ["    needs: [mailed, declined, reserve]"],
    });
    const retried = applyEdit(text, {
      kind: "set",
      path: ["steps", "check", "retry"],
      value: { attempts: 2 },
    });
    assert.deepEqual(linesOf(text, retried.text), { removed: [], added: ["    retry: { attempts: 2 }"] });
  });

  it("removes a step with all that leads to it", () => {
    const { text } = applyEdit(TEXTS["examples/flows/vacation.yaml"]!, { kind: "remove", step: "refused" });
    assert.ok(!text.includes("refused"), text);
    assert.ok(text.includes("      - { on: [timeout], then: late }"));
  });

  it("renames a step in members and expressions", () => {
    const { text, changes } = applyEdit(TEXTS["examples/flows/order.yaml"]!, {
      kind: "rename",
      step: "check",
      to: "verify",
    });
    assert.match(text, /\n {2}verify:\n {4}fn: check\n/);
    assert.match(text, /amount: "\$\{ steps\.verify\.output\.amount \}"/);
    assert.equal(text.match(/needs: \[verify\]/g)?.length, 2);
    assert.equal(changes.length, 4);
  });

  it("writes a flow from nothing", () => {
    let text = "";
    for (const edit of [
      { kind: "add", name: "Charge card", members: { fn: "charge" } },
      { kind: "add", name: "charge-card", members: { fn: "mail", needs: ["charge_card"] } },
      { kind: "add", name: "free", members: { fn: "free" }, isFinally: true },
      { kind: "set", path: ["on", "http"], value: true },
      { kind: "set", path: ["flow"], value: "order" },
      {
        kind: "set",
        path: ["steps", "charge_card", "with"],
        value: { text: 'say "${ input.a }"', long: "x".repeat(90) },
      },
    ] satisfies FlowEdit[])
      ({ text } = applyEdit(text, edit));
    assert.equal(
      text,
      `flow: order
on: { http: true }
steps:
  charge_card:
    fn: charge
    with:
      text: "say \\"\${ input.a }\\""
      long: ${"x".repeat(90)}
  charge_card_2:
    fn: mail
    needs: [charge_card]
finally:
  free:
    fn: free
`,
    );
  });

  it("says why a text that cannot be read cannot be changed", () => {
    assert.throws(() => applyEdit("steps: [", { kind: "remove", step: "a" }), /Mend the text first/);
    assert.throws(
      () => applyEdit(ODD, { kind: "rename", step: "first", to: "zero" }),
      /There is a step zero/,
    );
  });
});

function randomEdits(start: string, random: () => number): void {
  let text = start;
  for (let count = 0; count < 12; count++) {
    const before = flowOf(text);
    const edit = randomEdit(before, random);
    const after = applyEdit(text, edit);
    const said = `${JSON.stringify(edit)}\n--- before\n${text}\n--- after\n${after.text}`;
    assert.deepEqual(flowOf(after.text), edited(before, edit), said);
    assert.equal(replayed(text, after.changes), after.text, said);
    // Comments may only go with the step they belong to.
    const [comments, kept] = [commentsOf(text), commentsOf(after.text)];
    const lost = comments.filter((comment) => !kept.includes(comment));
    const replaced = after.changes
      .map(({ from, to }) => text.slice(text.lastIndexOf("\n", from) + 1, to))
      .join("\n");
    if (edit.kind !== "remove" && edit.kind !== "set" && edit.kind !== "disconnect")
      assert.deepEqual(lost, [], said);
    else for (const comment of lost) assert.ok(replaced.includes(comment), said);
    text = after.text;
  }
}

function replayed(text: string, changes: readonly { from: number; to: number; insert: string }[]): string {
  return changes.reduceRight(
    (now, { from, to, insert }) => now.slice(0, from) + insert + now.slice(to),
    text,
  );
}

function randomEdit({ steps, finally: last = {} }: Flow, random: () => number): FlowEdit {
  const names = Object.keys(steps ?? {});
  const all = [...names, ...Object.keys(last)];
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const link = one(["needs", "else", "catch"] as const);
  const [from, to] = [one(names), one(names)];
  const kind = one([
    "add",
    "add",
    "remove",
    "rename",
    "connect",
    "connect",
    "disconnect",
    "set",
    "set",
    "unset",
  ]);
  if (names.length < 2 || kind === "add") {
    const members = one([
      { fn: "new" },
      { wait: "10s" },
      { publish: "t", needs: [from], with: { a: [1, "${ input }"] } },
    ]);
    const isFinally = random() < 0.2;
    return {
      kind: "add",
      name: one(["new", "a b", "if"]),
      members: from === undefined ? { fn: "new" } : members,
      isFinally,
      ...(random() < 0.3 && from && { after: from }),
    };
  }
  const list = Object.hasOwn(steps, from) ? "steps" : "finally";
  if (kind === "remove") return { kind, step: one(all) };
  if (kind === "rename")
    return { kind, step: one(all), to: `${one(["x", "yy"])}${Math.floor(random() * 1e6)}` };
  if ((kind === "connect" || kind === "disconnect") && from !== to) return { kind, from, to, link };
  if (kind === "unset") {
    const members = Object.keys(steps[from]!);
    return {
      kind: "set",
      path: [list, from, members.length > 1 ? one(members) : "timeout"],
      value: undefined,
    };
  }
  const [key, value] = one<[string, unknown]>([
    ["with", { to: "${ input.to }", n: 1, deep: { a: [true, null, "no", "1", ""] } }],
    ["with", "a\nb: c\n\n# d"],
    ["if", 'steps.a.output == "x" && !input.b'],
    ["retry", { attempts: 3, on: ["429"] }],
    ["each", ["a", { b: "- c" }]],
    ["timeout", "10s"],
    ["output", "# no comment: a"],
    ["needs", [one(all)]],
  ]);
  return { kind: "set", path: [list, from, key], value };
}

function linesOf(before: string, after: string): { removed: string[]; added: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (old[start] === now[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  return { removed: old.slice(start, old.length - end), added: now.slice(start, now.length - end) };
}
