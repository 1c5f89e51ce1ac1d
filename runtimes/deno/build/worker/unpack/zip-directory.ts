/** What the directory of a zip says about an entry beside its name and sizes. */
export interface ZipEntry {
  readonly isEncrypted: boolean;
  /** Type of the file in the mode of Unix (`S_IFMT`); 0 if it was packed elsewhere. */
  readonly unixType: number;
  /** The whole mode; 0 if it was packed elsewhere. */
  readonly mode: number;
}

/** Names of methods of compression (APPNOTE.TXT 4.4.5). 0 and 8 are the ones that everything reads. */
const METHODS: Readonly<Record<number, string>> = {
  1: "Shrink",
  6: "Implode",
  9: "Deflate64",
  12: "BZip2",
  14: "LZMA",
  20: "Zstandard",
  93: "Zstandard",
  94: "MP3",
  95: "XZ",
  96: "JPEG",
  97: "WavPack",
  98: "PPMd",
};
export const UNIX_TYPES = { mask: 0o170000, file: 0o100000, folder: 0o040000, link: 0o120000 } as const;
/** The method of an entry that AES encrypts. */
const AES = 99;
const ENTRY_BYTES = 46;
const [END, END_BYTES, MAX_COMMENT] = [0x06054b50, 22, 65_535];
/** Systems whose attributes are modes of Unix: Unix and macOS. */
const UNIX_SYSTEMS = [3, 19];

/** Reads the directory of a zip, in its order. It ends where the bytes are none. */
export function readZipDirectory(bytes: Uint8Array): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: ZipEntry[] = [];
  let at = startOfDirectory(view);
  while (at !== undefined && at + ENTRY_BYTES <= bytes.length && view.getUint32(at, true) === 0x02014b50) {
    const isUnix = UNIX_SYSTEMS.includes(view.getUint8(at + 5));
    const isEncrypted = (view.getUint16(at + 8, true) & 1) === 1 || view.getUint16(at + 10, true) === AES;
    const mode = isUnix ? view.getUint16(at + 40, true) : 0;
    entries.push({ isEncrypted, unixType: mode & UNIX_TYPES.mask, mode });
    const lengths = [28, 30, 32].map((offset) => view.getUint16(at! + offset, true));
    at += ENTRY_BYTES + lengths[0]! + lengths[1]! + lengths[2]!;
  }
  return entries;
}

function startOfDirectory(view: DataView): number | undefined {
  const last = view.byteLength - END_BYTES;
  for (let end = last; end >= Math.max(0, last - MAX_COMMENT); end--) {
    if (view.getUint32(end, true) !== END) continue;
    const start = view.getUint32(end + 16, true);
    const locator = end - 20;
    if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) return start;
    const end64 = view.getUint32(locator + 8, true);
    const isZip64 = end64 + 52 <= view.byteLength && view.getUint32(end64, true) === 0x06064b50;
    return isZip64 ? view.getUint32(end64 + 48, true) : start;
  }
  return undefined;
}

/** Describes a method for messages. */
export function methodName(method: number): string {
  const name = METHODS[method];
  return name === undefined ? `${method}` : `${method} (${name})`;
}
