import { api } from "../../api/client.ts";
import { ApiProblem } from "../../api/problem.ts";
import { FormDialog } from "../../ui/dialog.tsx";
import { showDone } from "../../ui/toast.tsx";
import { ifMatch, pathOf, useDescribed } from "../described.ts";

export interface RollBackProps {
  readonly name: string;
  readonly to: number;
  readonly onClose: () => void;
  readonly onDone: () => Promise<unknown>;
}

interface TrafficAnswer {
  readonly weights: Readonly<Record<string, number>>;
}

/** Asks, sends all calls to a version, and says so after it has read the traffic again. */
export function RollBack({ name, to, onClose, onDone }: RollBackProps) {
  const { data, reload } = useDescribed();
  const submit = async () => {
    const path = pathOf(name);
    const headers = data === undefined ? {} : ifMatch(data.version);
    const { warnings } = await api.send<{ warnings: readonly string[] }>("POST", `${path}/rollback`, {
      query: { to },
      headers,
    });
    const { weights } = await api.get<TrafficAnswer>(`${path}/traffic`);
    await Promise.all([reload(), onDone()]);
    if (Object.keys(weights).join() !== String(to)) throw overtaken(to, weights);
    showDone([`All calls of ${name} go to v${to}.`, ...warnings].join(" "));
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

function overtaken(to: number, weights: TrafficAnswer["weights"]): ApiProblem {
  const now = Object.keys(weights).map((version) => `v${version}`);
  return new ApiProblem(409, {
    title: "Somebody changed the traffic as well",
    detail: `v${to} had all calls, but now they go to ${now.join(", ")}.`,
  });
}
