import type { LogLine } from "../api/log-lines.ts";
import { describeFailure } from "../failure.ts";
import { type Output, shown } from "../output/output.ts";
import { duration } from "../output/time.ts";
import type { Deployed } from "../source/deploy.ts";
import type { CallLine } from "./local-skiff.ts";

/** What `skiff dev` prints: one line for each event, or one JSON object with `--json`. */
export class DevLines {
  readonly #out: Output;

  constructor(out: Output) {
    this.#out = out;
  }

  info(text: string): void {
    this.#print({ event: "info", text }, () => text);
  }

  deployed(deployed: Deployed, ms: number): void {
    const { version, url, warnings = [] } = deployed;
    this.#print({ event: "deployed", ms: Math.round(ms), ...deployed }, () =>
      [
        `${this.#out.style("green", `version ${version} is live`)} after ${duration(ms)}: ${url}`,
        ...warnings.map((warning) => `${this.#out.style("yellow", "warning:")} ${shown(warning)}`),
      ].join("\n"),
    );
  }

  failed(error: unknown): void {
    const { lines, document } = describeFailure(error);
    this.#print(
      { event: "failed", ...document },
      () => `${this.#out.style("red", "error:")} ${lines.join("\n")}`,
    );
  }

  called({ method, path, status, durationMs }: CallLine): void {
    const colour = status < 400 ? "cyan" : status < 500 ? "yellow" : "red";
    this.#print({ event: "call", method, path, status, durationMs }, () =>
      this.#out.style(colour, `${shown(method)} ${shown(path)} ${status} in ${duration(durationMs)}`),
    );
  }

  logged(line: LogLine): void {
    const { text, stream, level } = line;
    const isBad = level === "error" || level === "warn" || (level === undefined && stream === "stderr");
    const colour = isBad ? "yellow" : stream === "platform" ? "dim" : "reset";
    this.#print({ event: "log", ...line }, () =>
      this.#out.style(colour, `  ${shown(text).replaceAll("\n", "\n  ")}`),
    );
  }

  #print(event: object, text: () => string): void {
    const out = this.#out;
    const at = new Date().toTimeString().slice(0, 8);
    if (out.json) out.line(JSON.stringify(event));
    else out.line(`${out.style("dim", at)} ${text().replaceAll("\n", "\n         ")}`);
  }
}
