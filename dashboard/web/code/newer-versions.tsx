import { useDescribed } from "../function/described.ts";
import { newerWithCalls, percentText } from "../function/traffic.ts";
import { LinkButton } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";

/** Names the versions that take a part of the calls and are newer than the one in the editor and the current one. */
export function NewerVersions({ edited }: { readonly edited: number }) {
  const { data } = useDescribed();
  if (data === undefined) return null;
  const { name, version: current, traffic } = data;
  return newerWithCalls(Math.max(edited, current), traffic).map(({ version, share }) => (
    <Notice key={version} title={`Version ${version} is newer and takes ${percentText(share)} of the calls`}>
      <p>The editor has version {edited}.</p>
      <LinkButton small href={`/functions/${encodeURIComponent(name)}/code?version=${version}`}>
        {`Show version ${version}`}
      </LinkButton>
    </Notice>
  ));
}
