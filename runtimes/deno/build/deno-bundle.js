// Runs in Deno, not in Node: bundles the module at the path in its first argument. It prints "c" and the bundle, or
// "e" and the errors as JSON. It is a program because Deno's bundler obeys the permissions of the program that
// calls it, whereas the command `deno bundle` may read every file of the machine.

const MOST_ERRORS = 20;
const MOST_TEXT = 10_000;
/** Exit code for downloads that broke off. A retry continues with what is in the cache. */
const BROKEN_DOWNLOAD = 75;
const BROKEN =
  /Failed (loading|fetching|to fetch) https?:|error sending request|connection (reset|closed|error)/i;

/** @param {{text: string, location: {file: string, line: number, column: number, length: number} | null}} error */
const describe = ({ text, location }) => ({ text: text.slice(0, MOST_TEXT), location });

async function bundle(entry) {
  try {
    const { success, errors, outputFiles } = await Deno.bundle({
      entrypoints: [entry],
      platform: "deno",
      format: "esm",
      sourcemap: "inline",
      write: false,
    });
    if (!success) return { errors: errors.slice(0, MOST_ERRORS).map(describe) };
    // A package may import style sheets, which become a second file that a function does not need.
    return { contents: outputFiles?.map((file) => file.contents).find((contents) => hasMap(contents)) };
  } catch (error) {
    return { errors: [describe({ text: String(error?.message ?? error), location: null })] };
  }
}

/** Whether the last line is a source map: of the files, that of the code alone has one of this form. */
function hasMap(contents) {
  const lineStart = contents.lastIndexOf(10, contents.length - 2) + 1;
  return new TextDecoder().decode(contents.subarray(lineStart, lineStart + 21)) === "//# sourceMappingURL=";
}

/** Input ends with the process that started this one, however that ended. */
async function exitWithParent() {
  while ((await Deno.stdin.read(new Uint8Array(64))) !== null);
  Deno.exit(1);
}

async function print(bytes) {
  for (let sent = 0; sent < bytes.length; ) sent += await Deno.stdout.write(bytes.subarray(sent));
}

void exitWithParent();
const { contents, errors } = await bundle(Deno.args[0]);
if (errors?.some(({ text }) => BROKEN.test(text))) {
  await print(new TextEncoder().encode(`e${JSON.stringify(errors)}`));
  Deno.exit(BROKEN_DOWNLOAD);
}
await print(new TextEncoder().encode(errors ? `e${JSON.stringify(errors)}` : "c"));
if (contents) await print(contents);
Deno.exit(0);
