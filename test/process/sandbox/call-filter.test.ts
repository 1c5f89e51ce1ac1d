import assert from "node:assert/strict";
import { programFilter } from "../../../process/sandbox/call-filter.ts";

const ARCHES = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
type Arch = keyof typeof ARCHES;
const ALLOWED = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50026;
const EAFNOSUPPORT = 0x50061;

interface SystemCall {
  readonly number: number;
  readonly argument?: number;
  readonly arch?: number;
}

/** What the kernel would do with a call: a filter is a program for a small machine with one register. */
function outcome(processor: Arch, { number, argument = 0, arch = ARCHES[processor] }: SystemCall): number {
  const filter = programFilter(processor)!;
  const data: Readonly<Record<number, number>> = { 0: number, 4: arch, 16: argument };
  let register = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const [code, value] = [filter.readUInt16LE(at * 8), filter.readUInt32LE(at * 8 + 4)];
    const jump = (isTrue: boolean) => {
      at += filter.readUInt8(at * 8 + (isTrue ? 2 : 3));
    };
    if (code === 0x06) return value;
    if (code === 0x20) register = data[value]!;
    else if (code === 0x15) jump(register === value);
    else if (code === 0x35) jump(register >= value);
    else if (code === 0x45) jump((register & value) !== 0);
    else assert.fail(`code ${code}`);
  }
  return assert.fail("the filter has no end");
}

describe("the filter of system calls", () => {
  it("refuses namespaces and keys, and allows everything usual", () => {
    for (const [processor, unshare, keyctl, read] of [
      ["x64", 272, 250, 0],
      ["arm64", 97, 219, 63],
    ] as const) {
      assert.equal(outcome(processor, { number: unshare }), EPERM);
      assert.equal(outcome(processor, { number: keyctl }), EPERM);
      assert.equal(outcome(processor, { number: read }), ALLOWED);
    }
  });

  it("allows processes and threads, but none in a new namespace", () => {
    const [clone, threads, user] = [56, 0x003d_0f00, 0x1000_0011];
    assert.equal(outcome("x64", { number: clone, argument: threads }), ALLOWED);
    assert.equal(outcome("x64", { number: clone, argument: user }), EPERM);
    assert.equal(outcome("x64", { number: 435 }), ENOSYS);
  });

  it("allows sockets of networks and files alone", () => {
    const of = (argument: number) => outcome("x64", { number: 41, argument });
    for (const family of [1, 2, 10, 16]) assert.equal(of(family), ALLOWED);
    for (const family of [17, 38, 40]) assert.equal(of(family), EAFNOSUPPORT);
  });

  it("knows no calls of other processors", () => {
    assert.equal(outcome("x64", { number: 310, arch: 0x40000003 }), ENOSYS);
    assert.equal(outcome("x64", { number: 0x4000_0000 + 272 }), ENOSYS);
    assert.equal(programFilter("s390x"), undefined);
  });
});
