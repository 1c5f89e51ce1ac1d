import { deepEqual } from "node:assert/strict";
import { withCode } from "../../../dashboard/web/blocks/with-code.ts";
import { newerWithCalls, percentText, trafficText } from "../../../dashboard/web/function/traffic.ts";

describe("what pages say of a function", () => {
  it("shows what stands in backticks as code", () => {
    const shown = (text: string) =>
      withCode(text)?.map((part) =>
        typeof part === "string" ? part : { [String(part.type)]: part.props.children },
      );
    deepEqual(shown("none without `net`, else all"), ["none without ", { code: "net" }, ", else all"]);
    deepEqual(shown("a pod for each instance"), ["a pod for each instance"]);
    deepEqual(shown("an odd ` stays"), ["an odd ` stays"]);
    deepEqual(withCode(undefined), undefined);
  });

  it("names newer versions that take some of the calls, with their part", () => {
    const traffic = [
      { version: 1, weight: 70 },
      { version: 2, weight: 20 },
      { version: 3, weight: 10 },
      { version: 4, weight: 0 },
    ];
    deepEqual(newerWithCalls(2, traffic), [{ version: 3, share: 0.1 }]);
    deepEqual(
      newerWithCalls(1, traffic).map(({ version }) => version),
      [2, 3],
    );
    deepEqual(newerWithCalls(1, []), []);
  });

  it("writes parts of the calls as percentages, with a digit more for small ones", () => {
    deepEqual([1, 0.296, 0.07, 0.005, 0].map(percentText), ["100 %", "30 %", "7 %", "0.5 %", "0 %"]);
    const traffic = [
      { version: 2, weight: 1 },
      { version: 3, weight: 3 },
    ];
    deepEqual(trafficText(traffic), "v3 75 % · v2 25 %");
  });
});
