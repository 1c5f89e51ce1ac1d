import type { Content, Files } from "../code/source.ts";

/** What somebody dropped or chose: files by path, or one archive. */
export type Chosen =
  | { readonly kind: "files"; readonly name: string; readonly files: Files }
  | { readonly kind: "archive"; readonly name: string; readonly archive: File };

const ARCHIVE = /\.(?:zip|tar|tgz|tar\.gz)$/i;
/** What systems and version control leave in folders. */
const LEFT_OUT = /(?:^|\/)(?:\.git|\.DS_Store|__MACOSX|\.cache)(?:\/|$)/;

type Named = readonly [path: string, file: File];

/** Reads the files of an `<input type="file">`; those of a folder have its name in front. */
export function fromInput(list: FileList): Promise<Chosen | undefined> {
  return chosen([...list].map((file) => [file.webkitRelativePath || file.name, file]));
}

/** Reads what was dropped: files and folders. Call it in the event itself: its data are gone afterwards. */
export async function fromDrop(transfer: DataTransfer): Promise<Chosen | undefined> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const found = await Promise.all(entries.map((entry) => filesIn(entry)));
  return await chosen(found.flat());
}

export async function chosen(named: readonly Named[]): Promise<Chosen | undefined> {
  const left = named.filter(([path]) => !LEFT_OUT.test(path));
  const [first] = left;
  if (first === undefined) return undefined;
  const [path, file] = first;
  if (left.length === 1 && ARCHIVE.test(path)) return { kind: "archive", name: path, archive: file };
  const folder = sharedFolder(left.map(([each]) => each));
  const read = left.map(async ([each, content]): Promise<[string, Content]> => {
    return [each.slice(folder.length), await contentOf(content)];
  });
  const files = Object.fromEntries(await Promise.all(read));
  return { kind: "files", name: folder === "" ? path : folder.slice(0, -1), files };
}

/** The folder around everything, with a slash; empty if there is none. */
function sharedFolder(paths: readonly string[]): string {
  const folder = /^[^/]+\//.exec(paths[0]!)?.[0] ?? "";
  return paths.every((path) => path.startsWith(folder)) ? folder : "";
}

async function filesIn(entry: FileSystemEntry): Promise<Named[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (LEFT_OUT.test(path)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [[path, file]];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Named[] = [];
  // Browsers give the entries of a folder in portions.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return found;
    for (const each of portion) found.push(...(await filesIn(each)));
  }
}

async function contentOf(file: File): Promise<Content> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    // No text.
    return { base64: base64Of(bytes), bytes: bytes.length };
  }
}

function base64Of(bytes: Uint8Array): string {
  const PART = 32_768;
  let binary = "";
  for (let at = 0; at < bytes.length; at += PART) {
    binary += String.fromCharCode(...bytes.subarray(at, at + PART));
  }
  return btoa(binary);
}

/** Whether a source is a program for the system, not a module. */
export function isProgram(files: Files): boolean {
  const paths = Object.keys(files);
  if (paths.some((path) => /\.(?:[cm]?[jt]sx?)$/.test(path))) return false;
  return paths.some((path) => {
    const content = files[path]!;
    return /\.(?:py|sh)$/.test(path) || ("text" in content && content.text.startsWith("#!"));
  });
}
