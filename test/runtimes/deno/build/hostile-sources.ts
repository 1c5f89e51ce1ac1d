import { gzipSync } from "node:zlib";
import { type TarEntry, tarOf, zipOf } from "./building.ts";

/** Something that somebody could post, made when it is wanted. */
export type HostileSource = () => string | Uint8Array | Promise<Uint8Array>;

const KIB = 1024;
const MIB = 1024 ** 2;

/** `count` times the opening, the middle, and as many closings. */
const nested =
  (open: string, middle: string, close: string, count = 50_000): HostileSource =>
  () =>
    open.repeat(count) + middle + close.repeat(count);

/** The same as the right side of an assignment. */
const expression =
  (open: string, middle: string, close: string, count?: number): HostileSource =>
  () =>
    `export const x = ${nested(open, middle, close, count)()};`;

const times = (count: number, text: (index: number) => string, separator = "") =>
  Array.from({ length: count }, (_, index) => text(index)).join(separator);

/** An archive with this deno.json. */
const configured =
  (config: () => string, main = `export default 1;`): HostileSource =>
  () =>
    zipOf({ "deno.json": config(), "main.ts": main });

/** What a parser goes into, once for each level. */
export const NESTED: Readonly<Record<string, HostileSource>> = {
  blocks: nested("{", "", "}"),
  parentheses: expression("(", "1", ")"),
  arrays: expression("[", "1", "]"),
  objects: expression("{a:", "1", "}"),
  templates: expression("`${", "1", "}`"),
  negations: expression("!", "1", ""),
  "minus signs": expression("- ", "1", ""),
  conditions: expression("a?b:", "1", ""),
  "conditions in parentheses": expression("(a?b=", "1", ":2)", 20_000),
  "arrow functions": expression("()=>", "1", "", 100_000),
  "arrow functions with defaults": expression("(a=", "1", ")=>1", 3_000),
  functions: expression("function(){return ", "1", "}"),
  "async functions": expression("async(", "1", ")", 20_000),
  classes: expression("class{a=", "1", "}", 20_000),
  "private names": expression("class{#a=", "1", "}", 20_000),
  "computed members": expression("a[", "1", "]"),
  calls: expression("a(", "1", ")"),
  constructors: expression("new (", "a", ")"),
  "if statements": nested("if(a)", ";", ""),
  "else branches": nested("if(a);else ", ";", ""),
  loops: nested("for(;;)", ";", ""),
  "try statements": nested("try{", "", "}finally{}"),
  "switch statements": nested("switch(a){case 1:", "", "}"),
  "with labels": nested("a:{", "", "}", 1),
  patterns: () => `const ${"[".repeat(50_000)}a${"]".repeat(50_000)} = 1;`,
  "patterns of objects": () => `const ${"{a:".repeat(50_000)}b${"}".repeat(50_000)} = 1;`,
  "JSX elements": () =>
    `/** @jsx h */ const h = 1; const x = ${"<a>".repeat(50_000)}${"</a>".repeat(50_000)};`,
  "JSX attributes": () =>
    `/** @jsx h */ const h = 1; const x = ${"<a b={".repeat(20_000)}1${"}/>".repeat(20_000)};`,
  "type arguments": () => `type T = ${"A<".repeat(50_000)}B${">".repeat(50_000)};`,
  "type arguments of calls": expression("f<", "a", "", 20_000),
  "conditional types": () => `type T = ${"A extends B ? ".repeat(20_000)}C${": D".repeat(20_000)};`,
  "inferred types": () =>
    `type T = ${"(A extends infer U extends ".repeat(5_000)}B${" ? 1 : 2)".repeat(5_000)};`,
  "function types": () => `type T = ${"(a: ".repeat(20_000)}B${") => C".repeat(20_000)};`,
  namespaces: nested("namespace a{", "export const b=1", "}", 20_000),
  decorators: () => `${"@(class{".repeat(5_000)}a${"}) class A{}".repeat(5_000)}`,
  JSON: () =>
    zipOf({
      "a.json": "[".repeat(500_000) + "]".repeat(500_000),
      "main.ts": `import a from "./a.json"; console.log(a);`,
    }),
};

