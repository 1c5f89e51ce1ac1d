import assert from "node:assert/strict";
import { PROCESS_FAMILIES, readProcessMetrics } from "../../metrics/families.ts";
import { group, Metrics } from "../../metrics/metrics.ts";

describe("the metrics of a process", () => {
  it("are those of this one, under the names of Prometheus clients", () => {
    const values = readProcessMetrics();
    assert.ok(values.process_resident_memory_bytes! > 1024 ** 2);
    assert.ok(values.nodejs_heap_size_used_bytes! > 1024 ** 2);
    assert.ok(values.process_cpu_seconds_total! > 0);
    assert.ok(values.nodejs_eventloop_active_seconds_total! > 0);
    const startedAt = values.process_start_time_seconds! * 1_000;
    assert.ok(startedAt <= Date.now() && startedAt > Date.now() - 3_600_000);
    if (process.platform === "linux") assert.ok(values.process_open_fds! > 2);
  });

  it("carry the number of a worker as a label, and leave out what its system does not have", async () => {
    const metrics = new Metrics();
    const worker = { worker: "1", metrics: { process_open_fds: 17 } };
    metrics.add(() => [group(PROCESS_FAMILIES, [{ metrics: { process_open_fds: 9 } }, worker])]);
    const lines = (await metrics.text()).split("\n").filter((line) => /^\w/.test(line));
    assert.deepEqual(lines, ["process_open_fds 9", 'process_open_fds{worker="1"} 17']);
  });

  it("need no observer that would have to be stopped", () => {
    assert.ok(!PROCESS_FAMILIES.some(({ name }) => /gc_duration|eventloop_lag/.test(name)));
  });
});
