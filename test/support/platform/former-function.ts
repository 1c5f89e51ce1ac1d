import { readFileSync } from "node:fs";
import type { FunctionResource, Resource } from "../../../platform/kubernetes/cluster/resources.ts";

/** The objects of a function as Skiff made them before versions had Deployments of their own. */
export interface FormerFunction {
  readonly function: FunctionResource;
  readonly status: NonNullable<FunctionResource["status"]>;
  /** Of version 1 and 2; 2 is current. */
  readonly configMaps: readonly Resource[];
  readonly children: readonly { readonly plural: string; readonly manifest: Resource }[];
}

export interface FormerOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /** Of the Function, once it is made. */
  readonly uid?: string;
}

/** Its version answers `former 2`; the other one answers `former 1`. */
export function formerFunction({ name, namespace, image, uid = "" }: FormerOptions): FormerFunction {
  const text = readFileSync(new URL("former-function.json", import.meta.url), "utf8")
    .replaceAll("NAMESPACE", namespace)
    .replaceAll("NAME", name)
    .replaceAll("IMAGE", image)
    .replaceAll("UID", uid);
  return JSON.parse(text) as FormerFunction;
}
