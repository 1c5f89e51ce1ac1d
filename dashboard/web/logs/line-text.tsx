import { Link } from "wouter";
import { partsAround } from "./filters.ts";
import { codeHref, partsByPlace } from "./source-places.ts";

export interface LineTextProps {
  /** The function that printed it. */
  readonly name: string | undefined;
  readonly version?: number | undefined;
  readonly text: string;
  /** Marked in the text. */
  readonly search?: string | undefined;
}

/** The text of a line. Places of a stack that are the function's own code are links to it. */
export function LineText({ name, version, text, search }: LineTextProps) {
  if (name === undefined) return <Marked text={text} search={search} />;
  return (
    <>
      {partsByPlace(text).map(({ text: part, place }, index) =>
        place === undefined ? (
          <Marked key={index} text={part} search={search} />
        ) : (
          <Link
            key={index}
            href={codeHref(name, place, version)}
            title={`Open ${place.file} at line ${place.line}`}
          >
            {part}
          </Link>
        ),
      )}
    </>
  );
}

function Marked({ text, search }: { readonly text: string; readonly search: string | undefined }) {
  const parts = partsAround(text, search);
  if (parts.length === 1) return <>{text}</>;
  return <>{parts.map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}</>;
}
