import { FunctionPage } from "../function-page.tsx";
import { SETTINGS } from "./fields.ts";
import { SettingsForm } from "./settings-form.tsx";

/** Instances, timeouts, environment and network of a function. */
export default function SettingsPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  return (
    <FunctionPage
      name={params.name!}
      part="Settings"
      show={(described) => <SettingsForm described={described} groups={SETTINGS} hasEnv />}
    />
  );
}
