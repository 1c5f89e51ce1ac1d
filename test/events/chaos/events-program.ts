/** Events as a process of its own, which tests kill. */
import { openEvents } from "./open-events.ts";

const [store, router, shared] = process.argv.slice(2);
const { url } = await openEvents({
  ...{ store: store!, router: router!, isShared: shared === "shared" },
  print: (line) => console.log(line),
});
console.log(`listens on ${url}`);
