import type { Context } from "mocha";

/** Skips a test that this machine does not allow, and prints why. */
export function notTried(test: Context, reason: string): never {
  console.log(`      not tried: ${reason}`);
  return test.skip();
}

/** Skips a test on systems other than Linux. @param what the test needs, in the plural */
export function needsLinux(test: Context, what: string): void {
  if (process.platform !== "linux") notTried(test, `only Linux has ${what}`);
}
