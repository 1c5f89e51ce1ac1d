import assert from "node:assert/strict";
import { parseEntityTags } from "../../http/entity-tags.ts";

describe("entity tags", () => {
  it("are read as a list of strong ones, or *", () => {
    assert.equal(parseEntityTags(" * "), "*");
    assert.deepEqual(parseEntityTags('"3"'), ["3"]);
    assert.deepEqual(parseEntityTags('"a" ,W/"b",  "c-d"'), ["a", "c-d"]);
    assert.deepEqual(parseEntityTags('""'), [""]);
    assert.deepEqual(parseEntityTags('W/"3"'), []);
  });

  it("are refused in another form", () => {
    for (const wrong of ["", "3", '"3', '"a""b"', '"a",', '"a b"', '*, "a"', 'w/"a"']) {
      assert.equal(parseEntityTags(wrong), undefined, wrong);
    }
  });
});
