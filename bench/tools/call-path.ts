/** Prints the files on the path of one warm call: `node bench/tools/call-path.ts`. */
import { filesOfCall } from "../../test/support/call-path.ts";

for (const method of ["GET", "POST"] as const) {
  const files = await filesOfCall(method);
  console.log(`A warm ${method} passes ${files.length} files:`);
  for (const file of files) console.log(`  ${file}`);
}
