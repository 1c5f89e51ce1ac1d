/** Beginnings of paths and the topics that they lead to. */
export type GatewayPaths = ReadonlyMap<string, string>;

/** No path of a topic is longer. */
const LONGEST = 512;

/**
 * Returns the topic whose path is the longest beginning of `path`, by whole segments. Undefined if there is none. Paths are
 * compared as they were sent, without decoding.
 * @param path below /gateway, without a query
 */
export function topicOfPath(paths: GatewayPaths, path: string): string | undefined {
  let beginning = path.length > LONGEST ? path.slice(0, path.lastIndexOf("/", LONGEST)) : path;
  while (beginning !== "") {
    const topic = paths.get(beginning);
    if (topic !== undefined) return topic;
    beginning = beginning.slice(0, beginning.lastIndexOf("/"));
  }
  return paths.get("/");
}

/** Of topics with the same path the first by name has it. */
export function gatewayPaths(
  topics: Iterable<{ readonly name: string; readonly paths: readonly string[] }>,
): GatewayPaths {
  const sorted = [...topics].sort((a, b) => (a.name < b.name ? 1 : -1));
  return new Map(sorted.flatMap(({ name, paths }) => paths.map((path) => [path, name])));
}
