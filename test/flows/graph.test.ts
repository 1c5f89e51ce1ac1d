import assert from "node:assert/strict";
import type { FlowDefinition, Step } from "../../platform/flows/definition/definition.ts";
import { flowGraph } from "../../platform/flows/graph/flow-graph.ts";
import { placed } from "../../platform/flows/graph/layout.ts";
import { mermaidOf } from "../../platform/flows/graph/mermaid.ts";
import { svgOf } from "../../platform/flows/graph/svg.ts";
import { threadMs } from "../support/processor/thread-time.ts";

function step(name: string, more: Partial<Step> = {}): Step {
  const action = { kind: "fn", function: name, method: "POST", path: "/", headers: {} } as const;
  return { action, needs: [], concurrency: 10, catch: [], ...more };
}

const FLOW: FlowDefinition = {
  flow: "order",
  on: { topics: [], crons: [] },
  timeoutMs: 1_000,
  steps: {
    check: step("check"),
    big: step("big", { needs: ["check"], if: 'input.total > 10 && input.name == "<b>"' }),
    small: step("small", { else: "big", catch: [{ on: ["404"], then: "mend" }] }),
    mend: step("mend"),
    end: step("end", { needs: ["big", "small"], each: "input.rows" }),
  },
  finally: { free: step("free") },
};

describe("the picture of a flow", () => {
  it("has its steps and edges in the text of Mermaid", () => {
    const lines = mermaidOf(flowGraph(FLOW, { check: "done", big: "failed" })).split("\n");
    assert.deepEqual(lines, [
      "flowchart TD",
      '  s_check["check<br/>fn check"]:::done',
      '  s_big["big<br/>fn big"]:::failed',
      '  s_small["small<br/>fn small"]',
      '  s_mend["mend<br/>fn mend"]',
      '  s_end["end<br/>fn end for each"]',
      '  s_free(["free<br/>fn free"])',
      '  s_check -->|"if input.total #62; 10 #38;#38; input.name == #34;#60;…"| s_big',
      '  s_big -.->|"else"| s_small',
      '  s_small -.->|"catch 404"| s_mend',
      "  s_big --> s_end",
      "  s_small --> s_end",
      "  classDef done fill:#b2f2bb",
      "  classDef failed fill:#ffc9c9",
      "",
    ]);
  });

  it("has each node in a place of its own, below what it needs", () => {
    const { nodes, width, height } = placed(flowGraph(FLOW));
    const at = Object.fromEntries(nodes.map((node) => [node.name, node]));
    assert.ok(at.check!.y < at.big!.y && at.big!.y < at.small!.y && at.small!.y < at.end!.y);
    for (const one of nodes) {
      assert.ok(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= width && one.y <= height);
      for (const other of nodes) {
        const isApart =
          Math.abs(one.x - other.x) >= (one.width + other.width) / 2 ||
          Math.abs(one.y - other.y) >= one.height;
        assert.ok(one === other || isApart, `${one.name} and ${other.name}`);
      }
    }
  });

  it("is an SVG in which texts of the author are texts", () => {
    const hostile = step("x", { if: '"</text><script>alert(1)</script>"', needs: ["check"] });
    const svg = svgOf(
      flowGraph({ ...FLOW, steps: { check: step("check"), bad: hostile } }, { bad: "waiting" }),
    );
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
    assert.doesNotMatch(svg, /<script/);
    assert.match(svg, /&#60;\/text&#62;/);
    assert.match(svg, /<title>bad: waiting<\/title>/);
  });

  it("is made quickly for many steps with many needs, each below what it needs", () => {
    const names = Array.from({ length: 300 }, (_, index) => `s${index}`);
    const steps = Object.fromEntries(
      names.map((name, index) => [name, step("f", { needs: names.slice(Math.max(0, index - 50), index) })]),
    );
    const beganMs = threadMs();
    const { nodes, edges } = placed(flowGraph({ ...FLOW, steps }));
    svgOf(flowGraph({ ...FLOW, steps }));
    assert.ok(threadMs() - beganMs < 5_000);
    const at = Object.fromEntries(nodes.map((node) => [node.name, node]));
    for (const { from, to } of edges) assert.ok(at[from]!.y < at[to]!.y);
  });

  it("has a place of its own for each of 1,000 steps", () => {
    const steps = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [
        `s${index}`,
        step("f", index === 0 ? {} : { needs: [`s${Math.floor((index - 1) / 2)}`] }),
      ]),
    );
    const { nodes } = placed(flowGraph({ ...FLOW, steps }));
    for (const row of Map.groupBy(nodes, ({ y }) => y).values()) {
      const sorted = row.toSorted((a, b) => a.x - b.x);
      for (const [index, node] of sorted.entries()) {
        const next = sorted[index + 1];
        assert.ok(next === undefined || next.x - next.width / 2 >= node.x + node.width / 2);
      }
    }
  });
});
