import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { findPrograms, PROGRAM_FOLDERS } from "../../../process/sandbox/tools.ts";
import { LaunchError } from "../instances/launch-error.ts";

/** The programs that a network needs, and the Debian packages that contain them. */
const PACKAGES = {
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  pasta: "passt",
  setpriv: "util-linux",
  unshare: "util-linux",
} as const;
type Tool = keyof typeof PACKAGES;

/** Paths of the programs. */
export type Tools = Readonly<Record<Tool, string>>;

/** The end of the error output that a reason contains. */
const ERROR_CHARACTERS = 2_000;
/** A command here takes at most a few hundred milliseconds on a healthy machine. */
const COMMAND_MS = 10_000;

/** The whole environment of these programs: they inherit no variable of Skiff. */
const PLAIN_ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/**
 * Searches the folders of `path` for the programs, then the folders in `usual`.
 * @throws Error that names the missing programs and their packages
 */
export function findTools(path = process.env.PATH ?? "", usual: readonly string[] = PROGRAM_FOLDERS): Tools {
  const folders = [...path.split(":").filter((folder) => folder.startsWith("/")), ...usual];
  const names = Object.keys(PACKAGES) as Tool[];
  const found = findPrograms(names, folders);
  const missing = names.filter((name) => found[name] === undefined);
  if (missing.length === 0) return found as Tools;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  throw new Error(`${missing.join(", ")} not found (packages: ${packages.join(", ")})`);
}

/** What a program printed until its end, and why it failed if it did. */
export interface Outcome {
  readonly output: string;
  readonly failure?: LaunchError;
}

/**
 * Runs a program to its end and returns its standard output.
 * @throws LaunchError with the program's name and error output if it fails or takes longer than 10 s
 */
export async function run(argv: readonly string[], input?: string): Promise<string> {
  const { output, failure } = await outcomeOf(argv, input);
  if (failure !== undefined) throw failure;
  return output;
}

/** Runs a program to its end. It fails if it takes longer than 10 s. */
export async function outcomeOf(argv: readonly string[], input = ""): Promise<Outcome> {
  const helper = new Helper(argv, "pipe");
  const timer = setTimeout(() => helper.close(), COMMAND_MS);
  let output = "";
  helper.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  helper.child.stdin?.end(input);
  const { message, cause } = await helper.ended;
  clearTimeout(timer);
  if (helper.child.exitCode === 0) return { output };
  return { output, failure: new LaunchError(`${argv[0]} failed: ${message}`, { cause }) };
}

/** A program with the environment of this folder. */
export class Helper {
  readonly child: ChildProcess;
  /** Resolves with the reason when the program has ended, or when the system did not start it. */
  readonly ended: Promise<LaunchError>;

  /** @param stdio for its input and output */
  constructor(argv: readonly string[], stdio: "pipe" | "ignore") {
    const [program = "", ...rest] = argv;
    const child = spawn(program, rest, { env: PLAIN_ENVIRONMENT, stdio: [stdio, stdio, "pipe"] });
    this.child = child;
    // EPIPE if it ends before it reads its input: `ended` has the cause.
    child.stdin?.on("error", () => {});
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-ERROR_CHARACTERS);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", (cause) => resolve(new LaunchError(cause.message, { cause })));
      child.once("close", (code, signal) => {
        // pasta also prints every line that it cannot write to the system log.
        const lines = errors.split("\n").filter((line) => line !== "" && !line.endsWith("to syslog"));
        resolve(new LaunchError(`${lines.join("; ") || "it printed no error"} (${signal ?? code})`));
      });
    });
  }

  close(): void {
    this.child.kill("SIGKILL");
  }
}

/** Reads a file; empty if it does not exist. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
