// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there
import { type Attempt, NOT_CAPABLE } from "../stage.ts";
import { WASI_TOP } from "./wasi-top.ts";

/**
 * Links that WASI makes, which asks for no permission, and every way to follow them. Deno checks the path of the link
 * alone: only a wall keeps the function from what it leads to.
 */
export const LINK_TOP = `
  import fs from "node:fs";
  import nodeNet from "node:net";
  import { createRequire } from "node:module";
  import threads from "node:worker_threads";
  import { backup, DatabaseSync } from "node:sqlite";
  ${WASI_TOP}
  const sqlite = (path) => new DatabaseSync(path);
  const decode = (bytes) => new TextDecoder().decode(bytes);
  const fresh = () => scratch + "/" + crypto.randomUUID();
`;

/** The link is there and leads nowhere. */
export const NOWHERE =
  /No such file|not found|ENOENT|ELOOP|Too many levels|unable to open|failed to open preopen|Cannot find module|path_\w+ (NOENT|IO|NOTCAPABLE|LOOP)|"Import '.*' failed|^TypeError: Import '.*failed|^returned false$|AddrInUse|No path was found/;
const NOWHERE_OR_REFUSED = new RegExp(`${NOWHERE.source}|^NotCapable: `);
/** There is no folder in which to make one. */
const NO_FOLDER = /^(Error: uvwasi_init: failed to open preopen|NotCapable: )/;
const MARKER = /marker-of-somebody-else/;
const DONE = /^returned /;

type Row = readonly [code: string, withPermissionsAlone: RegExp, inPod?: RegExp];

/** Of a file: `p` is a path that leads to it. */
const readers: readonly Row[] = [
  ["Deno.readTextFileSync(p)", MARKER],
  ["Deno.readTextFile(p)", MARKER],
  ["decode(Deno.readFileSync(p))", MARKER],
  ["decode(await Deno.readFile(p))", MARKER],
  ["new Response((await Deno.open(p)).readable).text()", MARKER],
  ["fs.readFileSync(p, 'utf8')", MARKER],
  ["fs.readFileSync(fs.openSync(p), 'utf8')", MARKER],
  ["fs.promises.readFile(p, 'utf8')", MARKER],
  ["(await fs.promises.open(p)).readFile('utf8')", MARKER],
  ["new Promise((ok, no) => fs.createReadStream(p, 'utf8').on('data', ok).on('error', no))", MARKER],
  ["(await fs.openAsBlob(p)).text()", MARKER],
  ["(await fetch('file://' + p)).text()", MARKER],
  ["import('file://' + p, { with: { type: 'text' } }).then((m) => m.default)", MARKER],
  ["import('file://' + p + '.mjs').then((m) => m.default)", MARKER],
  ["import('file://' + p + '.json', { with: { type: 'json' } }).then((m) => m.default)", MARKER],
  [
    "new Promise((ok) => { const w = new Worker('file://' + p + '.mjs', { type: 'module' }); w.onerror = (e) => { e.preventDefault(); ok(e.message); }; setTimeout(ok, 300, 'loaded'); })",
    /loaded/,
  ],
  ["createRequire(import.meta.url)(p + '.json')", NOT_CAPABLE],
  ["outcome(new threads.Worker(p + '.mjs'), 'exit')", NOT_CAPABLE],
  ["(Deno.copyFileSync(p, scratch + '/copy'), Deno.readTextFileSync(scratch + '/copy'))", MARKER],
  ["(fs.copyFileSync(p, scratch + '/copy2'), Deno.readTextFileSync(scratch + '/copy2'))", MARKER],
  ["sqlite(p).prepare('SELECT * FROM sqlite_master').all()", /file is not a database/],
];

/** Ways to the same file. */
const LINKS = {
  "a link to the root folder": "(await linkTo('/')) + given.secret",
  "a link to its folder": "(await linkTo(given.outside)) + '/secret'",
  "a relative link": "(await linkTo('../'.repeat(30) + given.outside.slice(1))) + '/secret'",
  "a link to a link": "(await linkTo((await linkTo(given.outside)).split('/').at(-1))) + '/secret'",
};

const reads: Attempt[] = Object.entries(LINKS).flatMap(([way, path]) =>
  readers.map(([code, permissions]) => ({
    title: `reads nothing outside by ${way}: ${code}`,
    code: `const p = ${path}; return ${code}`,
    expect: permissions === NOT_CAPABLE ? NOWHERE_OR_REFUSED : NOWHERE,
    // In a pod there is nothing of anybody else: the link leads to the image.
    elsewhere: { permissions, bare: NO_FOLDER, pod: /./ },
  })),
);

