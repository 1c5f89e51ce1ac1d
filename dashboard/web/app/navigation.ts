import type { Holder } from "../session/session.ts";
import type { IconName } from "../ui/icon.tsx";
import { obstacleTo } from "./rights.ts";

export interface NavigationEntry {
  readonly href: string;
  readonly text: string;
  readonly icon: IconName;
  /** Other first parts of paths that belong to it. */
  readonly also?: readonly string[];
}

export interface NavigationGroup {
  readonly title: string;
  readonly entries: readonly NavigationEntry[];
}

const NAVIGATION: readonly NavigationGroup[] = [
  {
    title: "Build",
    entries: [
      { href: "/", text: "Functions", icon: "functions", also: ["functions", "new", "trace"] },
      { href: "/flows", text: "Flows", icon: "flows", also: ["runs"] },
      { href: "/repositories", text: "Repositories", icon: "git" },
      { href: "/secrets", text: "Secrets", icon: "secrets" },
    ],
  },
  {
    title: "Run",
    entries: [
      { href: "/calls", text: "Calls", icon: "calls" },
      { href: "/topics", text: "Topics", icon: "topics", also: ["subscriptions"] },
      { href: "/schedules", text: "Schedules", icon: "schedules" },
      { href: "/commands", text: "Commands", icon: "commands" },
    ],
  },
  {
    title: "Operate",
    entries: [
      { href: "/usage", text: "Usage", icon: "usage" },
      { href: "/audit", text: "Audit", icon: "audit" },
      { href: "/keys", text: "Keys", icon: "keys" },
      { href: "/system", text: "System", icon: "system" },
    ],
  },
];

/** The pages that a key can use. */
export function navigationFor(holder: Holder | undefined): readonly NavigationGroup[] {
  const canUse = ({ href }: NavigationEntry) =>
    holder === undefined || obstacleTo(href, holder) === undefined;
  const groups = NAVIGATION.map(({ title, entries }) => ({ title, entries: entries.filter(canUse) }));
  return groups.filter(({ entries }) => entries.length > 0);
}

/** Whether a path belongs to an entry. */
export function isWithin(path: string, { href, also = [] }: NavigationEntry): boolean {
  const first = path.split("/")[1]!;
  return `/${first}` === href || also.includes(first);
}
