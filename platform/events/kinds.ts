/** Kinds of declarations (platform/declarations.ts) that events are made of. */
export const TOPIC_KIND = "Topic";
export const SUBSCRIPTION_KIND = "Subscription";
export const SCHEDULE_KIND = "Schedule";
