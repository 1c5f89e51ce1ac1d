// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there

import { type Attempt, NOT_CAPABLE } from "../stage.ts";
import { LINK_TOP } from "./link-attempts.ts";

/** SQLite opens files by itself: journals, temporary ones, those that a statement names. */
export const DATABASE_TOP = `${LINK_TOP}
  const db = (options) => new DatabaseSync(":memory:", options);
  const disk = () => { const d = sqlite(fresh()); d.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)"); return d; };
  const value = (d, text) => { const row = d.prepare(text).get(); return row === undefined ? null : Object.values(row)[0]; };
`;

const NO_SCRATCH = /^NotCapable: |failed to open preopen/;
const NO_ATTACH = /too many attached databases - max 0/;
const CLOSED =
  /^NotCapable: |unable to open database|not authorized|no such function|no such module|prohibited|no such table|syntax error|extension loading is not allowed|failed to open preopen/;

type Row = readonly [code: string, expect?: RegExp, elsewhere?: Attempt["elsewhere"]];

const statements: readonly Row[] = [
  ...[
    "given.data + '/skiff.db'",
    "given.otherScratch + '/secret'",
    "'/etc/passwd'",
    "scratch + '/a'",
    "':memory:'",
    "''",
    "'file:' + given.data + '/skiff.db?mode=ro'",
  ].map((path): Row => [`db().exec("ATTACH DATABASE '" + ${path} + "' AS d")`, NO_ATTACH]),
  ["db().prepare('ATTACH DATABASE ? AS d').run(given.data + '/skiff.db')", NO_ATTACH],
  ["db().exec(`VACUUM INTO '${given.outside}/escaped'`)", NO_ATTACH],
  ["disk().exec(`VACUUM INTO '${given.outside}/escaped'`)", NO_ATTACH, { bare: NO_SCRATCH }],
  ["disk().exec(`VACUUM INTO '${scratch}/copy'`)", NO_ATTACH, { bare: NO_SCRATCH }],
  ["db().exec(`SELECT load_extension('/lib/x86_64-linux-gnu/libm.so.6')`)", CLOSED],
  ["db().prepare(`SELECT load_extension('libc.so.6', 'system')`).get()", CLOSED],
  ["db({ allowExtension: true })"],
  ["db({ allowExtension: true }).loadExtension('/bin/true')"],
  ["db().enableLoadExtension(true)", /not allowed|NotCapable|is not a function/],
  ["db().prepare(`SELECT readfile('/etc/passwd')`).get()", CLOSED],
  ["db().prepare(`SELECT writefile('${given.outside}/escaped', 'x')`).get()", CLOSED],
  ["db().prepare(`SELECT edit('x')`).get()", CLOSED],
  ["db().exec(`CREATE VIRTUAL TABLE v USING csv(filename='/etc/passwd')`)", CLOSED],
  ["db().exec(`CREATE VIRTUAL TABLE v USING fsdir`)", CLOSED],
  ["db().prepare(`SELECT * FROM fsdir('/etc')`).all()", CLOSED],
  ["db().exec(`CREATE VIRTUAL TABLE v USING zipfile('${given.secret}')`)", CLOSED],
  [
    "db().prepare(`SELECT fts3_tokenizer('simple', x'0000000000000000')`).get()",
    /disabled|no such function|not authorized|prohibited/,
  ],
  [
    "db().prepare(`SELECT fts3_tokenizer('simple')`).get()",
    /disabled|no such function|not authorized|prohibited|returned/,
  ],
];

const pragmas: readonly Row[] = [
  [
    "db().exec(`PRAGMA temp_store_directory = '${given.outside}'`)",
    /not authorized|not a writable directory|^returned undefined$/,
  ],
  [
    "(() => { const d = db(); d.exec(`PRAGMA temp_store_directory = '${given.outside}'`); d.exec('PRAGMA temp_store = 1; CREATE TEMP TABLE x (a); INSERT INTO x SELECT zeroblob(1000000)'); return 'kept'; })()",
    /./,
  ],
  ["db().exec(`PRAGMA data_store_directory = '${given.outside}'`)", /not authorized|^returned undefined$/],
  ["value(disk(), 'PRAGMA mmap_size = 1099511627776')", /^returned \d+$/, { bare: NO_SCRATCH }],
  [
    "(() => { const d = db(); d.exec('PRAGMA writable_schema = ON'); d.exec(`INSERT INTO sqlite_master VALUES ('table','s','s',2,'CREATE TABLE s(x)')`); return value(d, 'SELECT count(*) FROM s'); })()",
    /./,
  ],
  [
    "(() => { const d = disk(); d.exec('PRAGMA journal_mode = WAL'); return value(d, 'PRAGMA journal_mode'); })()",
    /^returned "(wal|delete)"$/,
    { bare: NO_SCRATCH },
  ],
  ["value(db(), 'PRAGMA database_list')", /^returned 0$/],
  ["value(db(), 'PRAGMA trusted_schema')", /^returned [01]$/],
  ["db().exec(`PRAGMA key = 'x'; PRAGMA rekey = 'y'`)", /^returned undefined$|syntax|not authorized/],
  ["db().exec(`PRAGMA lock_proxy_file = '${given.outside}/escaped'`)", /^returned undefined$|not authorized/],
  ["db().exec(`PRAGMA vdbe_trace = ON; PRAGMA parser_trace = ON`)", /^returned undefined$|not authorized/],
];

