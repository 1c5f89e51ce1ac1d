import { useState } from "preact/hooks";
import { api, type Query } from "../../api/client.ts";
import { readStart } from "../../api/streams.ts";
import { Button } from "../../ui/button.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { bytesText } from "../../ui/values.tsx";
import type { Shown } from "./run.ts";
import { ValueView } from "./value-view.tsx";

export interface StepOutputProps {
  /** Of the API: the output as it is. */
  readonly path: string;
  readonly query: Query;
  readonly values: Pick<Shown, "output" | "outputBody">;
}

const SHOWN_BYTES = 100_000;

/** What a step gave. A large output is read when somebody asks for it, and its beginning alone is shown. */
export function StepOutput({ path, query, values: { output, outputBody } }: StepOutputProps) {
  const [start, setStart] = useState<string>();
  if (output !== undefined) return <ValueView label="Output" value={output} />;
  if (outputBody === undefined) return <p class="muted">No output.</p>;
  const { bytes, type } = outputBody;
  const isText = /^text\/|json|xml|yaml/.test(type);
  const show = async () =>
    setStart(await readStart((await api.raw("GET", path, { query })).body!, SHOWN_BYTES));
  const save = async () => saveFile(await (await api.raw("GET", path, { query })).blob(), "output");
  return (
    <div class="stack">
      <div class="row">
        <span>
          Output: {bytesText(bytes)} of {type}
        </span>
        {isText && start === undefined ? (
          <Button small onClick={show}>
            Show its beginning
          </Button>
        ) : null}
        <Button small icon="down" onClick={save}>
          Save
        </Button>
      </div>
      {start === undefined ? null : <ValueView label="Beginning of the output" value={start} />}
    </div>
  );
}
