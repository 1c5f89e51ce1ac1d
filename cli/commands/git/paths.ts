/** The path of a repository in the API. */
export function repositoryPath(name: string, rest = ""): string {
  return `/git/${encodeURIComponent(name)}${rest}`;
}
