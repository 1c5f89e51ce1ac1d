import { Button } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { Checkbox, Select, TextField } from "../ui/field.tsx";
import { BodyField } from "./body-field.tsx";
import { type CalledFunction, versionOptions } from "./called-function.ts";
import { callUrl, curlCommand, type Draft, hasBody, headerFault, METHODS, pathHint } from "./draft.ts";
import { RowsField } from "./rows-field.tsx";

export interface RequestFormProps {
  readonly called: CalledFunction;
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
  readonly isUnderWay: boolean;
  readonly onSend: () => void;
  readonly onCancel: () => void;
}

const HEADERS = [
  ...["accept", "accept-language", "authorization", "cache-control", "content-type", "idempotency-key"],
  ...["if-match", "if-none-match", "origin", "range", "user-agent", "x-request-id"],
];
const ASYNC_HEADERS = ["skiff-delay", "skiff-priority", "skiff-attempts", "skiff-backoff", "skiff-key"];

/** The request. Ctrl+Enter sends it from every field. */
export function RequestForm(props: RequestFormProps) {
  const { called, draft, onChange, file, onFile, isUnderWay, onSend, onCancel } = props;
  const isFaulty = draft.headers.some((row) => headerFault(row) !== undefined);
  const send = () => {
    if (!isFaulty) onSend();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  const url = callUrl(called.url, draft);
  const parts = draft.query.length + draft.headers.length;
  return (
    <form class="try-form stack" onSubmit={submit} onKeyDown={press}>
      <div class="try-line">
        <Select
          label="Method"
          bare
          value={draft.method}
          onChange={(method) => onChange({ method })}
          options={METHODS}
        />
        <TextField
          label="Path"
          bare
          mono
          value={draft.path}
          onChange={(path) => onChange({ path })}
          placeholder="/"
          hint={pathHint(draft)}
        />
        {isUnderWay ? (
          <Button key="cancel" icon="stop" onClick={onCancel}>
            Cancel
          </Button>
        ) : (
          <Button
            key="send"
            type="submit"
            kind="primary"
            icon="play"
            disabled={isFaulty}
            title={isFaulty ? "A header is not valid" : "Send (Ctrl+Enter)"}
          >
            Send
          </Button>
        )}
      </div>
      <div class="try-url">
        <code title={url}>{url}</code>
        <Copy text={curlCommand(draft, { url: called.url, file })}>Copy as curl</Copy>
      </div>
      {hasBody(draft) ? <BodyField {...{ draft, onChange, file, onFile }} /> : null}
      <details open={parts > 0}>
        <summary>
          Query and headers{" "}
          <span class="muted">
            {parts === 0 ? "none" : `${draft.query.length} + ${draft.headers.length}`}
          </span>
        </summary>
        <div class="stack">
          <RowsField
            label="Query"
            entry="parameter"
            rows={draft.query}
            onChange={(query) => onChange({ query })}
          />
          <RowsField
            label="Headers"
            entry="header"
            rows={draft.headers}
            onChange={(headers) => onChange({ headers })}
            faultOf={headerFault}
            suggestions={draft.isAsync ? [...HEADERS, ...ASYNC_HEADERS] : HEADERS}
          />
        </div>
      </details>
      <div class="row try-options">
        <Select
          label="Version"
          value={draft.version}
          onChange={(version) => onChange({ version })}
          options={versionOptions(called)}
        />
        <Checkbox
          label="Asynchronous"
          checked={draft.isAsync}
          onChange={(isAsync) => onChange({ isAsync })}
        />
        <Checkbox label="With my key" checked={draft.withKey} onChange={(withKey) => onChange({ withKey })} />
      </div>
      {called.access !== "public" && !draft.withKey ? (
        <p class="muted">
          The access of this function is <code>{called.access}</code>: a call without a key is refused.
        </p>
      ) : null}
    </form>
  );
}
