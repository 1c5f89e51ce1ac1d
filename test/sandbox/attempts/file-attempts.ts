// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there
import { type Attempt, NOT_CAPABLE, REFUSED } from "../stage.ts";

/** Paths outside of the sandbox, made of `given`. */
const PATHS = {
  "the machine's users": "'/etc/passwd'",
  "the environment of its process": "'/proc/self/environ'",
  "the command line of its process": "'/proc/self/cmdline'",
  "the memory of its process": "'/proc/self/mem'",
  "the process of the platform": "`/proc/${given.pid}/environ`",
  "a descriptor of its process": "'/dev/fd/0'",
  "the root folder through its process": "'/proc/self/root/etc/passwd'",
  "the data folder's database": "given.data + '/skiff.db'",
  "another function's bundle": "given.data + '/functions/other/1/bundle.mjs'",
  "another function's scratch folder": "given.otherScratch + '/secret'",
  "the platform's note of its process": "given.scratch + '/../pid'",
  "a path that leaves scratch": "given.scratch + '/../../../secret'",
  "a file beside its bundle": "new URL('./secret', import.meta.url).pathname",
  "a path with a scratch folder as its prefix": "given.scratch + '-more'",
};

const reads: Attempt[] = Object.entries(PATHS).map(([what, path]) => ({
  title: `does not read ${what}`,
  code: `return Deno.readTextFile(${path})`,
  expect: NOT_CAPABLE,
}));

const writes: Attempt[] = Object.entries(PATHS).map(([what, path]) => ({
  title: `does not write ${what}`,
  code: `return Deno.writeTextFile(${path}, "escaped")`,
  expect: NOT_CAPABLE,
}));

/** Every way that Deno has to touch a file, tried on one that exists outside. */
const operations = [
  "Deno.openSync(given.secret).fd",
  "Deno.readFileSync(given.secret)",
  "[...Deno.readDirSync(given.data)]",
  "Deno.statSync(given.secret).size",
  "Deno.lstatSync(given.secret).size",
  "Deno.realPathSync(given.secret)",
  "Deno.readLinkSync(given.secret)",
  "Deno.watchFs(given.data)",
  "Deno.chdir(given.data)",
  "Deno.mkdirSync(given.data + '/escaped')",
  "Deno.removeSync(given.secret)",
  "Deno.renameSync(given.secret, given.scratch + '/got')",
  "Deno.copyFileSync(given.secret, given.scratch + '/got')",
  "Deno.symlinkSync(given.secret, given.scratch + '/link')",
  "Deno.symlinkSync('../../../secret', given.scratch + '/link')",
  "Deno.linkSync(given.secret, given.scratch + '/link')",
  "Deno.chmodSync(given.secret, 0o777)",
  "Deno.chownSync(given.secret, 0, 0)",
  "Deno.utimeSync(given.secret, 0, 0)",
  "Deno.truncateSync(given.secret)",
  "Deno.createSync(given.data + '/escaped').fd",
  "Deno.makeTempFileSync({ dir: given.data })",
  "(await fetch('file://' + given.secret)).text()",
  "(await import('node:fs')).readFileSync(given.secret, 'utf8')",
  "(await import('node:fs')).promises.readFile(given.secret, 'utf8')",
  "(await import('node:fs')).opendirSync(given.data).readSync().name",
  "(await import('node:fs')).readdirSync(given.data, { recursive: true })",
  "(await import('node:fs')).globSync(given.data + '/*')",
  "(await import('node:fs')).existsSync(given.secret)",
  "(await import('node:fs')).accessSync(given.secret)",
  "(await import('node:fs')).cpSync(given.data, given.scratch + '/copy', { recursive: true })",
  "(await import('node:fs')).symlinkSync(given.secret, given.scratch + '/link')",
  "(await import('node:fs')).linkSync(given.secret, given.scratch + '/link')",
  "(await import('node:fs')).mkdtempSync(given.data + '/x')",
  "(await import('node:fs')).statfsSync(given.data)",
  "(await import('node:fs')).openAsBlob(given.secret).then((b) => b.text())",
  "outcome((await import('node:fs')).createReadStream(given.secret), 'data')",
  "outcome((await import('node:fs')).createWriteStream(given.secret), 'open')",
  "(await import('node:module')).createRequire(import.meta.url)(given.data + '/x.json')",
  "(await import('node:module')).createRequire('/')('/etc/passwd')",
  "new (await import('node:sqlite')).DatabaseSync(given.data + '/skiff.db').prepare('SELECT name FROM functions').all()",
  "new (await import('node:sqlite')).DatabaseSync(':memory:', { allowExtension: true }).loadExtension('/lib/x86_64-linux-gnu/libm.so.6')",
  "(await import('node:sqlite')).backup(new (await import('node:sqlite')).DatabaseSync(':memory:'), given.data + '/escaped.db')",
  "process.loadEnvFile(given.secret)",
  "process.chdir(given.data)",
  "(await import('node:vm')).runInThisContext('Deno').readTextFileSync(given.secret)",
];

