import { useState } from "preact/hooks";
import { readStart } from "../../api/streams.ts";
import { tryCall } from "../../api/try-call.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Badge, durationText, toneOfStatus } from "../../ui/values.tsx";
import type { OutlineStep } from "../language/outline.ts";
import type { Sent } from "../language/sample.ts";
import type { FlowSession } from "./session.ts";

interface StepTestProps {
  readonly session: FlowSession;
  readonly step: OutlineStep;
  readonly onClose: () => void;
}

interface Tried {
  readonly sent: Sent;
  readonly status?: number;
  readonly ms?: number;
  readonly body?: string;
}

/** Samples of this tab, by flow. */
const kept = new Map<string, { input: string; outputs: string; item: string }>();
const MOST_BYTES = 20_000;

/** Tries one step alone: what its expressions make of a sample, and what its function answers. */
export function StepTest({ session, step, onClose }: StepTestProps) {
  const before = Object.fromEntries(step.before.map(({ from }) => [from, {}]));
  const place = session.name.value;
  const [sample, setSample] = useState(
    () => kept.get(place) ?? { input: "{}", outputs: JSON.stringify(before, undefined, 2), item: "{}" },
  );
  const [tried, setTried] = useState<Tried>();
  const [fault, setFault] = useState<string>();
  const change = (key: keyof typeof sample) => (text: string) => {
    const next = { ...sample, [key]: text };
    kept.set(place, next);
    setSample(next);
  };
  const evaluate = async () => {
    const parsed = {
      input: json("The input", sample.input),
      outputs: json("The outputs", sample.outputs) as Readonly<Record<string, unknown>>,
      item: json("The item", sample.item),
    };
    return session.language.ask("send", { members: step.members, sample: parsed });
  };
  const run = (isCalled: boolean) => async () => {
    setFault(undefined);
    setTried(undefined);
    try {
      const sent = await evaluate();
      setTried(isCalled && !sent.isSkipped ? await called(sent) : { sent });
    } catch (error) {
      setFault((error as Error).message);
    }
  };
  return (
    <Dialog title={`Test ${step.name}`} onClose={onClose} wide>
      <div class="step-test">
        <div class="fields">
          <TextField label="Input of the run" rows={4} mono value={sample.input} onChange={change("input")} />
          <TextField
            label="Outputs of other steps"
            hint="An object: the output of each step by its name."
            rows={5}
            mono
            value={sample.outputs}
            onChange={change("outputs")}
          />
          {step.members.each === undefined ? null : (
            <TextField label="Item" rows={2} mono value={sample.item} onChange={change("item")} />
          )}
          <div class="row">
            <Button onClick={run(false)}>Evaluate</Button>
            {step.action === "fn" ? (
              <Button kind="primary" icon="play" onClick={run(true)}>
                Call the function
              </Button>
            ) : null}
          </div>
        </div>
        <div aria-live="polite">
          {fault === undefined ? null : <Notice kind="bad">{fault}</Notice>}
          {tried === undefined ? null : <Result tried={tried} />}
        </div>
      </div>
    </Dialog>
  );
}

function Result({ tried: { sent, status, ms, body } }: { readonly tried: Tried }) {
  if (sent.isSkipped) return <Notice>The condition is false: the step is skipped.</Notice>;
  return (
    <>
      <h3>It sends</h3>
      <Shown label="What the step sends" text={JSON.stringify(sent.body, undefined, 2) ?? "nothing"} />
      {status === undefined ? null : (
        <>
          <h3>
            Answer <Badge tone={toneOfStatus(status)}>{status}</Badge> {durationText(ms!)}
          </h3>
          <Shown label="Answer" text={body!} />
        </>
      )}
    </>
  );
}

function Shown({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
    <section tabIndex={0} aria-label={label}>
      <pre>{text}</pre>
    </section>
  );
}

async function called(sent: Sent): Promise<Tried> {
  const [name, version] = sent.function!.split("@");
  const hasBody = sent.body !== undefined && sent.method !== "GET" && sent.method !== "HEAD";
  const begun = performance.now();
  const answer = await tryCall({
    ...{ method: sent.method, withKey: true },
    path: `/fn/${name}${version === undefined ? "" : `@${version}`}${sent.path}`,
    headers: [
      ...Object.entries(sent.headers),
      ...(hasBody ? [["content-type", "application/json"] as const] : []),
    ],
    ...(hasBody && { body: JSON.stringify(sent.body) }),
  });
  const body = await readStart(answer.body, MOST_BYTES);
  return { sent, status: answer.status, ms: performance.now() - begun, body };
}

/** @throws Error that names the field */
function json(what: string, text: string): unknown {
  try {
    return JSON.parse(text === "" ? "null" : text);
  } catch (error) {
    throw new Error(`${what} is not valid JSON: ${(error as Error).message}`);
  }
}
