import assert from "node:assert/strict";
import { checkCommand, commandRules, NO_COMMANDS } from "../../../platform/images/command-rules.ts";
import type { Problem } from "../../../platform/problems.ts";

describe("commands: what an installation lets them do", () => {
  const codeOf = (check: () => void) => {
    try {
      check();
      return "allowed";
    } catch (error) {
      return (error as Problem).code;
    }
  };

  it("is everything where Skiff listens on loopback, and nothing elsewhere, unless it is set", () => {
    assert.equal(
      codeOf(() => checkCommand(commandRules({}, true), "host")),
      "allowed",
    );
    assert.equal(
      codeOf(() => checkCommand(commandRules({}, false), "host")),
      "exec_off",
    );
    assert.equal(
      codeOf(() => checkCommand(commandRules({ SKIFF_EXEC: "off" }, true), "host")),
      "exec_off",
    );
    assert.equal(
      codeOf(() => checkCommand(NO_COMMANDS, "host")),
      "exec_off",
    );
  });

  it("needs images too where it is switched on", () => {
    const on = { SKIFF_EXEC: "on" };
    assert.equal(
      codeOf(() => checkCommand(commandRules(on, false), "host")),
      "image_not_allowed",
    );
    const rules = commandRules({ ...on, SKIFF_IMAGES: "busybox" }, false);
    assert.equal(
      codeOf(() => checkCommand(rules, "busybox:1")),
      "allowed",
    );
    assert.equal(
      codeOf(() => checkCommand(rules, "host")),
      "image_not_allowed",
    );
  });

  it("is refused in words that are neither on nor off", () => {
    assert.throws(
      () => commandRules({ SKIFF_EXEC: "yes" }, true),
      /^Error: SKIFF_EXEC=yes is unknown: use "on" or "off"\.$/,
    );
  });
});
