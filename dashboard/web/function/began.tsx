import { useRef } from "preact/hooks";
import { Button, LinkButton } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import type { Described } from "./described.ts";

/**
 * The function as it was when somebody began to change a form. It is read again all the time, so a write with the version of
 * the last answer would replace what nobody has seen.
 */
export function useBegan(described: Described, isChanging: boolean) {
  const began = useRef(described);
  if (!isChanging) began.current = described;
  return began;
}

interface OvertakenProps {
  readonly began: { current: Described };
  readonly described: Described;
  /** Such as `Timeout is 20s now.` */
  readonly changes?: readonly string[];
  /** Called once the changes are for the present version. */
  readonly onGoOn: () => void;
}

/** Somebody else changed the function since the form was begun; nothing if not. */
export function Overtaken({ began, described, changes = [], onGoOn }: OvertakenProps) {
  if (!isOvertaken(began.current, described)) return null;
  const { name, version } = described;
  const isDeployed = version !== began.current.version;
  return (
    <Notice
      kind="warn"
      title={
        isDeployed
          ? `Version ${version} took over while you wrote`
          : "The traffic was changed while you wrote"
      }
    >
      <p>{["Your changes are kept, and not saved.", ...changes].join(" ")}</p>
      <div class="row">
        <Button
          small
          onClick={() => {
            began.current = described;
            onGoOn();
          }}
        >
          {isDeployed ? `Continue with version ${version}` : "Continue anyway"}
        </Button>
        <LinkButton small href={`/functions/${name}/versions`}>
          Versions
        </LinkButton>
      </div>
    </Notice>
  );
}

/** Whether versions or their traffic are others now. */
export function isOvertaken(began: Described, now: Described): boolean {
  return began.version !== now.version || JSON.stringify(began.traffic) !== JSON.stringify(now.traffic);
}
