import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { allowed } from "../../blocks/allowed.ts";
import { useUnsaved } from "../../leaving/unsaved.ts";
import { Button } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { showDone, showWritten } from "../../ui/toast.tsx";
import { isOvertaken, Overtaken, useBegan } from "../began.tsx";
import { type Described, ifMatch, pathOf, useDescribed } from "../described.ts";
import { otherThanLive } from "../traffic.ts";
import { type EnvDraft, EnvFields } from "./env-fields.tsx";
import { type Draft, isAbout, patchOf, type SettingGroup, textOf } from "./setting.ts";
import { SettingControl } from "./setting-control.tsx";

export interface SettingsFormProps {
  readonly described: Described;
  readonly groups: readonly SettingGroup[];
  /** The variables of the environment as well. */
  readonly hasEnv?: boolean;
  readonly children?: ComponentChildren;
}

interface Deployed {
  readonly version: number;
  readonly unchanged: boolean;
}

/** Changes settings: only changed ones are sent, and only to the version that the page shows. */
export function SettingsForm({ described, groups, hasEnv = false, children }: SettingsFormProps) {
  const { reload, read } = useDescribed();
  const { name, settings, traffic } = described;
  const [draft, setDraft] = useState<Draft>({});
  const [env, setEnv] = useState<EnvDraft>({});
  const [message, setMessage] = useState("");
  const [problem, setProblem] = useState<ApiProblem>();
  const all = groups.flatMap((group) => group.settings);
  const { patch, faults } = patchOf(draft, all);
  const count = Object.keys(draft).length + Object.keys(env).length;
  useUnsaved(`The changes of ${name}`, count > 0);
  const began = useBegan(described, count > 0);
  const changes = all.flatMap((setting) => {
    const text = textOf(settings, setting);
    const isOther = text !== textOf(began.current.settings, setting);
    return isOther ? [`${setting.label} is ${text || "the default"} now.`] : [];
  });
  const faulty = all.find(({ path }) => faults[path] !== undefined);
  const named = problem?.members.setting;
  const isShownAtField =
    all.some((setting) => isAbout(setting, named) && draft[setting.path] !== undefined) ||
    (hasEnv && named === "env");

  const set = (path: string, text: string, stored: string) => {
    const { [path]: _, ...others } = draft;
    setDraft(text === stored ? others : { ...others, [path]: text });
  };
  const discard = () => {
    setDraft({});
    setEnv({});
    setMessage("");
    setProblem(undefined);
  };
  const save = async () => {
    setProblem(undefined);
    try {
      const json = { ...patch, ...(Object.keys(env).length === 0 ? {} : { env }) };
      const answer = await api.send<Deployed>("PATCH", pathOf(name), {
        json,
        headers: ifMatch(began.current.version),
        query: { message: message.trim() || undefined },
      });
      const { version, unchanged } = answer;
      if (unchanged) showDone("These are the present values: nothing changed.");
      else
        await showWritten(`Version ${version} has the new settings and takes all calls.`, {
          stored: `Version ${version} with the new settings is stored.`,
          read,
          differs: (now) => otherThanLive(now, version),
        });
      discard();
    } catch (error) {
      const problem = asProblem(error);
      setProblem(problem);
      if (problem.status === 412) await reload();
    }
  };
  return (
    <div class="settings">
      {isShownAtField ? null : <ProblemNotice problem={problem} />}
      <Overtaken {...{ began, described, changes }} onGoOn={() => setProblem(undefined)} />
      {groups.map((group) => {
        const shown = group.settings.filter(({ isFor }) => isFor === undefined || isFor(settings));
        if (shown.length === 0) return null;
        return (
          <Section key={group.title} title={group.title}>
            <div class="card setting-grid">
              {shown.map((setting) => {
                const { path } = setting;
                const stored = textOf(settings, setting);
                const refused = isAbout(setting, named) && draft[path] !== undefined;
                return (
                  <SettingControl
                    key={path}
                    setting={setting}
                    text={draft[path] ?? stored}
                    isChanged={draft[path] !== undefined}
                    fault={faults[path] ?? (refused ? problem!.message : undefined)}
                    onChange={(text) => set(path, text, stored)}
                  />
                );
              })}
            </div>
          </Section>
        );
      })}
      {hasEnv ? (
        <Section title="Environment">
          <EnvFields
            names={Object.keys(settings.env)}
            draft={env}
            fault={named === "env" ? problem!.message : undefined}
            onChange={setEnv}
          />
        </Section>
      ) : null}
      {children}
      {count === 0 ? null : (
        <section class="save-bar" aria-label="Changes">
          <span>
            {count === 1 ? "1 change" : `${count} changes`}
            <span class="muted">
              {traffic.length > 1
                ? ". The new version takes all calls: the traffic is no longer divided."
                : " for a new version"}
            </span>
          </span>
          <TextField
            label="Message"
            bare
            placeholder="Why (optional)"
            value={message}
            onChange={setMessage}
          />
          {faulty === undefined ? null : (
            <Button kind="quiet" onClick={showFault}>
              {`${faulty.label} is not valid`}
            </Button>
          )}
          <Button onClick={discard}>Discard</Button>
          <Button
            kind="primary"
            onClick={save}
            disabled={faulty !== undefined || isOvertaken(began.current, described)}
            {...allowed("deploy")}
          >
            Save
          </Button>
        </section>
      )}
    </div>
  );
}

/** The field may be screens above the button. */
function showFault(): void {
  document.querySelector<HTMLElement>(".settings [aria-invalid]")?.focus();
}