/** Of the folder `f` outside: looking, and changing it. */
const others: readonly Row[] = [
  ["Deno.readTextFileSync(await linkTo(given.secret))", MARKER],
  ["fs.readFileSync(await linkTo(given.secret), 'utf8')", MARKER],
  [
    "(await Wasi.open()).read((await Wasi.open()).open((await linkTo(given.secret)).split('/').at(-1)))",
    /path_open NOTCAPABLE/,
  ],
  ["[...Deno.readDirSync(f)].map((each) => each.name)", /"secret"/],
  ["fs.readdirSync(f)", /"secret"/],
  ["fs.readdirSync(f, { recursive: true })", /"secret"/],
  ["fs.opendirSync(f).readSync().name", DONE],
  ["(await Wasi.open({ preopens: { '/': f } })).list(3)", /"secret"/],
  ["Wasi.open({ preopens: { '/': f } }).then((w) => w.read(w.open('secret')))", /ACCES/],
  ["(Deno.chdir(f), Deno.readTextFileSync('secret'))", NOT_CAPABLE],
  ["process.chdir(f)", DONE],
  ["Deno.watchFs(f)", DONE],
  ["Deno.statSync(f + '/secret').size", /^returned \d/],
  ["Deno.lstatSync(f + '/secret').size", /^returned \d/],
  ["fs.statSync(f + '/secret').size", /^returned \d/],
  ["fs.existsSync(f + '/secret')", /^returned true/],
  ["fs.accessSync(f + '/secret')", NOT_CAPABLE],
  ["Deno.realPathSync(f)", DONE],
  ["(Deno.linkSync(f + '/secret', scratch + '/hard'), Deno.readTextFileSync(scratch + '/hard'))", MARKER],
  ["(fs.linkSync(f + '/secret', scratch + '/hard2'), Deno.readTextFileSync(scratch + '/hard2'))", MARKER],
  ["(Deno.renameSync(f + '/secret', scratch + '/got'), Deno.readTextFileSync(scratch + '/got'))", MARKER],
  ["(fs.renameSync(f + '/secret', scratch + '/got2'), Deno.readTextFileSync(scratch + '/got2'))", MARKER],
  ["Deno.writeTextFileSync(f + '/secret', 'escaped')", DONE],
  ["Deno.writeTextFileSync(f + '/escaped', '')", DONE],
  ["Deno.writeTextFileSync(await linkTo(given.outside + '/escaped'), '')", NOWHERE],
  ["Deno.openSync(f + '/secret', { append: true }).writeSync(new Uint8Array(1))", DONE],
  ["fs.writeFileSync(f + '/secret', 'escaped')", DONE],
  ["fs.appendFileSync(f + '/secret', 'escaped')", DONE],
  ["outcome(fs.createWriteStream(f + '/secret'), 'open')", DONE],
  ["Deno.truncateSync(f + '/secret')", DONE],
  ["Deno.createSync(f + '/escaped').close()", DONE],
  ["Deno.makeTempFileSync({ dir: f })", DONE],
  ["Deno.makeTempDirSync({ dir: f })", DONE],
  ["Deno.mkdirSync(f + '/escaped')", DONE],
  ["fs.mkdirSync(f + '/escaped')", DONE],
  ["fs.mkdtempSync(f + '/escaped')", DONE],
  ["Deno.chmodSync(f + '/secret', 0o777)", DONE],
  ["Deno.utimeSync(f + '/secret', 0, 0)", DONE],
  ["Deno.removeSync(f + '/secret')", DONE],
  ["Deno.removeSync(f + '/folder', { recursive: true })", DONE],
  ["fs.rmSync(f + '/secret')", DONE],
  ["fs.unlinkSync(f + '/secret')", DONE],
  [
    "(Deno.writeTextFileSync(scratch + '/mine', ''), Deno.renameSync(scratch + '/mine', f + '/escaped'))",
    DONE,
  ],
  [
    "(Deno.writeTextFileSync(scratch + '/mine2', ''), Deno.linkSync(scratch + '/mine2', f + '/escaped'))",
    DONE,
  ],
  [
    "(Deno.writeTextFileSync(scratch + '/mine3', ''), Deno.copyFileSync(scratch + '/mine3', f + '/escaped'))",
    DONE,
  ],
  ["sqlite(f + '/escaped.db').exec('CREATE TABLE t (a)')", DONE],
  ["backup(sqlite(':memory:'), f + '/escaped.db')", DONE],
  ["sqlite(given.data + '/skiff.db')", NOT_CAPABLE],
  [
    "sqlite((await linkTo(given.data)) + '/skiff.db').prepare('SELECT name FROM functions').all()",
    /database is locked/,
  ],
  ["decode(Deno.readFileSync((await linkTo(given.data)) + '/skiff.db')).length", DONE],
  ["Deno.readTextFileSync(await linkTo(given.otherBundle))", MARKER],
  ["Deno.readTextFileSync((await linkTo(given.otherScratch)) + '/secret')", MARKER],
  ["Deno.symlinkSync(given.secret, f + '/escaped')", NOT_CAPABLE],
];

const more: Attempt[] = others.map(([code, permissions]) => ({
  title: `does nothing outside: ${code}`,
  code: `const f = await linkTo(given.outside); return ${code}`,
  expect: permissions === NOT_CAPABLE ? NOWHERE_OR_REFUSED : NOWHERE,
  elsewhere: { permissions, bare: NO_FOLDER, pod: /./ },
}));

const control: Attempt = {
  title: "may make a link, and find out where it leads to",
  code: "return Deno.readLinkSync(await linkTo('somewhere'))",
  expect: /^returned "somewhere"$/,
  elsewhere: { bare: NO_FOLDER },
};

export const linkAttempts: readonly Attempt[] = [control, ...reads, ...more];