/** What is long, or many. */
export const LONG: Readonly<Record<string, HostileSource>> = {
  "scopes that each shadow a name": nested("{let a;", "", "}", 20_000),
  "functions that each shadow a name": nested("function f(a){", "", "}", 20_000),
  "20,000 labels": () => `${times(20_000, (n) => `a${n}:`)};`,
  "an addition of a million terms": () => `export const x = ${"a+".repeat(1_000_000)}a;`,
  "a text of a million pieces": () => `export const x = ${`"a"+`.repeat(1_000_000)}"a";`,
  "a chain of 500,000 members": () => `export const x = a${".b".repeat(500_000)};`,
  "a chain of 100,000 optional members": () => `export const x = a${"?.b".repeat(100_000)};`,
  "powers of powers": () => `export const x = ${"2**".repeat(100_000)}2;`,
  "an enum of 200,000 members": () =>
    `enum E { ${times(200_000, (n) => `a${n} = ${n && `a${n - 1} + 1`}`, ",")} } console.log(E);`,
  "an enum whose text doubles": () =>
    `enum E { a0 = "aaaaaaaa", ${times(40, (n) => `a${n + 1} = a${n} + a${n}`, ",")} } console.log(E.a40);`,
  "300,000 exports": () =>
    `var ${times(300_000, (n) => `a${n}`, ",")}; export { ${times(300_000, (n) => `a${n}`, ",")} };`,
  "100,000 variables of one name": () => times(100_000, () => "var a = 1;"),
  "100,000 private names": () => `class A { ${times(100_000, (n) => `#a${n} = this.#a${n};`)} }`,
  "a regular expression of many groups": () =>
    `export const x = /${"(".repeat(100_000)}a${")".repeat(100_000)}/;`,
  "a text of 15 MiB": () => `export const x = "${"a".repeat(15 * MIB)}";`,
  "a text of escapes": () => `export const x = "${"\\u{1F600}".repeat(MIB)}";`,
  "a number of 2 MiB": () => `export const x = ${"9".repeat(2 * MIB)};`,
  "an integer of 2 MiB": () => `export const x = ${"9".repeat(2 * MIB)}n;`,
  "a name of escapes": () => `export const ${"\\u{61}".repeat(500_000)} = 1;`,
  "a name with a million zeros": () => `export const \\u{${"0".repeat(MIB)}61} = 1;`,
  "a template of 200,000 values": () => `export const x = \`${`\${a}`.repeat(200_000)}\`;`,
  "a comment that never ends": () => `/*${"*".repeat(5 * MIB)}`,
  "a million errors": () => "let a = ;\n".repeat(500_000),
  "a million warnings": () => `${"if (a === -0) ;".repeat(200_000)}`,
  "an error at the end of 15 MiB": () => `${"a;".repeat(7 * MIB)} let = = 1`,
  "ten million line breaks": () => "\n".repeat(10 * MIB),
  "ten million line breaks and a computed import": () => `${"\n".repeat(10 * MIB)}import(a)`,
  "a byte order mark in every place": () => "\ufeff".repeat(MIB),
};

