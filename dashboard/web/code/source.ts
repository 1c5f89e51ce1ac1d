/** The content of a file: a text, or bytes that are none. */
export type Content = { readonly text: string } | { readonly base64: string; readonly bytes: number };

/** Contents by path. */
export type Files = Readonly<Record<string, Content>>;

/** The files of a version of a function. */
export interface Source {
  readonly version: number;
  readonly files: Files;
  /** The setting `entry`; without it Skiff finds the main module. */
  readonly entry?: string;
}

/** What `PUT` and `POST` of a function take as `application/json`. */
export interface PostedFiles {
  readonly files: Readonly<Record<string, string | { readonly base64: string }>>;
  readonly entry?: string;
}

/** Names that Skiff gives to a source of one file. */
const SINGLE = new Set(["main.ts", "main"]);

/**
 * Returns the body of a deploy. One file is posted as an archive where its name matters: `entry` makes it one.
 * An entry of the version before that is gone is reset.
 */
export function postedFiles(files: Files, entry: string | undefined): PostedFiles {
  const paths = Object.keys(files);
  const contents = Object.entries(files).map(([path, content]) => [
    path,
    "text" in content ? content.text : { base64: content.base64 },
  ]);
  const posted = Object.fromEntries(contents) as PostedFiles["files"];
  if (entry !== undefined) return { files: posted, entry: entry in files ? entry : "" };
  const isNamed = paths.length === 1 && !SINGLE.has(paths[0]!);
  return { files: posted, ...(isNamed ? { entry: paths[0]! } : {}) };
}

export function isSame(one: Content | undefined, other: Content | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if ("text" in one) return "text" in other && one.text === other.text;
  return "base64" in other && one.base64 === other.base64;
}

/** Returns the paths at which two sources differ, in order. */
export function differences(one: Files, other: Files): string[] {
  const paths = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...paths].filter((path) => !isSame(one[path], other[path])).sort();
}

/** Returns the file to show first. */
export function mainFile({ files, entry }: { readonly files: Files; readonly entry?: string }): string {
  const paths = Object.keys(files).sort();
  if (entry !== undefined && entry in files) return entry;
  const main = /^(?:src\/)?(?:main|mod|index|server|app)\.(?:[cm]?[jt]sx?|py|sh)$/;
  return (
    paths.find((path) => main.test(path)) ?? paths.find((path) => "text" in files[path]!) ?? paths[0] ?? ""
  );
}
