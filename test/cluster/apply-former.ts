import { formerFunction } from "../support/platform/former-function.ts";
import { applyManifest, kubectl } from "./kubectl.ts";

/** Makes what a cluster holds of a function when Skiff is upgraded. */
export async function applyFormer(name: string, namespace: string): Promise<void> {
  const options = { name, namespace, image: "skiff-client:0.1.0" };
  const { function: resource, status } = formerFunction(options);
  await applyManifest(resource);
  const own = ["function", name, "-n", namespace] as const;
  const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify({ status })];
  await kubectl("patch", ...own, ...patch);
  const uid = await kubectl("get", ...own, "-o", "jsonpath={.metadata.uid}");
  const { configMaps, children } = formerFunction({ ...options, uid });
  for (const manifest of [...configMaps, ...children.map((child) => child.manifest)])
    await applyManifest(manifest);
}
