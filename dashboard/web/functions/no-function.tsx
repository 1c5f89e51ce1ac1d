import { can, holder } from "../session/session.ts";
import { LinkButton } from "../ui/button.tsx";
import { CopyLine } from "../ui/copy.tsx";
import { Empty } from "../ui/notice.tsx";

/** What to do first. */
export function NoFunction() {
  const base = holder.value!.url;
  if (!can("deploy")) {
    return (
      <Empty title="No function yet">
        <p>Your key can read functions but cannot deploy them. That needs the scope “deploy”.</p>
      </Empty>
    );
  }
  return (
    <Empty title="Deploy the first function">
      <p>
        A function is a file of TypeScript or JavaScript, a program, or a container image. Skiff gives it a
        URL as soon as it is deployed.
      </p>
      <LinkButton href="/new" kind="primary" icon="plus">
        Start from a template
      </LinkButton>
      <p>Or drop a file or an archive anywhere on this page. From a terminal:</p>
      <CopyLine
        label="Command that deploys a file"
        text={`curl --data-binary @main.ts "${base}/func?name=hello"`}
      />
    </Empty>
  );
}
