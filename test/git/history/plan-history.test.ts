import assert from "node:assert/strict";
import {
  type FunctionFacts,
  type HistoryStep,
  isMadeAnew,
  newFunction,
  planHistory,
} from "../../../manager/git/history/plan-history.ts";
import type { FunctionState } from "../../../manager/git/repository.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Traffic, VersionNote, VersionRecord } from "../../../platform/platform.ts";
import { defaultSettings } from "../../../platform/settings/settings.ts";
import { versionHash } from "../../../platform/version-hash.ts";

const LIMITS = limitsFromEnv({});

interface Given {
  readonly source?: string;
  readonly secret?: number;
  readonly note?: Partial<VersionNote>;
}

function version(number: number, { source = `source ${number}`, secret, note }: Given = {}): VersionRecord {
  const secrets = secret === undefined ? {} : { TOKEN: { secret: "token", version: secret } };
  const settings = { ...defaultSettings(LIMITS), secrets };
  return {
    ...{ name: "hello", version: number, sourceHash: source, settings, pinned: false },
    hash: versionHash(source, settings),
    createdAt: new Date(number * 60_000),
    note: { by: "ci", ...note },
  };
}

/** A state in which these versions have commits, and the last one is at the tip and takes all calls. */
function recorded(records: readonly VersionRecord[], changes: Partial<FunctionState> = {}): FunctionState {
  const last = records.at(-1)!.version;
  const versions = records.map(({ version, hash }) => [version, { commit: `c${version}`, hash }]);
  return { path: ".", version: last, serving: last, versions: Object.fromEntries(versions), ...changes };
}

const all = (version: number): Traffic => [{ version, weight: 1 }];
const split = (...versions: number[]): Traffic => versions.map((version) => ({ version, weight: 1 }));

/** `commit 4`, `beside 4`, `same 4 as 3`, `forward 4`, `back 3`, `switch 4`. */
function texts(steps: readonly HistoryStep[]): string[] {
  return steps.map((step) => {
    const { version } = step.record;
    if (step.kind === "commit") return `${step.movesTip ? "commit" : "beside"} ${version}`;
    if (step.kind === "same") return `same ${version} as ${step.as}${step.isTip ? "" : " beside"}`;
    if (step.kind === "forward") return `forward ${version}`;
    return `${step.isBack ? "back" : "switch"} ${version}`;
  });
}

function plan(state: FunctionState, facts: FunctionFacts): string[] {
  return texts(planHistory(state, facts));
}

const [one, two, three, four] = [version(1), version(2), version(3), version(4)];
const pushed = { author: "Ada <ada@example.com>", commit: "a".repeat(40) };