/** What the code around the parser reads. */
export const IMPORTS: Readonly<Record<string, HostileSource>> = {
  "names that a computed import could get": () =>
    `import(x);${times(300_000, (n) => `$${n.toString(36).padStart(5, "_")};`)}`,
  "names that a computed require could get": () =>
    `require(x);${times(300_000, (n) => `_${n.toString(36).padStart(6, "_")};`)}${"_".repeat(MIB)}`,
  "200,000 computed imports": () => "import(x);\n".repeat(200_000),
  "computed imports on one long line": () => `"${"x".repeat(MIB)}";${"import(s);".repeat(5_000)}`,
  "words that look like imports": () => `"${"import  ".repeat(MIB)}"; "${"\\u{0".repeat(MIB)}"`,
  "an import of 10 MiB": () => `import "${"a/".repeat(5 * MIB)}";`,
  "a relative import of many steps": () => `import "./${"a/../".repeat(MIB)}x.ts";`,
  "100,000 imports of nothing": () => times(100_000, (n) => `import "./a${n}.ts";`),
  "100,000 imports of packages": () => times(100_000, (n) => `import "npm:skiff-none-${n}";`),
  "an import of a data URL": () => `import "data:text/javascript,${"a".repeat(MIB)}";`,
  "an import of a file URL": () => `import "file:///etc/passwd";`,
  "an import attribute of an odd name": () => `import a from "./main.ts" with { type: "constructor" };`,
  "a source map in a file of the machine": () => "export default 1;\n//# sourceMappingURL=/etc/passwd",
  "a source map of 10 MiB": () =>
    `export default 1;\n//# sourceMappingURL=data:application/json;base64,${"AAAA".repeat(2.5 * MIB)}`,
  "a million references": () => `${"/// <reference path='/etc/passwd' />\n".repeat(200_000)}`,
  "files that import each other": () =>
    zipOf(
      Object.fromEntries(
        Array.from({ length: 1_500 }, (_, n) => [
          n === 0 ? "main.ts" : `a${n}.ts`,
          times(10, (k) => `export * from "./a${((n * 7 + k) % 1_499) + 1}.ts";`),
        ]),
      ),
    ),
  "a file that imports itself": () => `export * from "./main.ts"; export * from "./main";`,
  "endings that every object has": () =>
    zipOf({
      "main.ts": `import "./a.constructor"; import "./b.__proto__";`,
      "a.constructor": "",
      "b.__proto__": "",
    }),
};

const prefixes = (count: number) =>
  `{"imports": {${times(count, (n) => `"${"a/".repeat(n % 50)}${n}/": "./${n}/"`, ",")}}}`;

