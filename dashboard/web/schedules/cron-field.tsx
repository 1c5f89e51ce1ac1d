import { TextField } from "../ui/field.tsx";
import { checkCron } from "./cron-times.ts";

export interface CronFieldProps {
  readonly cron: string;
  readonly timeZone: string;
  readonly onCron: (cron: string) => void;
  readonly onTimeZone: (timeZone: string) => void;
}

const EXAMPLES = ["*/5 * * * *", "0 * * * *", "0 3 * * *", "0 9-17 * * MON-FRI", "0 0 1 * *", "@every 90s"];

/** An expression and its time zone, with the next times while somebody types. */
export function CronField({ cron, timeZone, onCron, onTimeZone }: CronFieldProps) {
  const check = checkCron(cron, timeZone, Date.now());
  return (
    <div class="stack">
      <div class="row tops">
        <TextField
          label="Cron expression"
          hint="Minute, hour, day, month, weekday"
          fault={cron === "" ? undefined : check.fault}
          value={cron}
          onChange={onCron}
          placeholder="0 3 * * *"
          suggestions={EXAMPLES}
          mono
          required
        />
        <TextField
          label="Time zone"
          value={timeZone}
          onChange={onTimeZone}
          placeholder="UTC"
          suggestions={Intl.supportedValuesOf("timeZone")}
        />
      </div>
      {check.fault === undefined ? (
        <div class="cron-times" role="status">
          <span class="muted">Next times</span>
          <ol>
            {check.times.map((time) => (
              <li key={time}>
                <time dateTime={new Date(time).toISOString()}>{zoned(time, timeZone)}</time>
              </li>
            ))}
          </ol>
        </div>
      ) : null}
    </div>
  );
}

/** As people of that zone write it. */
export function zoned(timeMs: number, timeZone: string): string {
  const format = { dateStyle: "medium", timeStyle: "medium" } as const;
  return `${new Intl.DateTimeFormat("en-GB", { ...format, timeZone: timeZone || "UTC" }).format(timeMs)} ${timeZone || "UTC"}`;
}
