import { toProblem } from "../../platform/problems.ts";
import { formatMs } from "../../platform/quantity.ts";
import type { Deployed } from "../deploys/deploys.ts";

/** Below this a wait for one's turn is not worth a person's attention. */
const NOTABLE_WAIT_MS = 10;

/** `deployed useragent version 2 in 41 ms (build 3 ms, start 36 ms)` */
export function deployedLine(deployed: Deployed): string {
  const { name, version, unchanged, waitedMs, buildMs, startMs } = deployed;
  if (unchanged) return `unchanged ${name}: it is at version ${version} already`;
  const parts = [
    ...(waitedMs >= NOTABLE_WAIT_MS ? [`waited ${formatMs(waitedMs)}`] : []),
    buildMs === undefined ? "same bundle" : `build ${formatMs(buildMs)}`,
    `start ${formatMs(startMs)}`,
  ];
  const totalMs = waitedMs + (buildMs ?? 0) + startMs;
  return `deployed ${name} version ${version} in ${formatMs(totalMs)} (${parts.join(", ")})`;
}

/** `not deployed: useragent: main.ts:3:7 …` in one line, whatever the failure says. */
export function notDeployedLine(name: string, error: unknown): string {
  return onOneLine(`not deployed: ${name}: ${toProblem(error).detail}`);
}

/** On one line and without control characters: what users send must not write to a terminal by itself. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").slice(0, 1_000);
}
