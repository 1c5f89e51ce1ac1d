import { Page } from "../../ui/page.tsx";
import { Runs } from "./runs.tsx";

/** The runs of all flows. */
export default function RunsPage() {
  return (
    <Page title="Runs" parent={{ href: "/flows", text: "Flows" }}>
      <Runs path="/run" ofAll />
    </Page>
  );
}
