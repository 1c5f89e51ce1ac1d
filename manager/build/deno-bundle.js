// Runs in Deno, not in Node: bundles the module at the path in its first argument and prints one JSON
// document, `{code}` or `{errors}`. It is a program because Deno's bundler obeys the permissions of the
// program that calls it, whereas the command `deno bundle` may read every file of the machine.

/** @param {{text: string, location: {file: string, line: number, column: number, length: number} | null}} error */
const describe = ({ text, location }) => ({ text, location });

async function bundle(entry) {
  try {
    const { success, errors, outputFiles } = await Deno.bundle({
      entrypoints: [entry],
      platform: "deno",
      format: "esm",
      sourcemap: "inline",
      write: false,
    });
    // A package may import style sheets, which become a second file that a function has no use for.
    const texts = outputFiles?.map((file) => file.text()) ?? [];
    if (success) return { code: texts.find((text) => text.includes("\n//# sourceMappingURL=")) };
    return { errors: errors.map(describe) };
  } catch (error) {
    return { errors: [{ text: String(error?.message ?? error), location: null }] };
  }
}

/** Input ends when the process that started this one is gone, however it went. */
async function exitWithParent() {
  while ((await Deno.stdin.read(new Uint8Array(64))) !== null);
  Deno.exit(1);
}

void exitWithParent();
const answer = new TextEncoder().encode(JSON.stringify(await bundle(Deno.args[0])));
for (let sent = 0; sent < answer.length; ) sent += await Deno.stdout.write(answer.subarray(sent));
Deno.exit(0);
