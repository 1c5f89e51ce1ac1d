/** Returns the word that `text` is probably a misspelling of, regardless of case and separators; undefined if none is. */
export function closestWord(text: string, words: readonly string[]): string | undefined {
  const given = plain(text);
  // Longer texts are no misspellings, and comparing them takes time.
  if (given.length > 40) return undefined;
  const distances = words.map((word) => ({ word, distance: editDistance(given, plain(word)) }));
  const [closest] = distances.sort((a, b) => a.distance - b.distance);
  const most = Math.ceil(given.length / 4);
  return closest !== undefined && closest.distance <= most ? closest.word : undefined;
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[-_.\s]/g, "");
}

/** Number of characters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
