import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Select, TextField } from "../ui/field.tsx";
import { showDone } from "../ui/toast.tsx";

export interface ReplayDialogProps {
  readonly subscription: string;
  readonly onClose: () => void;
  readonly onDone: () => unknown;
}

interface Replayed {
  readonly topic: string;
  readonly group: string;
  readonly position: number;
  readonly lag: number;
}

/** Moves the place of a group: earlier events are delivered once more, and those before a later place are not. */
export function ReplayDialog({ subscription, onClose, onDone }: ReplayDialogProps) {
  const [kind, setKind] = useState<"earliest" | "latest" | "ago" | "time" | "position">("earliest");
  const [ago, setAgo] = useState("1h");
  const [time, setTime] = useState("");
  const [position, setPosition] = useState("");
  const replay = async () => {
    const from = { earliest: kind, latest: kind, ago, time: isoOf(time), position }[kind];
    const answer = await api.send<Replayed>("POST", `/subscription/${subscription}/replay`, {
      query: { from },
    });
    showDone(
      `The group ${answer.group} goes on after position ${answer.position}: ${answer.lag} events wait.`,
    );
    await onDone();
  };
  return (
    <FormDialog title={`Replay to ${subscription}`} action="Replay" onSubmit={replay} onClose={onClose}>
      <p>The whole group goes on at that place. Events that it had before are delivered once more.</p>
      <Select
        label="From"
        value={kind}
        onChange={setKind}
        options={[
          { value: "earliest", text: "The oldest kept event" },
          { value: "ago", text: "A while ago" },
          { value: "time", text: "A time" },
          { value: "position", text: "A position" },
          { value: "latest", text: "The end: skip what waits" },
        ]}
      />
      {kind === "ago" ? (
        <TextField
          label="How long ago"
          hint="Such as 15m, 2h or 3d"
          value={ago}
          onChange={setAgo}
          mono
          required
        />
      ) : null}
      {kind === "time" ? (
        <TextField
          label="Time"
          hint="In your time zone"
          type="datetime-local"
          value={time}
          onChange={setTime}
          required
        />
      ) : null}
      {kind === "position" ? (
        <TextField label="Position" type="number" value={position} onChange={setPosition} required />
      ) : null}
    </FormDialog>
  );
}

function isoOf(local: string): string {
  return local === "" ? "" : new Date(local).toISOString();
}
