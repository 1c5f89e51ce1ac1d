import { useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../../api/client.ts";
import { allowed } from "../../blocks/allowed.ts";
import { SHORT_ID } from "../../git/repository.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { showDone } from "../../ui/toast.tsx";
import { Badge, bytesText, When } from "../../ui/values.tsx";
import { type Described, pathOf } from "../described.ts";
import { RollBack } from "./roll-back.tsx";
import type { Version } from "./version.ts";

export interface VersionListProps {
  readonly described: Described;
  readonly versions: readonly Version[];
  readonly onCompare: (version: number) => void;
  readonly onChange: () => Promise<unknown>;
}

/** The kept versions, newest first. */
export function VersionList({ described, versions, onCompare, onChange }: VersionListProps) {
  const [target, setTarget] = useState<number>();
  const { name, instances } = described;
  const pin = async ({ version, pinned }: Version) => {
    await api.send("PATCH", `${pathOf(name)}/versions/${version}`, { json: { pinned: !pinned } });
    await onChange();
    showDone(pinned ? `v${version} is no longer pinned.` : `v${version} is kept until it is unpinned.`);
  };
  return (
    <>
      <ul class="versions card">
        {versions.map((each) => {
          const { version, share, pinned, url, by, message, commit, author, createdAt, sourceBytes } = each;
          const running = instances.filter((instance) => instance.version === version).length;
          return (
            <li key={version}>
              <div class="number-of">v{version}</div>
              <div class="about">
                <span>
                  {message ?? <span class="muted">no message</span>}{" "}
                  {share > 0 ? (
                    <Badge tone="ok">{Math.round(share * 1_000) / 10} % of the calls</Badge>
                  ) : null}
                  {running > 0 ? (
                    <Badge>{running === 1 ? "1 instance" : `${running} instances`}</Badge>
                  ) : null}
                  {pinned ? <Badge tone="info">pinned</Badge> : null}
                </span>
                <span class="muted">
                  {author === undefined || author === by ? null : (
                    <span title={author}>{author.replace(/ <.*/, "")}, pushed by </span>
                  )}
                  {by ?? "unknown"} · <When at={createdAt} /> · {bytesText(sourceBytes)}
                  {commit === undefined ? null : (
                    <>
                      {" · "}
                      <Link href={`/functions/${encodeURIComponent(name)}/git`}>
                        <code title={commit}>{commit.slice(0, SHORT_ID)}</code>
                      </Link>
                    </>
                  )}
                </span>
              </div>
              <div class="actions">
                {share === 1 ? null : (
                  <Button
                    small
                    icon={version < described.version ? "undo" : "up"}
                    onClick={() => setTarget(version)}
                    {...allowed("deploy", `Send all calls to v${version}`)}
                  >
                    {version < described.version ? "Roll back" : "Take all calls"}
                  </Button>
                )}
                <Button small onClick={() => onCompare(version)}>
                  Diff
                </Button>
                <a class="button plain small" href={url} target="_blank" rel="noopener noreferrer">
                  <Icon name="external" size={14} /> Preview
                </a>
                <Button
                  small
                  kind="quiet"
                  onClick={() => pin(each)}
                  {...allowed("deploy", "A pinned version is kept although newer ones are over the limit")}
                >
                  {pinned ? "Unpin" : "Pin"}
                </Button>
              </div>
            </li>
          );
        })}
      </ul>
      {target === undefined ? null : (
        <RollBack name={name} to={target} onClose={() => setTarget(undefined)} onDone={onChange} />
      )}
    </>
  );
}
