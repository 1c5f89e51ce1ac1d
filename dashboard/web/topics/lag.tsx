import { Badge, Count } from "../ui/values.tsx";

/** Events that wait. None is good; many of them stand out. */
export function Lag({ value }: { readonly value: number | undefined }) {
  if (value === undefined) return <span class="muted">–</span>;
  if (value === 0) return <span class="muted number">0</span>;
  return (
    <Badge tone="warn">
      <Count value={value} />
    </Badge>
  );
}
