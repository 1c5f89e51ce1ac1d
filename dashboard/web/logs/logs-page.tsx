import { useSearchParams } from "wouter";
import { FunctionPage } from "../function/function-page.tsx";
import { Button, LinkButton } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { saveFile } from "../ui/save-file.ts";
import { Badge } from "../ui/values.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { type LogFilters, readFilters } from "./filters.ts";
import { LineList } from "./line-list.tsx";
import { lineAsText } from "./log-line.ts";
import { type Lines, useLines } from "./use-lines.ts";

/** What a function printed, live: `/functions/NAME/logs`. */
export default function LogsPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage name={name} part="Logs">
      <Logs key={name} name={name} />
    </FunctionPage>
  );
}

function Logs({ name }: { readonly name: string }) {
  const [address, setAddress] = useSearchParams();
  const filters = readFilters(address);
  const found = useLines(name, filters);
  const change = (changed: Partial<Record<keyof LogFilters, string>>) => {
    const next = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== "");
    setAddress(next as [string, string][], { replace: true });
  };
  return (
    <div class="logs">
      <FilterBar name={name} filters={filters} onChange={change} />
      <ProblemNotice problem={found.problem} />
      <Bar name={name} found={found} />
      {found.lines.length === 0 ? (
        <NoLines name={name} filters={filters} found={found} />
      ) : (
        <LineList
          key={address.toString()}
          {...{ name, lines: found.lines, held: found.held, search: filters.search, onHold: found.hold }}
        />
      )}
    </div>
  );
}

function Bar({ name, found }: { readonly name: string; readonly found: Lines }) {
  const { lines, dropped, link, problem } = found;
  const text = () => `${lines.map(lineAsText).join("\n")}\n`;
  return (
    <div class="logs-bar">
      {problem !== undefined ? null : link === "lost" ? (
        <Badge tone="warn" title="The page connects again, and goes on behind the last line.">
          connection lost, connecting
        </Badge>
      ) : (
        <Badge tone={link === "live" ? "ok" : "quiet"}>{link === "live" ? "live" : "connecting"}</Badge>
      )}
      <span class="muted number">
        {lines.length.toLocaleString("en")} {lines.length === 1 ? "line" : "lines"}
        {dropped === 0 ? "" : `, ${dropped.toLocaleString("en")} older ones left out`}
      </span>
      <span class="spring" />
      {lines.length === 0 ? null : (
        <>
          <Button kind="quiet" small icon="trash" onClick={found.clear} title="Empties this view alone">
            Clear view
          </Button>
          <Copy text={text}>Copy</Copy>
          <Button small icon="down" onClick={() => saveFile(new Blob([text()]), `${name}.log`)}>
            Download
          </Button>
        </>
      )}
    </div>
  );
}

interface NoLinesProps {
  readonly name: string;
  readonly filters: LogFilters;
  readonly found: Lines;
}

function NoLines({ name, filters, found: { isSettled, problem } }: NoLinesProps) {
  if (problem !== undefined) return null;
  if (!isSettled) return <div class="loading">Loading…</div>;
  if (Object.keys(filters).length > 0)
    return (
      <Empty title="No line matches">
        <p>
          New lines that match appear here by themselves. Lines are kept for 7 days by default, and a call
          that succeeds leaves only the lines that it printed.
        </p>
      </Empty>
    );
  return (
    <Empty title="No lines yet">
      <p>
        What the function prints with <code>console.log</code> appears here, and a line for every call that
        fails.
      </p>
      <LinkButton href={`/functions/${name}/try`} kind="primary" icon="play">
        Call the function
      </LinkButton>
    </Empty>
  );
}
