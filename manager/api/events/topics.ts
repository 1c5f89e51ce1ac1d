import { isDeclarationName } from "../../../platform/declarations.ts";
import { checkTopicSpec } from "../../../platform/events/check-topic.ts";
import { TOPIC_KIND } from "../../../platform/events/kinds.ts";
import { topicsOf } from "../../../platform/events/subscription-spec.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName } from "../cursor.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { pageReaders } from "./declarations.ts";
import { declaredDocuments, type Shown } from "./declared-document.ts";
import { type DeclaredKind, unknownDeclared } from "./declared-kind.ts";
import { namedTopics } from "./named-topics.ts";
import { allSubscriptions, validSubscriptions } from "./subscriptions.ts";

export const TOPICS: DeclaredKind = {
  kind: TOPIC_KIND,
  noun: "topic",
  plural: "topics",
  check: checkTopicSpec,

  async states(services, declared) {
    const [stats, subscriptions] = await Promise.all([
      requirePart(services, "topics").stats(),
      validSubscriptions(services),
    ]);
    return new Map(
      declared.map(({ name }) => {
        const own = stats.find(({ topic }) => topic === name);
        const { published = 0, end = 0, events = 0, bytes = 0, oldestAt, groups = [] } = own ?? {};
        const names = subscriptions.filter(({ spec }) => spec.topic === name).map((each) => each.name);
        const oldest = oldestAt === undefined ? {} : { oldestAt: new Date(oldestAt) };
        return [name, { published, end, events, bytes, ...oldest, groups, subscriptions: names }];
      }),
    );
  },

  /** Of two topics with a path one would get no request of the gateway. */
  clash({ paths }, others) {
    for (const path of Array.isArray(paths) ? paths : []) {
      const other = others.find(({ spec }) => Array.isArray(spec.paths) && spec.paths.includes(path));
      if (other !== undefined)
        return `The topic "${other.name}" has the path ${path}: choose another one, or remove it there first.`;
    }
    return undefined;
  },

  /** A flow that names the topic keeps it. So does a subscription, with all defaults, also while something else of its spec is not valid. */
  async afterRemoval(services, name) {
    if (services.store?.topics === undefined || (await namedTopics(services)).has(name)) return;
    const subscriptions = await allSubscriptions(services);
    if (subscriptions.some(({ spec }) => topicsOf(spec).includes(name))) return;
    await services.store.topics.remove(name);
  },
};

/** `GET /topic`: a page of topics in order of name, with those that only subscriptions and flows name. */
export function listTopics(services: Services): Handler {
  const { platform, limits } = services;
  const readers = pageReaders(limits.pageSize);
  return async (ctx) => {
    const { limit, cursor: after = "" } = readParameters(ctx, readers);
    const [declared, named] = await Promise.all([
      platform.declarations.list(TOPIC_KIND, { after, limit: limit + 1 }),
      namedTopics(services),
    ]);
    const byName = new Map<string, Shown>();
    for (const topic of named) if (topic > after) byName.set(topic, { name: topic, spec: {} });
    for (const each of declared) byName.set(each.name, each);
    // What comes after the last declared topic of this page may be declared on the next one.
    const end = declared.length > limit ? declared.at(-1)!.name : undefined;
    const found = [...byName.values()]
      .filter(({ name }) => end === undefined || name <= end)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = found.slice(0, limit);
    const topics = await declaredDocuments(services, TOPICS, page);
    answerJson(ctx, { topics, next: found.length > limit ? cursorFromName(page.at(-1)!.name) : null });
  };
}

/** `GET /topic/NAME`, also of a topic that only subscriptions or flows name. */
export function describeTopic(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const topic = await requireTopic(services, ctx.params.name!);
    if (topic.revision !== undefined) ctx.set("etag", `"${topic.revision}"`);
    const [document] = await declaredDocuments(services, TOPICS, [topic]);
    answerJson(ctx, document);
  };
}

/** @throws Problem `unknown_topic` if the topic is neither declared nor named by a subscription or a flow */
export async function requireTopic(services: Services, name: string): Promise<Shown> {
  const topic = await findTopic(services, name);
  if (topic === undefined) throw unknownDeclared(TOPICS, name);
  return topic;
}

/** Returns a topic that is declared or that a subscription or a flow names. */
export async function findTopic(services: Services, name: string): Promise<Shown | undefined> {
  const declared = isDeclarationName(name)
    ? await services.platform.declarations.get(TOPIC_KIND, name)
    : undefined;
  if (declared !== undefined) return declared;
  return (await namedTopics(services)).has(name) ? { name, spec: {} } : undefined;
}
