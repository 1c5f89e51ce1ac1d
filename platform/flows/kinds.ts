/** Kind of the declarations (platform/declarations.ts) of flows. */
export const FLOW_KIND = "Flow";
