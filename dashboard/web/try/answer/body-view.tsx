import { useEffect, useMemo, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Copy } from "../../ui/copy.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { bytesText } from "../../ui/values.tsx";
import { decodeText, hexDump, kindOf, MOST_SHOWN, mediaType, prettyJson } from "./body-kind.ts";
import type { BodySoFar } from "./read-body.ts";

export interface BodyViewProps {
  readonly body: BodySoFar;
  readonly type: string | undefined;
  /** All of it has come. */
  readonly isComplete: boolean;
  /** All of it as a file. */
  readonly whole: () => Blob;
  /** Of the file without its ending. */
  readonly fileName: string;
}

/** Larger images are downloaded only. */
const MOST_IMAGE = 8 * 1024 * 1024;

/** The body of an answer: text, indented JSON, an image, or bytes. Nothing of it runs. */
export function BodyView({ body, type, isComplete, whole, fileName }: BodyViewProps) {
  const [isRaw, setRaw] = useState(false);
  const { bytes, shown } = body;
  const kind = kindOf(type, shown);
  const isShort = isComplete && bytes <= MOST_SHOWN;
  const isImage = kind === "image" && isComplete && bytes <= MOST_IMAGE;
  const text = useMemo(() => {
    if (kind === "binary" || kind === "image") return hexDump(shown);
    const plain = decodeText(type, shown);
    return kind === "json" && isShort && !isRaw ? prettyJson(plain) : plain;
  }, [shown, kind, type, isShort, isRaw]);
  if (kind === "empty") return <p class="muted">{isComplete ? "The body is empty." : "No byte yet."}</p>;
  const most = kind === "binary" || kind === "image" ? 4_096 : MOST_SHOWN;
  return (
    <div class="try-body">
      <div class="bar">
        <span class="muted">
          {mediaType(type) || "no type"} · {bytesText(bytes)}
          {isComplete ? "" : " so far"}
          {bytes > most && !isImage ? `, the first ${bytesText(most)} shown` : ""}
        </span>
        {kind === "json" && isShort ? (
          <Button kind="quiet" small pressed={isRaw} onClick={() => setRaw(!isRaw)}>
            Raw
          </Button>
        ) : null}
        {isShort && kind !== "image" && kind !== "binary" ? <Copy text={text}>Copy</Copy> : null}
        {isComplete ? (
          <Button small icon="down" onClick={() => saveFile(whole(), `${fileName}.${fileEnding(type)}`)}>
            Download
          </Button>
        ) : null}
      </div>
      {isImage ? <Picture blob={whole()} type={mediaType(type)} /> : <Text text={text} />}
    </div>
  );
}

function Text({ text }: { readonly text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section class="try-text" tabIndex={0} aria-label="Body of the answer">
      <pre>{text}</pre>
    </section>
  );
}

/** As a `data:` URL, which the policy of the page allows for images alone. */
function Picture({ blob, type }: { readonly blob: Blob; readonly type: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const reader = new FileReader();
    reader.onload = () => setUrl(String(reader.result));
    reader.readAsDataURL(new Blob([blob], { type }));
    return () => reader.abort();
  }, [blob, type]);
  return url === undefined ? null : <img class="try-image" src={url} alt="What the function answered" />;
}

function fileEnding(type: string | undefined): string {
  return ENDINGS[mediaType(type)] ?? "bin";
}

const ENDINGS: Readonly<Record<string, string>> = {
  ...{ "application/json": "json", "text/plain": "txt", "text/html": "html", "text/csv": "csv" },
  ...{ "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp" },
  ...{ "image/svg+xml": "svg", "application/pdf": "pdf", "application/xml": "xml", "text/xml": "xml" },
  ...{ "application/zip": "zip", "application/gzip": "gz", "text/css": "css", "text/javascript": "js" },
};
