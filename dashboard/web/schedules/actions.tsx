import { api } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { AskedButton } from "../blocks/asked-button.tsx";
import { Button } from "../ui/button.tsx";
import { showDone, showWritten } from "../ui/toast.tsx";
import { isPaused, type Schedule, targetOf } from "./schedule.ts";

interface ActionProps {
  readonly schedule: Pick<Schedule, "name" | "spec" | "state">;
  readonly onDone: () => unknown;
  readonly small?: boolean;
}

interface Fired {
  readonly call?: string;
  readonly topic?: string;
  readonly position?: number;
}

export function RunNow({ schedule: { name, spec }, onDone, small = false }: ActionProps) {
  const run = async () => {
    const { topic, position } = await api.send<Fired>("POST", `/schedule/${name}/run`);
    showDone(
      topic === undefined ? `${name} fired now.` : `${name} published at position ${position} of ${topic}.`,
    );
    await onDone();
  };
  return (
    <AskedButton
      small={small}
      icon="play"
      question={`Run ${name} now?`}
      action="Run now"
      outcome={`It fires once now, in addition to its times: ${targetOf(spec).text}. What that does cannot be undone.`}
      onSubmit={run}
      {...allowed("deploy", "In addition to its times")}
    >
      Run now
    </AskedButton>
  );
}

export function PauseOrResume({ schedule, onDone, small = false }: ActionProps) {
  const paused = isPaused(schedule);
  const change = async () => {
    await api.send("POST", `/schedule/${schedule.name}/${paused ? "resume" : "pause"}`);
    await showWritten(
      paused ? `${schedule.name} fires again.` : `${schedule.name} is paused: nothing fires.`,
      {
        stored: `${schedule.name} is ${paused ? "resumed" : "paused"}.`,
        read: () => api.get<Schedule>(`/schedule/${schedule.name}`),
        differs: (now) => (isPaused(now) === paused ? `it ${paused ? "is paused" : "fires"}` : undefined),
      },
    );
    await onDone();
  };
  return (
    <Button small={small} icon={paused ? "play" : "pause"} onClick={change} {...allowed("deploy")}>
      {paused ? "Resume" : "Pause"}
    </Button>
  );
}
