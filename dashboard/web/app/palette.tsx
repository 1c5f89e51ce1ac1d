import { useEffect, useRef, useState } from "preact/hooks";
import { type Named, pagesOf } from "../api/pages.ts";
import { can, holder } from "../session/session.ts";
import { Dialog } from "../ui/dialog.tsx";
import { navigationFor } from "./navigation.ts";

interface PaletteProps {
  readonly onClose: () => void;
  readonly go: (path: string) => void;
}

interface Target {
  readonly text: string;
  readonly kind: string;
  readonly href: string;
}

const MOST = 12;
/** Ids of calls are UUIDs. */
const CALL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function pages(): readonly Target[] {
  const targets = navigationFor(holder.value).flatMap(({ entries }) =>
    entries.map(({ href, text }) => ({ href, text, kind: "page" })),
  );
  return can("deploy") ? [{ text: "New function", kind: "action", href: "/new" }, ...targets] : targets;
}

/** Jumps to a page, to what has a name, or to a call by typing a part of its name. */
export function Palette({ onClose, go }: PaletteProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [named, setNamed] = useState<readonly Target[]>([]);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current!.focus();
    const ending = new AbortController();
    const read = async (path: string, member: string, kind: string) => {
      for await (const page of pagesOf<Named>(path, member, ending.signal)) {
        const found = page.map(({ name }) => {
          return { text: name, kind, href: `/${member}/${encodeURIComponent(name)}` };
        });
        setNamed((before) => [...before, ...found]);
      }
    };
    // Pages can be found without them.
    const ignored = () => undefined;
    read("/func", "functions", "function").catch(ignored);
    read("/flow", "flows", "flow").catch(ignored);
    read("/git", "repositories", "repository").catch(ignored);
    read("/topic", "topics", "topic").catch(ignored);
    read("/subscription", "subscriptions", "subscription").catch(ignored);
    read("/schedule", "schedules", "schedule").catch(ignored);
    return () => ending.abort();
  }, []);
  useEffect(() => document.getElementById(`palette-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);
  const wanted = text.trim().toLowerCase();
  const call = CALL_ID.test(wanted) ? [{ text: wanted, kind: "call", href: `/trace/${wanted}` }] : [];
  const found = [...call, ...named, ...pages()]
    .filter((each) => each.text.toLowerCase().includes(wanted))
    .slice(0, MOST);
  const open = ({ href }: Target) => {
    onClose();
    go(href);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((at + step + found.length) % Math.max(1, found.length));
    }
    if (event.key === "Enter" && found[at] !== undefined) open(found[at]);
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Page, name or call id"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={found[at] === undefined ? undefined : `palette-${at}`}
        placeholder="Page, name or call id"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div class="palette" role="listbox" id="palette" aria-label="Found">
        {found.map((target, index) => (
          <div
            key={`${target.kind} ${target.href}`}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => open(target)}
            onKeyDown={press}
          >
            <span>{target.text}</span>
            <span class="muted">{target.kind}</span>
          </div>
        ))}
        {found.length === 0 ? <p class="muted">Nothing has this name.</p> : null}
      </div>
    </Dialog>
  );
}