const opening: readonly Row[] = [
  ["sqlite(given.data + '/skiff.db')"],
  ["sqlite(given.secret)"],
  ["sqlite('/etc/passwd')"],
  ["sqlite('/proc/self/mem')"],
  ["sqlite('/dev/shm/escaped.db')"],
  ["sqlite(given.outside + '/escaped.db')"],
  ["sqlite(new URL('file://' + given.data + '/skiff.db'))", /unable to open|^NotCapable/],
  ["sqlite(new TextEncoder().encode(given.data + '/skiff.db'))"],
  ["sqlite('file:' + given.data + '/skiff.db')", /unable to open|^NotCapable/],
  ["sqlite('file://' + given.data + '/skiff.db?mode=ro&immutable=1')", /unable to open|^NotCapable/],
  ["sqlite('file://localhost' + given.data + '/skiff.db?vfs=unix-none')", /unable to open|^NotCapable/],
  ["sqlite('file:x?mode=memory&cache=shared')", /^returned |^NotCapable/],
  ["new DatabaseSync(given.data + '/skiff.db', { readOnly: true })"],
  ["new DatabaseSync(given.data + '/skiff.db', { open: false }).open()"],
  ["sqlite(scratch + '\\u0000/../../x')", /null|nul|^NotCapable|unable to open/i],
  ["backup(db(), given.outside + '/escaped.db')"],
  ["backup(db(), 'file:' + given.outside + '/escaped.db')", /unable to open|^NotCapable/],
  ["backup(db(), '/dev/shm/escaped.db')"],
  ["sqlite(scratch + '/../../../secret')"],
];

const CHANGESET =
  "(() => { const d = db(); d.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b)'); const s = d.createSession(); d.exec('INSERT INTO t VALUES (1, 2)'); return s.changeset(); })()";
const sessions: readonly Row[] = [
  [
    `(() => { const d = db(); d.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b)'); return d.applyChangeset(${CHANGESET}); })()`,
    /^returned true$/,
  ],
  ["db().applyChangeset(new Uint8Array(4096).fill(255))", /^Error: |^returned /],
  ["db().applyChangeset(crypto.getRandomValues(new Uint8Array(4096)))", /^Error: |^returned /],
  [`db().applyChangeset(${CHANGESET}.fill(0x7f, 4))`, /^Error: |^returned /],
  [
    "(() => { const d = db(); d.exec(`CREATE VIRTUAL TABLE f USING fts5(a)`); d.exec(`INSERT INTO f VALUES ('x')`); return value(d, `SELECT count(*) FROM f WHERE f MATCH 'x'`); })()",
    /^returned 1$|no such module/,
  ],
  [
    "db().exec(`CREATE VIRTUAL TABLE f USING fts5(a, tokenize='/etc/passwd')`)",
    /no such tokenizer|no such module|error in tokeniz/,
  ],
  [
    "(() => { const d = db(); d.exec('CREATE VIRTUAL TABLE f USING fts5(a)'); d.exec('PRAGMA writable_schema = ON'); d.exec(`UPDATE f_config SET v = x'ff'`); return 'kept'; })()",
    /./,
  ],
];

/** Files that SQLite opens beside a database, where links stand. */
const journals: readonly Row[] = ["-journal", "-wal", "-shm"].flatMap((suffix): Row[] => [
  [
    `(async () => { const path = fresh(); (await Wasi.open()).must('path_symlink', given.outside + '/escaped', 3, path.split('/').at(-1) + '${suffix}'); const d = sqlite(path); d.exec('PRAGMA journal_mode = ${suffix === "-journal" ? "PERSIST" : "WAL"}; CREATE TABLE t (a)'); return 'kept'; })()`,
    /./,
    { permissions: /./ },
  ],
]);

/** Of the whole process: what comes after it has no memory. */
const last: Row = ["value(db(), 'PRAGMA hard_heap_limit = 1000000')", /^returned \d+$/];

const all = (rows: readonly Row[]): Attempt[] =>
  rows.map(([code, expect = NOT_CAPABLE, elsewhere]) => ({
    title: `holds: ${code}`,
    code: `return ${code}`,
    expect,
    ...(elsewhere && { elsewhere }),
  }));

export const databaseAttempts: readonly Attempt[] = all([
  ...statements,
  ...pragmas,
  ...opening,
  ...sessions,
  ...journals,
  last,
]);