/** Refused in words of their own. */
const refusals: readonly (readonly [code: string, expect: RegExp])[] = [
  ["import('file://' + given.secret)", REFUSED],
  ["import('file://' + given.secret, { with: { type: 'text' } })", REFUSED],
  ["import('file:///etc/passwd', { with: { type: 'json' } })", REFUSED],
  ["import('npm:left-pad@1.3.0')", /--no-npm is specified/],
  ["import('jsr:@std/path@1.0.0')", /--no-remote is specified/],
  ["import('https://example.com/x.js')", REFUSED],
  ["import('data:text/javascript,export default Deno.readTextFileSync(`/etc/passwd`)')", NOT_CAPABLE],
  ["inWorker(`import('file://${given.secret}').catch((e) => postMessage(String(e)))`)", REFUSED],
  [
    "inWorker(`try { Deno.readTextFileSync('${given.secret}') } catch (e) { postMessage(String(e)) }`)",
    REFUSED,
  ],
  ["Deno.makeTempDirSync({ prefix: '../../' })", /Invalid character in prefix/],
  [
    "sqlite(':memory:').exec(`ATTACH DATABASE '${given.data}/skiff.db' AS d`)",
    /too many attached databases - max 0/,
  ],
  [
    "sqlite(given.scratch + '/a').exec(`ATTACH DATABASE '${given.data}/skiff.db' AS d`)",
    /too many attached databases - max 0/,
  ],
  [
    "sqlite(given.scratch + '/b').exec(`VACUUM INTO '${given.data}/copy.db'`)",
    /too many attached databases - max 0/,
  ],
  ["sqlite('file:' + given.data + '/skiff.db?immutable=1')", /unable to open database file/],
  [
    "new (await import('node:wasi')).WASI({ version: 'preview1', preopens: { '/': '/' } })",
    /failed to open preopen/,
  ],
];

/** What works, so that a sandbox in which nothing works is no success. */
const controls: Attempt[] = [
  {
    title: "may write and read in its scratch folder",
    code: "Deno.writeTextFileSync(given.scratch + '/mine', 'mine'); return Deno.readTextFileSync(given.scratch + '/mine')",
    expect: /^returned "mine"$/,
  },
  {
    title: "may make temporary files, which land in its scratch folder",
    code: "return Deno.makeTempFileSync().startsWith(given.scratch)",
    expect: /^returned true$/,
  },
  {
    title: "may read its own bundle",
    code: "return Deno.readTextFileSync(new URL(import.meta.url)).length > 0",
    expect: /^returned true$/,
  },
  {
    title: "may keep a database in its scratch folder",
    code: "const db = sqlite(given.scratch + '/db'); return db.prepare('SELECT 7 AS n').get().n",
    expect: /^returned 7$/,
  },
];

const isRefused = (code: string, expect: RegExp): Attempt => ({
  title: `is refused ${code}`,
  code: `return ${code}`,
  expect,
});

/** Attempts use it as `sqlite(path)`. */
export const FILE_TOP = `import { DatabaseSync } from "node:sqlite"; const sqlite = (path) => new DatabaseSync(path);`;

export const fileAttempts: readonly Attempt[] = [
  ...controls,
  ...reads,
  ...writes,
  ...operations.map((code) => isRefused(code, NOT_CAPABLE)),
  ...refusals.map(([code, expect]) => isRefused(code, expect)),
];
