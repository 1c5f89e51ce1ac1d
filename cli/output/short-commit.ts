const ID_DIGITS = 7;

/** The first digits of the id of a commit, as git prints it. */
export function shortCommit(id: string): string {
  return id.slice(0, ID_DIGITS);
}
