import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "preact/compat";
import { Icon } from "../../ui/icon.tsx";
import { toneOf } from "../run/run.ts";
import type { StepNode } from "./canvas-graph.ts";
import { STEP_ICONS } from "./step-icons.ts";

/** One step: its name, what it does, its state in a run, its faults. */
export const StepNodeView = memo(function StepNodeView({ data }: NodeProps<StepNode>) {
  const { name, text, isFinally, state, faults, readOnly } = data;
  const [kind = ""] = text.split(" ");
  const classes = [
    ...["step", state ?? "", isFinally ? "finally" : ""],
    ...[faults.length > 0 ? "faulty" : "", readOnly ? "still" : ""],
  ];
  return (
    <div class={classes.filter((each) => each !== "").join(" ")} title={faults[0]}>
      <Handle type="target" position={Position.Top} isConnectable={!readOnly} />
      <span class="kind">
        <Icon name={STEP_ICONS[kind] ?? "functions"} />
      </span>
      <span class="words">
        <strong>{name}</strong>
        <span class="does">{text}</span>
      </span>
      {state === undefined || state === "pending" ? null : (
        <span class={`badge ${toneOf(state)}`}>{state}</span>
      )}
      {faults.length > 0 ? <Icon name="warning" /> : null}
      <Handle type="source" position={Position.Bottom} isConnectable={!readOnly} />
    </div>
  );
});
