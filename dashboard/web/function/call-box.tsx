import { Copy, CopyLine } from "../ui/copy.tsx";
import { Notice } from "../ui/notice.tsx";
import { type Described, isFailing } from "./described.ts";

/** Whether the function can be called now, why, and how. */
export function CallBox({ described }: { readonly described: Described }) {
  const { url, state, settings, lastHour } = described;
  const { liveCalls = 0, liveErrors = 0 } = lastHour ?? {};
  const fails = state.canCall && isFailing(lastHour);
  const kind = fails ? "warn" : state.canCall ? "ok" : settings.access === "internal" ? "info" : "bad";
  const failing = `It can be called now, but ${liveErrors} of ${liveCalls} calls failed in the last hour`;
  const title = state.canCall ? "It can be called now" : "It cannot be called now";
  return (
    <>
      <Notice kind={kind} title={fails ? failing : title}>
        {state.reason}
      </Notice>
      <div class="call-box">
        <CopyLine label="URL of the function" text={url} />
        <Copy text={curlOf(described)} small={false}>
          Copy as curl
        </Copy>
      </div>
      {settings.hosts.length === 0 ? null : (
        <p class="muted">
          Also at the root of{" "}
          {settings.hosts.map((host) => (
            <code key={host}>{host} </code>
          ))}
        </p>
      )}
    </>
  );
}

function curlOf({ url, settings: { access } }: Described): string {
  return access === "key" ? `curl -H "authorization: Bearer $KEY" ${url}` : `curl ${url}`;
}
