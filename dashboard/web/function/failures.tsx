import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter";
import { jsonLines } from "../api/streams.ts";
import { codeHref, partsByPlace, type SourcePlace } from "../logs/source-places.ts";
import { Icon } from "../ui/icon.tsx";
import { Badge, toneOfStatus, When } from "../ui/values.tsx";
import { type Described, type Failure, pathOf } from "./described.ts";
import { type Share, shareOf } from "./traffic.ts";

/** What a failed call printed. */
interface Printed {
  /** The first line of its error. */
  readonly message?: string;
  /** The first line of the function's own code that the error names. */
  readonly place?: SourcePlace;
}

interface Line {
  readonly callId?: string;
  readonly stream: string;
  readonly text: string;
}

/** Lines that five failed calls may print. */
const TAIL = 100;

/** The last failed calls, newest first: each leads to its trace, and to the line of code that its error names. */
export function Failures({ described }: { readonly described: Described }) {
  const { name, lastFailures = [], traffic } = described;
  const printed = usePrinted(name, lastFailures);
  return (
    <ul class="failures card">
      {lastFailures.toReversed().map((failure, index) => {
        const { message, place } = printed.get(failure.callId ?? "") ?? {};
        return (
          <li key={failure.callId ?? index}>
            <Badge tone={toneOfStatus(failure.status ?? 0)}>{failure.status ?? "none"}</Badge>
            <div>
              <strong>{message ?? failure.text}</strong>
              <span class="muted">
                <When at={failure.at} />
                {failure.version === undefined ? null : ` · ${versionText(failure.version, traffic)}`}
                {message === undefined ? null : ` · ${failure.text}`}
              </span>
            </div>
            <div class="links">
              {place === undefined ? null : (
                <Link href={codeHref(name, place, failure.version)}>
                  <Icon name="edit" /> {place.file}:{place.line}
                </Link>
              )}
              {failure.callId === undefined ? null : (
                <Link href={`/trace/${failure.callId}`} title={`Call ${failure.callId}`}>
                  Trace
                </Link>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** Reads what failed calls printed, once for each list of calls. The list is of use without it. */
function usePrinted(name: string, failures: readonly Failure[]): ReadonlyMap<string, Printed> {
  const [printed, setPrinted] = useState<ReadonlyMap<string, Printed>>(new Map());
  const ids = failures.map(({ callId }) => callId).join();
  useEffect(() => {
    if (ids === "") return undefined;
    const ending = new AbortController();
    const query = { level: "error", tail: TAIL };
    const read = async () => {
      const found = new Map<string, Printed>();
      for await (const line of jsonLines<Line>(`${pathOf(name)}/logs`, { query, signal: ending.signal })) {
        if (line.callId === undefined || line.stream === "call") continue;
        found.set(line.callId, { ...found.get(line.callId), ...printedIn(line.text) });
      }
      setPrinted(found);
    };
    read().catch(() => undefined);
    return () => ending.abort();
  }, [name, ids]);
  return printed;
}

function printedIn(text: string): Printed {
  const message = text.split("\n")[0]!.replace(/^call [-0-9a-f]{36} failed: /, "");
  const place = partsByPlace(text).find((part) => part.place !== undefined)?.place;
  return { message, ...(place === undefined ? {} : { place }) };
}

function versionText(version: number, traffic: readonly Share[]): string {
  return shareOf(traffic, version) > 0 ? `v${version}` : `v${version}, which takes no calls now`;
}
