/** Frames of packages that look for the native code of their caller, and files with such code. */
const LOOKS_FOR_NATIVE =
  /node_modules\/(?:detect-libc|node-gyp-build|bindings|prebuild-install|@mapbox\/node-pre-gyp)\/|\.node['"]|native (?:build|binding)/;
const PACKAGE = /node_modules\/((?:@[^/\s]{1,100}\/)?[^/\s]{1,100})\//g;
/** They serve others. */
const HELPERS =
  /^(detect-libc|node-gyp-build|bindings|file-uri-to-path|prebuild-install|@mapbox\/node-pre-gyp)$/;

/** Says that a package needs native code, if the log of a failed start shows that one was looked for. */
export function adviseNativeCode(log: readonly string[]): string | undefined {
  const text = log.map((line) => line.slice(0, 2_000)).join("\n");
  if (!LOOKS_FOR_NATIVE.test(text)) return undefined;
  const names = [...text.matchAll(PACKAGE)].map(([, name = ""]) => name);
  const name = names.find((each) => !HELPERS.test(each));
  const what = name === undefined ? "A package" : `The package ${name}`;
  return `${what} needs native code, which a function cannot load: use a package in JavaScript or WebAssembly.`;
}
