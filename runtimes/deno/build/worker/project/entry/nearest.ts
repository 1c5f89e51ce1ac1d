import { distance } from "../../distance.ts";

const MOST = 2;
/** Share of a name that may differ. */
const DIFFERENCE = 0.4;
/** Paths that are compared. */
const COMPARED = 2_000;

/** The paths that `wanted` may have meant: the same file in another folder or with another ending, or a misspelt one. */
export function nearest(wanted: string, paths: readonly string[]): string[] {
  const stem = stemOf(wanted);
  const same = paths.filter((path) => stemOf(path) === stem);
  if (same.length > 0) return same.slice(0, MOST);
  const most = Math.ceil(wanted.length * DIFFERENCE);
  if (wanted.length > 100) return [];
  return paths
    .slice(0, COMPARED)
    .filter((path) => Math.abs(path.length - wanted.length) <= most)
    .map((path) => ({ path, distance: distance(wanted, path) }))
    .filter((each) => each.distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST)
    .map(({ path }) => path);
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.\w+$/, "");
}
