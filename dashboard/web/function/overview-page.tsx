import { Link } from "wouter";
import { Facts } from "../blocks/facts.tsx";
import { withCode } from "../blocks/with-code.ts";
import { LinkButton } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { Section } from "../ui/page.tsx";
import { When } from "../ui/values.tsx";
import { ActivityFigures } from "./activity-figures.tsx";
import { CallBox } from "./call-box.tsx";
import { DeleteFunction } from "./delete-function.tsx";
import { Deploys } from "./deploys.tsx";
import type { Described } from "./described.ts";
import { Failures } from "./failures.tsx";
import { FunctionPage } from "./function-page.tsx";
import { Instances } from "./instances.tsx";
import { TrafficLine } from "./traffic-line.tsx";

/** What a function is and how it is: whether it can be called, what failed last, what runs. */
export default function OverviewPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage
      name={name}
      part="Overview"
      actions={<DeleteFunction name={name} />}
      show={(described) => <Overview described={described} />}
    />
  );
}

function Overview({ described }: { readonly described: Described }) {
  const { name, lastFailures = [], lastErrors, traffic } = described;
  const base = `/functions/${name}`;
  return (
    <>
      <CallBox described={described} />
      {lastFailures.length === 0 ? null : (
        <Section
          title="Last failures"
          actions={
            <LinkButton small href={`${base}/logs?status=5xx`}>
              All failures
            </LinkButton>
          }
        >
          <Failures described={described} />
        </Section>
      )}
      {lastErrors.length === 0 ? null : (
        <Notice kind="bad" title="An instance failed">
          <When at={lastErrors.at(-1)!.at} />: <span class="kept-lines">{lastErrors.at(-1)!.message}</span>
        </Notice>
      )}
      <Section
        title="Last hour"
        actions={
          <LinkButton small href={`${base}/metrics`}>
            Metrics
          </LinkButton>
        }
      >
        <ActivityFigures described={described} />
      </Section>
      <div class="halves">
        <div>
          <Section
            title="Traffic"
            actions={
              <LinkButton small href={`${base}/versions`}>
                Change
              </LinkButton>
            }
          >
            <TrafficLine traffic={traffic} />
          </Section>
          <Section title="Instances">
            <Instances described={described} />
          </Section>
        </div>
        <Section title="Last deploys">
          <Deploys described={described} />
        </Section>
      </div>
      <Section title="About">
        <About described={described} />
      </Section>
    </>
  );
}

function About({ described }: { readonly described: Described }) {
  const { name, settings, image, isolation, schedules, createdAt, updatedAt } = described;
  const next = schedules
    ?.flatMap((each) => each.next.slice(0, 1))
    .toSorted()
    .at(0);
  return (
    <Facts
      facts={[
        ["Runtime", settings.runtime],
        ["Image", image && <code>{image.digest ? `${image.image} (${image.digest})` : image.image}</code>],
        ["Access", <Link href={`/functions/${name}/access`}>{settings.access}</Link>],
        [
          "Schedules",
          settings.cron.length === 0 ? undefined : (
            <>
              <Link href={`/functions/${name}/schedules`}>{settings.cron.join(" · ")}</Link>
              {next === undefined ? null : (
                <>
                  , next <When at={next} />
                </>
              )}
            </>
          ),
        ],
        ["Calls of an instance", settings.isolation === "call" ? "one, then it is destroyed" : "many"],
        ["Files", withCode(isolation?.files)],
        ["Network", withCode(isolation?.network)],
        ["Created", <When at={createdAt} />],
        ["Changed", <When at={updatedAt} />],
      ]}
    />
  );
}
