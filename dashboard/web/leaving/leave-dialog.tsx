import { FormDialog } from "../ui/dialog.tsx";
import { pendingLeave } from "./location.ts";
import { unsaved } from "./unsaved.ts";

/** Asks before a page with changes is left. */
export function LeaveDialog() {
  const go = pendingLeave.value;
  if (go === undefined) return null;
  const stay = () => {
    pendingLeave.value = undefined;
  };
  const discard = async () => {
    unsaved.value = [];
    go();
  };
  return (
    <FormDialog
      title="Leave without saving?"
      action="Discard and leave"
      cancel="Stay"
      kind="danger"
      onSubmit={discard}
      onClose={stay}
    >
      {unsaved.value.map(({ id, what }) => (
        <p key={id}>{what}: what you typed is not saved and will be lost.</p>
      ))}
    </FormDialog>
  );
}
