import { api } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { showDone } from "../ui/toast.tsx";
import { isPaused, type Schedule } from "./schedule.ts";

interface ActionProps {
  readonly schedule: Schedule;
  readonly onDone: () => unknown;
  readonly small?: boolean;
}

interface Fired {
  readonly call?: string;
  readonly topic?: string;
  readonly position?: number;
}

export function RunNow({ schedule: { name }, onDone, small = false }: ActionProps) {
  const run = async () => {
    const { topic, position } = await api.send<Fired>("POST", `/schedule/${name}/run`);
    showDone(
      topic === undefined ? `${name} fired now.` : `${name} published at position ${position} of ${topic}.`,
    );
    await onDone();
  };
  return (
    <Button small={small} icon="play" onClick={run} {...allowed("deploy", "Beside its times")}>
      Run now
    </Button>
  );
}

export function PauseOrResume({ schedule, onDone, small = false }: ActionProps) {
  const paused = isPaused(schedule);
  const change = async () => {
    await api.send("POST", `/schedule/${schedule.name}/${paused ? "resume" : "pause"}`);
    showDone(paused ? `${schedule.name} fires again.` : `${schedule.name} is paused: nothing fires.`);
    await onDone();
  };
  return (
    <Button small={small} icon={paused ? "play" : "pause"} onClick={change} {...allowed("deploy")}>
      {paused ? "Resume" : "Pause"}
    </Button>
  );
}
