import { FunctionPage } from "../function/function-page.tsx";
import { TryPanel } from "./try-panel.tsx";

/** Calls a function and shows what it answers: `/functions/NAME/try`. */
export default function TryPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage name={name} part="Try it">
      <TryPanel name={name} />
    </FunctionPage>
  );
}
