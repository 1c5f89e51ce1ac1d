import { api } from "../../api/client.ts";
import { FormDialog } from "../../ui/dialog.tsx";
import { showWritten } from "../../ui/toast.tsx";
import { ifMatch, pathOf, useDescribed } from "../described.ts";
import { otherThanLive } from "../traffic.ts";

export interface RollBackProps {
  readonly name: string;
  readonly to: number;
  readonly onClose: () => void;
  readonly onDone: () => Promise<unknown>;
}

/** Asks, sends all calls to a version, and says so after it has read the traffic again. */
export function RollBack({ name, to, onClose, onDone }: RollBackProps) {
  const { data, read } = useDescribed();
  const submit = async () => {
    const path = pathOf(name);
    const headers = data === undefined ? {} : ifMatch(data.version);
    const { warnings } = await api.send<{ warnings: readonly string[] }>("POST", `${path}/rollback`, {
      query: { to },
      headers,
    });
    await showWritten([`All calls of ${name} go to v${to}.`, ...warnings].join(" "), {
      stored: `v${to} of ${name} got all calls.`,
      read,
      differs: (now) => otherThanLive(now, to),
    });
    await onDone();
  };
  return (
    <FormDialog title={`Send all calls to v${to}?`} action="Roll back" onSubmit={submit} onClose={onClose}>
      <p>
        {data === undefined ? null : `Now v${data.version} has most of the calls. `}
        Nothing is built, and no call is lost. The version runs with its own settings and secrets.
      </p>
    </FormDialog>
  );
}
