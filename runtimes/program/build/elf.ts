import { Problem } from "../../../platform/problems.ts";

/** What a binary needs of the system. */
export interface Binary {
  /** Path of the program that loads its libraries. Absent: it is linked statically. */
  readonly loader?: string;
  /** Names of its libraries, of those that no folder of its own may have. */
  readonly libraries: readonly string[];
}

const [EXECUTABLE, SHARED] = [2, 3];
const [LOAD, DYNAMIC, INTERPRETER] = [1, 2, 3];
const [END, NEEDED, STRINGS, RPATH, RUNPATH] = [0, 1, 5, 15, 29];
const PROGRAM_HEADER_BYTES = 56;
const DYNAMIC_BYTES = 16;
const MOST_HEADERS = 1_000;
const MOST_DYNAMIC = 10_000;
const MACHINES: Readonly<Record<number, string>> = {
  3: "x86 with 32 bits",
  8: "mips",
  20: "ppc",
  21: "ppc64",
  22: "s390x",
  40: "arm with 32 bits",
  62: "x64",
  183: "arm64",
  243: "riscv64",
};
/** First bytes of programs of other systems. */
const FOREIGN: readonly (readonly [system: string, bytes: readonly number[]])[] = [
  ["macOS", [0xcf, 0xfa, 0xed, 0xfe]],
  ["macOS", [0xca, 0xfe, 0xba, 0xbe]],
  ["Windows", [0x4d, 0x5a]],
];

export function isBinary(bytes: Uint8Array): boolean {
  return startsWith(bytes, [0x7f, 0x45, 0x4c, 0x46]);
}

/** Names the system that a program is for; undefined if it is none of another system. */
export function foreignSystem(bytes: Uint8Array): string | undefined {
  return FOREIGN.find(([, magic]) => startsWith(bytes, magic))?.[0];
}

/**
 * Reads what a program in ELF needs.
 * @param arch of this machine, as Node names it
 * @throws Problem `invalid_source` if it is for another machine, or is no program
 */
export function readBinary(path: string, bytes: Uint8Array, arch: string): Binary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (why: string) => new Problem("invalid_source", `${path} ${why}`);
  if (bytes.length < 64) throw refuse("ends within its ELF header: build and post it again.");
  const isLittle = bytes[5] === 1;
  const type = view.getUint16(16, isLittle);
  const number = view.getUint16(18, isLittle);
  const machine = MACHINES[number] ?? `machine ${number}`;
  if (machine !== arch) {
    throw refuse(
      `is a program for ${machine}, and functions run on ${arch} here: build it for Linux on ${arch}.`,
    );
  }
  if (type !== EXECUTABLE && type !== SHARED) {
    throw refuse("is an ELF file that is no program: link it, and post what the linker writes.");
  }
  try {
    return readHeaders(view, bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse("is an ELF file that is cut off or damaged: build and post it again.");
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function readHeaders(view: DataView, bytes: Uint8Array): Binary {
  const at = Number(view.getBigUint64(32, true));
  const count = Math.min(view.getUint16(56, true), MOST_HEADERS);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const start = at + index * PROGRAM_HEADER_BYTES;
    const long = (offset: number) => Number(view.getBigUint64(start + offset, true));
    return { type: view.getUint32(start, true), offset: long(8), address: long(16), size: long(32) };
  });
  const interpreter = segments.find(({ type }) => type === INTERPRETER);
  const loader = interpreter && textAt(bytes, interpreter.offset);
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  const libraries = dynamic ? readLibraries(view, bytes, { dynamic, segments }) : [];
  return { ...(loader === undefined ? {} : { loader }), libraries };
}

function readLibraries(
  view: DataView,
  bytes: Uint8Array,
  { dynamic, segments }: { readonly dynamic: Segment; readonly segments: readonly Segment[] },
): string[] {
  const entries: (readonly [tag: number, value: number])[] = [];
  const count = Math.min(Math.floor(dynamic.size / DYNAMIC_BYTES), MOST_DYNAMIC);
  for (let index = 0; index < count; index++) {
    const start = dynamic.offset + index * DYNAMIC_BYTES;
    const tag = Number(view.getBigUint64(start, true));
    if (tag === END) break;
    entries.push([tag, Number(view.getBigUint64(start + 8, true))]);
  }
  const tags = entries.map(([tag]) => tag);
  // It brings a folder with libraries, or names one.
  if (tags.includes(RPATH) || tags.includes(RUNPATH)) return [];
  const address = entries.find(([tag]) => tag === STRINGS)?.[1];
  const place = segments.find(
    (each) => each.type === LOAD && address! >= each.address && address! < each.address + each.size,
  );
  if (place === undefined) return [];
  const strings = address! - place.address + place.offset;
  return entries.filter(([tag]) => tag === NEEDED).map(([, value]) => textAt(bytes, strings + value));
}

/** @throws RangeError if the text is not in the file */
function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  if (at >= bytes.length || end < 0) throw new RangeError("the text is not in the file");
  return new TextDecoder().decode(bytes.subarray(at, end));
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
