import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { includes } from "../../api/read-back.ts";
import { allowed } from "../../blocks/allowed.ts";
import { useUnsaved } from "../../leaving/unsaved.ts";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { showWritten } from "../../ui/toast.tsx";
import { isOvertaken, Overtaken, useBegan } from "../began.tsx";
import { type Described, ifMatch, pathOf, useDescribed } from "../described.ts";
import { callsText, shareOf } from "../traffic.ts";
import { type Percents, percentsOf, withoutVersion, withPercent, withVersion } from "./percents.ts";
import { type Rules, RulesFields, rulesDocument, rulesOf } from "./rules-fields.tsx";
import type { Version } from "./version.ts";

export interface TrafficFormProps {
  readonly described: Described;
  readonly versions: readonly Version[];
  readonly onChange: () => Promise<unknown>;
}

interface Draft {
  readonly percents: Percents;
  readonly rules: Rules;
}

/** Divides the calls among versions with sliders that always add up to 100. */
export function TrafficForm({ described, versions, onChange }: TrafficFormProps) {
  const { reload, read } = useDescribed();
  const { name, traffic } = described;
  const stored: Draft = { percents: percentsOf(traffic), rules: rulesOf(described) };
  const [draft, setDraft] = useState<Draft>();
  const [problem, setProblem] = useState<ApiProblem>();
  useUnsaved(`The traffic of ${name}`, draft !== undefined);
  const began = useBegan(described, draft !== undefined);
  const { percents, rules } = draft ?? stored;
  const change = (changed: Partial<Draft>) => setDraft({ percents, rules, ...changed });
  const others = versions.filter((each) => !percents.some((share) => share.version === each.version));
  const save = async () => {
    setProblem(undefined);
    const weights = Object.fromEntries(percents.map((each) => [each.version, each.percent]));
    try {
      const path = `${pathOf(name)}/traffic`;
      const json = { weights, ...rulesDocument(rules) };
      const { warnings = [] } = await api.send<{ warnings?: readonly string[] }>("PUT", path, {
        json,
        headers: ifMatch(began.current.version),
      });
      await showWritten([`The calls of ${name} are divided as you chose.`, ...warnings].join(" "), {
        stored: `The new traffic of ${name} is stored.`,
        read,
        differs: (now) => otherThanDivided(now, { percents, rules }),
      });
      await onChange();
      setDraft(undefined);
    } catch (error) {
      const problem = asProblem(error);
      setProblem(problem);
      if (problem.status === 412) await reload();
    }
  };
  return (
    <div class="card stack">
      <div class="sliders">
        {percents.map((share) => (
          <Slider
            key={share.version}
            share={share}
            isAlone={percents.length === 1}
            onChange={(percent) => change({ percents: withPercent(percents, share.version, percent) })}
            onRemove={() => change({ percents: withoutVersion(percents, share.version) })}
          />
        ))}
      </div>
      {others.length === 0 ? null : (
        <Select
          label="Add a version to the calls"
          bare
          value=""
          options={[
            { value: "", text: "Add a version…" },
            ...others.map((each) => ({
              value: String(each.version),
              text: `v${each.version}${each.message ? ` · ${each.message}` : ""}`,
            })),
          ]}
          onChange={(text) => change({ percents: withVersion(percents, Number(text)) })}
        />
      )}
      <RulesFields rules={rules} onChange={(changed) => change({ rules: changed })} />
      <ProblemNotice problem={problem} />
      <Overtaken
        {...{ began, described }}
        changes={[`The calls go to ${traffic.map((share) => `v${share.version}`).join(" and ")} now.`]}
        onGoOn={() => setProblem(undefined)}
      />
      {draft === undefined ? null : (
        <div class="row-end">
          <Button onClick={() => setDraft(undefined)}>Discard</Button>
          <Button
            kind="primary"
            onClick={save}
            disabled={isOvertaken(began.current, described)}
            {...allowed("deploy")}
          >
            Apply traffic
          </Button>
        </div>
      )}
    </div>
  );
}

function otherThanDivided(now: Described, { percents, rules }: Draft): string | undefined {
  const isDivided = percents.every(
    ({ version, percent }) => Math.abs(shareOf(now.traffic, version) - percent / 100) < 1e-6,
  );
  if (!isDivided) return callsText(now.traffic);
  return includes(now, rulesDocument(rules)) ? undefined : "its guard or its rule for callers is another one";
}

interface SliderProps {
  readonly share: Percents[number];
  readonly isAlone: boolean;
  readonly onChange: (percent: number) => void;
  readonly onRemove: () => void;
}

function Slider({ share: { version, percent }, isAlone, onChange, onRemove }: SliderProps) {
  return (
    <div class="slider">
      <span class="number-of">v{version}</span>
      <input
        type="range"
        min="0"
        max="100"
        value={percent}
        disabled={isAlone}
        aria-label={`Percentage of the calls for v${version}`}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
      <input
        type="number"
        min="0"
        max="100"
        value={percent}
        disabled={isAlone}
        aria-label={`Percentage for v${version} as a number`}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      />
      <span>%</span>
      <Button
        kind="quiet"
        small
        icon="close"
        label={`Take v${version} out`}
        disabled={isAlone}
        onClick={onRemove}
      />
    </div>
  );
}