describe("planHistory", () => {
  const cases: readonly (readonly [string, FunctionState, FunctionFacts, readonly string[]])[] = [
    [
      "makes a commit of each version",
      newFunction("."),
      { versions: [one, two], traffic: all(2) },
      ["commit 1", "commit 2"],
    ],
    [
      "does nothing when nothing changed",
      recorded([one, two]),
      { versions: [one, two], traffic: all(2) },
      [],
    ],
    [
      "adds new versions",
      recorded([one]),
      { versions: [one, two, three], traffic: all(3) },
      ["commit 2", "commit 3"],
    ],
    [
      "goes on after versions are forgotten",
      recorded([one, two]),
      { versions: [two, three], traffic: all(3) },
      ["commit 3"],
    ],
    ["rolls back", recorded([one, two]), { versions: [one, two], traffic: all(1) }, ["back 1"]],
    [
      "rolls back once",
      recorded([one, two], { version: 1, serving: 1 }),
      { versions: [one, two], traffic: all(1) },
      [],
    ],
    [
      "goes forward again after a rollback",
      recorded([one, two], { version: 1, serving: 1 }),
      { versions: [one, two], traffic: all(2) },
      ["switch 2"],
    ],
    [
      "rolls a new repository back to what had calls before",
      newFunction("."),
      { versions: [one, two, three], traffic: all(1), previous: 3 },
      ["commit 1", "commit 2", "commit 3", "back 1"],
    ],
    [
      "leaves previews beside the branch",
      recorded([one]),
      { versions: [one, two, three], traffic: all(1) },
      ["beside 2", "beside 3"],
    ],
    [
      "takes previews that never had calls to the branch with a later version",
      recorded([one]),
      { versions: [one, two, three], traffic: all(3) },
      ["commit 2", "commit 3"],
    ],
    [
      "moves to a preview that gets all calls",
      recorded([one], {
        versions: { 1: { commit: "c1", hash: one.hash }, 2: { commit: "c2", hash: two.hash } },
      }),
      { versions: [one, two], traffic: all(2) },
      ["switch 2"],
    ],
    ["records a canary", recorded([one]), { versions: [one, two], traffic: split(1, 2) }, ["commit 2"]],
    [
      "rolls an aborted canary back",
      recorded([one, two], { serving: 0 }),
      { versions: [one, two], traffic: all(1) },
      ["back 1"],
    ],
    [
      "rolls back what came and went unseen",
      recorded([one]),
      { versions: [one, two], traffic: all(1), previous: 2 },
      ["commit 2", "back 1"],
    ],
    [
      "leaves a push without traffic at the tip",
      recorded([one, two], { serving: 1 }),
      { versions: [one, two], traffic: all(1) },
      [],
    ],
    [
      "ignores versions of refused pushes",
      recorded([one]),
      { versions: [one, version(2, { note: pushed })], traffic: all(1) },
      [],
    ],
    [
      "ignores them when a later version serves",
      recorded([one]),
      { versions: [one, version(2, { note: pushed }), three], traffic: all(3) },
      ["commit 3"],
    ],
    [
      "records them when they take calls",
      recorded([one]),
      { versions: [one, version(2, { note: pushed })], traffic: all(2) },
      ["commit 2"],
    ],
    [
      "records pushed versions in a new repository",
      newFunction("."),
      { versions: [one, version(2, { note: pushed }), three], traffic: all(3) },
      ["commit 1", "commit 2", "commit 3"],
    ],
    [
      "moves to a pushed commit that is there",
      recorded([one]),
      { versions: [one, version(2, { note: pushed }), three], traffic: all(2), ahead: new Set([2]) },
      ["forward 2", "beside 3"],
    ],
    [
      "gives a refreshed secret the commit of the tip",
      recorded([version(1, { source: "x", secret: 1 })]),
      {
        versions: [version(1, { source: "x", secret: 1 }), version(2, { source: "x", secret: 2 })],
        traffic: all(2),
      },
      ["same 2 as 1"],
    ],
    [
      "does not move the tip for the secret of an older version",
      recorded([version(1, { source: "x", secret: 1 }), two], { serving: 0 }),
      {
        versions: [version(1, { source: "x", secret: 1 }), two, version(3, { source: "x", secret: 2 })],
        traffic: split(3, 2),
      },
      ["same 3 as 1 beside"],
    ],
    [
      "makes a commit of an older source that is deployed again",
      recorded([one, two]),
      { versions: [one, two, version(3, { source: "source 1" })], traffic: all(3) },
      ["commit 3"],
    ],
    [
      "records a function without traffic",
      newFunction("."),
      { versions: [one, two], traffic: [] },
      ["commit 1", "commit 2"],
    ],
  ];
  for (const [title, state, facts, expected] of cases) {
    it(title, () => assert.deepEqual(plan(state, facts), expected));
  }

  it("names a version with the same source", () => {
    const facts = { versions: [one, two, version(3, { source: "source 1" })], traffic: all(3) };
    const [step] = planHistory(recorded([one, two]), facts);
    assert.equal(step?.kind === "commit" && step.alike, 1);
  });

  it("has nothing to do after what it planned", () => {
    for (const [title, state, facts] of cases) {
      const after = done(state, facts);
      assert.deepEqual(plan(after, { ...facts, ahead: new Set() }), [], title);
    }
  });
});

describe("isMadeAnew", () => {
  it("tells another function with the same name", () => {
    assert.equal(isMadeAnew(recorded([one, two]), [one, two, three]), false);
    assert.equal(isMadeAnew(recorded([one, two]), [two, four]), false);
    assert.equal(isMadeAnew(recorded([one, two]), [version(1, { source: "another" })]), true);
    assert.equal(isMadeAnew(recorded([three, four]), [one]), true);
  });
});

/** The state after a plan is carried out. */
function done(state: FunctionState, facts: FunctionFacts): FunctionState {
  const versions = { ...state.versions };
  let tip = state.version;
  for (const step of planHistory(state, facts)) {
    const { version, hash } = step.record;
    versions[version] ??= { commit: `c${version}`, hash };
    const moves = step.kind === "commit" ? step.movesTip : step.kind !== "same" || step.isTip;
    if (moves) tip = version;
  }
  const [share, ...others] = facts.traffic;
  const serving = share && others.length === 0 ? share.version : 0;
  return { ...state, version: tip, serving, versions };
}