export const CONFIGURATIONS: Readonly<Record<string, HostileSource>> = {
  "100,000 prefixes for 20,000 imports": configured(
    () => prefixes(100_000),
    times(20_000, (n) => `import "${"a/".repeat(n % 50)}x${n}";`),
  ),
  "prefixes of prefixes": configured(
    () => `{"imports": {${times(3_000, (n) => `"${"a/".repeat(n + 1)}": "./a/"`, ",")}}}`,
    `import "${"a/".repeat(MIB)}b";`,
  ),
  "scopes of scopes": configured(() => `{"scopes": ${`{"a":`.repeat(100_000)}1${"}".repeat(100_000)}}`),
  "a text of 15 MiB": configured(() => `{"imports": {"a": "${"x".repeat(15 * MIB)}"}}`),
  "a text of 15 MiB that does not end": configured(() => `{"imports": {"a": "${"x".repeat(15 * MIB)}`),
  "a text of escapes": configured(() => `{"a": "${"\\\\".repeat(7 * MIB)}"}`),
  "comments that never end": configured(() => "/*".repeat(2 * MIB)),
  "15 MiB of space between commas": configured(() => `{"a": [${`,${" ".repeat(1_000)}`.repeat(10_000)}]}`),
  "brackets a million deep": configured(() => `${"[".repeat(MIB)}${"]".repeat(MIB)}`),
  "keys of every object": configured(
    () => `{"imports": {"__proto__": "./a.ts", "constructor": "./b.ts", "": "./c.ts", "/": "./d/"}}`,
    `import "toString"; import "__proto__"; import "constructor";`,
  ),
  "a factory of 5 MiB": configured(
    () => `{"compilerOptions": {"jsx": "react", "jsxFactory": "${"a.".repeat(2.5 * MIB)}a"}}`,
  ),
  "a library of 5 MiB": configured(
    () => `{"compilerOptions": {"jsxImportSource": "${"a".repeat(5 * MIB)}"}}`,
    `const x = 1;`,
  ),
  "options that are no options": configured(
    () => `{"compilerOptions": {"jsxFactory": {"a": []}, "jsx": 7}, "imports": 3}`,
  ),
  "targets that lead to themselves": configured(
    () => `{"imports": {"a": "a", "b/": "b/"}}`,
    `import "a"; import "b/c";`,
  ),
  "a tsconfig.json and a package.json of the author": () =>
    zipOf({
      "main.ts": `import "a";`,
      "tsconfig.json": `{"extends": "/etc/passwd", "compilerOptions": {"paths": {"*": ["/*"]}}}`,
      "package.json": `{"name": "x", "main": "/etc/passwd", "imports": {"#a": "/etc/passwd"}}`,
    }),
};

/** A tar header that says it is 8 GiB, with nothing behind it. */
async function tarOfSize(octal: string): Promise<Uint8Array> {
  const tar = await tarOf([{ name: "main.ts", text: "export default 1;" }]);
  tar.write(octal, 124, "latin1");
  let sum = 0;
  tar.fill(" ", 148, 156);
  for (const byte of tar.subarray(0, 512)) sum += byte;
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return tar;
}

/** A zip whose entries all unpack the same bytes. */
function overlappingZip(entries: number): Uint8Array {
  const zip = Buffer.from(zipOf({ "main.ts": "a".repeat(MIB) }));
  const directory = zip.indexOf("PK\x01\x02");
  const end = zip.indexOf("PK\x05\x06");
  const record = zip.subarray(directory, end);
  const records = Array.from({ length: entries }, (_, n) => {
    const copy = Buffer.from(record);
    copy.write(String(n).padStart(7, "0"), 46, "latin1");
    return copy;
  });
  const last = Buffer.from(zip.subarray(end));
  last.writeUInt16LE(entries, 8);
  last.writeUInt16LE(entries, 10);
  last.writeUInt32LE(record.length * entries, 12);
  return Buffer.concat([zip.subarray(0, directory), ...records, last]);
}

const many = (count: number, entry: (index: number) => TarEntry): HostileSource => {
  return () =>
    tarOf([
      { name: "main.ts", text: "export default 1;" },
      ...Array.from({ length: count }, (_, n) => entry(n)),
    ]);
};

export const ARCHIVES: Readonly<Record<string, HostileSource>> = {
  "a gzip that unpacks to 2 GiB": () => gzipSync(Buffer.alloc(200 * MIB)),
  "a gzip in a gzip": () => gzipSync(gzipSync(Buffer.alloc(200 * MIB))),
  "a gzip that is cut off": () => gzipSync(Buffer.alloc(MIB, "abcdefgh")).subarray(0, 500),
  "a zip that unpacks to 200 MiB": () => zipOf({ "main.ts": new Uint8Array(200 * MIB) }),
  "a zip of entries on the same bytes": () => overlappingZip(5_000),
  "a zip of 60,000 folders": () =>
    zipOf(Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`a${n}/`, ""]))),
  "a zip of 20,000 files": () =>
    zipOf(Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`a${n}.ts`, ""]))),
  "a zip without an end": () => zipOf({ "main.ts": "1" }).subarray(0, 40),
  "a tar of 8 GiB that is not there": () => tarOfSize("77777777777\0"),
  "a tar of a negative size": () => tarOfSize("-1\0"),
  "a tar of 20,000 files": many(20_000, (n) => ({ name: `a${n}.ts` })),
  "a tar of 9,000 long paths": many(9_000, (n) => ({ name: `${"a/".repeat(450)}${n}.ts` })),
  "a tar of 15,000 folders": many(15_000, (n) => ({ name: `a${n}/`, type: "directory" })),
  "a tar with a header of 5 MiB": () =>
    tarOf([{ name: "main.ts", text: "1", pax: { comment: "a".repeat(5 * MIB) } }]),
  "a tar with a name of 5 MiB": () => tarOf([{ name: `${"a".repeat(5 * MIB)}.ts` }]),
  "a tar with a link to a file of the machine": () =>
    tarOf([{ name: "main.ts", type: "symlink", linkname: "/etc/passwd" }]),
  "a tar with a path out of it": () =>
    tarOf([{ name: "main.ts" }, { name: "../../../../tmp/skiff-evil.ts", text: "1" }]),
  "a tar of zeros": () => Buffer.concat([Buffer.alloc(257), Buffer.from("ustar"), Buffer.alloc(MIB)]),
};

export const ALL_HOSTILE: Readonly<Record<string, Readonly<Record<string, HostileSource>>>> = {
  nested: NESTED,
  long: LONG,
  imports: IMPORTS,
  configurations: CONFIGURATIONS,
  archives: ARCHIVES,
};

/** The size that a source may have, so that hostile ones are refused for what they are. */
export const MOST_BYTES = 20 * MIB - KIB;
