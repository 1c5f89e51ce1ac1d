import { spawn } from "node:child_process";
import { LaunchError } from "../instances/launch-error.ts";

/** Nothing here takes longer than a few hundred milliseconds, unless the machine is in trouble. */
const COMMAND_MS = 10_000;

/** Programs of this folder get nothing of Skiff's own environment. */
export const PLAIN_ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/**
 * Runs a program to its end and gives what it printed.
 * @throws LaunchError with its name and what it said when it fails or takes longer than 10 s
 */
export function run(argv: readonly string[], input = ""): Promise<string> {
  const [program = "", ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      env: PLAIN_ENVIRONMENT,
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    let out = "";
    let said = "";
    // First: of a program that the system does not start, Node gives no streams when there are no files left.
    child.once("error", (cause) => reject(new LaunchError(`${program} ${cause.message}`, { cause })));
    if (child.pid === undefined) return;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const failed = (how: string) =>
      reject(new LaunchError(`${program} ${how}${said ? `: ${said.trim()}` : ""}`));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(out);
      else failed(code === null ? `was ended by ${signal}` : `ended with ${code}`);
    });
    // A program that ends without reading its input has said why.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
