/**
 * Code at the top of a function that calls WASI as a program compiled for it would: `assemble` builds a module of
 * WebAssembly that passes calls on, `openWasi` runs one.
 */
export const WASI_TOP = String.raw`
  import { WASI } from "node:wasi";
  import { dirname } from "node:path";

  const scratch = Deno.env.get("TMPDIR") ?? Deno.cwd();

  /** Parameters of every function of wasi_snapshot_preview1: i is i32, j is i64; all but two answer an i32. */
  const CALLS = {
    args_get: "ii", args_sizes_get: "ii", environ_get: "ii", environ_sizes_get: "ii",
    clock_res_get: "ii", clock_time_get: "iji", random_get: "ii", proc_exit: "i", proc_raise: "i", sched_yield: "",
    fd_advise: "ijji", fd_allocate: "ijj", fd_close: "i", fd_datasync: "i", fd_sync: "i", fd_tell: "ii",
    fd_fdstat_get: "ii", fd_fdstat_set_flags: "ii", fd_fdstat_set_rights: "ijj", fd_filestat_get: "ii",
    fd_filestat_set_size: "ij", fd_filestat_set_times: "ijji", fd_prestat_get: "ii", fd_prestat_dir_name: "iii",
    fd_pread: "iiiji", fd_pwrite: "iiiji", fd_read: "iiii", fd_write: "iiii", fd_readdir: "iiiji",
    fd_renumber: "ii", fd_seek: "ijii", path_create_directory: "iii", path_filestat_get: "iiiii",
    path_filestat_set_times: "iiiijji", path_link: "iiiiiii", path_open: "iiiiijjii", path_readlink: "iiiiii",
    path_remove_directory: "iii", path_rename: "iiiiii", path_symlink: "iiiii", path_unlink_file: "iii",
    poll_oneoff: "iiii", sock_accept: "iii", sock_recv: "iiiiii", sock_send: "iiiii", sock_shutdown: "ii",
  };
  const ERRORS = {
    0: "SUCCESS", 2: "ACCES", 8: "BADF", 16: "DOM", 20: "EXIST", 21: "FAULT", 22: "FBIG", 28: "INVAL", 29: "IO", 31: "ISDIR",
    32: "LOOP", 37: "NAMETOOLONG", 44: "NOENT", 48: "NOMEM", 51: "NOSPC", 52: "NOSYS", 54: "NOTDIR", 55: "NOTEMPTY", 57: "NOTSOCK",
    58: "NOTSUP", 61: "OVERFLOW", 63: "PERM", 69: "ROFS", 75: "XDEV", 76: "NOTCAPABLE",
  };

  const number = (n) => {
    for (const bytes = []; ; n >>>= 7) {
      if (n < 128) return [...bytes, n];
      bytes.push((n & 127) | 128);
    }
  };
  const vector = (items) => [...number(items.length), ...items.flat()];
  const name = (text) => vector([...new TextEncoder().encode(text)]);
  const section = (id, items) => { const body = vector(items); return [id, ...number(body.length), ...body]; };

  /** A module with a memory, an empty _start, and a function of its own for each call of WASI that passes it on. */
  const assemble = (calls = CALLS) => {
    const all = Object.entries(calls);
    const [I32, I64, TYPE, END] = [0x7f, 0x7e, 0x60, 0x0b];
    const types = all.map(([call, given]) => [
      TYPE, ...vector([...given].map((each) => (each === "i" ? I32 : I64))), ...vector(call === "proc_exit" ? [] : [I32]),
    ]);
    const bodies = all.map(([, given], at) => {
      const body = [0, ...[...given].flatMap((_, local) => [0x20, ...number(local)]), 0x10, ...number(at), END];
      return [...number(body.length), ...body];
    });
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [...types, [TYPE, 0, 0]]),
      ...section(2, all.map(([call], at) => [...name("wasi_snapshot_preview1"), ...name(call), 0, ...number(at)])),
      ...section(3, [...all.map((_, at) => number(at)), number(all.length)]),
      ...section(5, [[0, 4]]),
      ...section(7, [
        [...name("memory"), 2, 0],
        [...name("_start"), 0, ...number(2 * all.length)],
        ...all.map(([call], at) => [...name(call), 0, ...number(all.length + at)]),
      ]),
      ...section(10, [...bodies, [2, 0, END]]),
    ]);
  };

  /** A running module: its functions take texts as address and length, and answer the name of an error. */
  class Wasi {
    static async open(options = {}) {
      const wasi = new WASI({ version: "preview1", preopens: { "/s": scratch }, ...options });
      const { instance } = await WebAssembly.instantiate(assemble(), wasi.getImportObject());
      wasi.start(instance);
      return new Wasi(instance.exports);
    }
    #at = 4096;
    constructor(exports) {
      this.exports = exports;
    }
    get bytes() {
      return new Uint8Array(this.exports.memory.buffer);
    }
    get view() {
      return new DataView(this.exports.memory.buffer);
    }
    /** An address with room for bytes. */
    room(bytes) {
      const at = this.#at;
      this.#at += Math.ceil(bytes / 8) * 8;
      return at;
    }
    text(at, length) {
      return new TextDecoder().decode(this.bytes.subarray(at, at + length));
    }
    call(call, ...given) {
      const flat = given.flatMap((each) => {
        if (typeof each !== "string") return [each];
        const bytes = new TextEncoder().encode(each);
        const at = this.room(bytes.length);
        this.bytes.set(bytes, at);
        return [at, bytes.length];
      });
      const types = CALLS[call];
      const error = this.exports[call](...flat.map((each, at) => (types[at] === "j" ? BigInt(each) : each)));
      return ERRORS[error] ?? error;
    }
    /** Calls and throws what is no success. */
    must(call, ...given) {
      const error = this.call(call, ...given);
      if (error !== "SUCCESS") throw new Error(call + " " + error);
    }
    /** The number of what is open then. */
    open(path, { dir = 3, follow = 1, oflags = 0, rights = 2n, inherit = 0n, fdflags = 0 } = {}) {
      const fd = this.room(4);
      this.must("path_open", dir, follow, path, oflags, rights, inherit, fdflags, fd);
      return this.view.getInt32(fd, true);
    }
    iovec(at, length) {
      const vector = this.room(8);
      this.view.setInt32(vector, at, true);
      this.view.setInt32(vector + 4, length, true);
      return vector;
    }
    read(fd, bytes = 256) {
      const [at, count] = [this.room(bytes), this.room(4)];
      this.must("fd_read", fd, this.iovec(at, bytes), 1, count);
      return this.text(at, this.view.getInt32(count, true));
    }
    write(fd, text) {
      const at = this.room(4 * text.length);
      const { written } = new TextEncoder().encodeInto(text, this.bytes.subarray(at));
      const count = this.room(4);
      this.must("fd_write", fd, this.iovec(at, written), 1, count);
      return this.view.getInt32(count, true);
    }
    list(fd) {
      const [at, used] = [this.room(16_384), this.room(4)];
      this.must("fd_readdir", fd, at, 16_384, 0n, used);
      const names = [];
      for (let i = at; i + 24 <= at + this.view.getInt32(used, true); ) {
        const length = this.view.getUint32(i + 16, true);
        names.push(this.text(i + 24, length));
        i += 24 + length;
      }
      return names.filter((each) => !/^\.\.?$/.test(each));
    }
  }

  let links = 0;
  /** The path of a new link in scratch, which WASI makes: Deno's own functions ask for every permission. */
  const linkTo = async (target) => {
    const name = "link" + ++links;
    (await Wasi.open()).must("path_symlink", target, 3, name);
    return scratch + "/" + name;
  };
  /** A path outside, by way of a link to the root folder. */
  const through = async (path) => (await linkTo("/")) + path;
`;
