import { parseImage } from "../../images/image-reference.ts";
import { Problem } from "../../problems.ts";
import { newestValue, type Secrets } from "../../secrets.ts";
import type { Cluster } from "../cluster/api.ts";
import { KINDS } from "../cluster/resources.ts";
import { type Owner, ownerReference } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";

export interface PullSecretsOptions extends Cluster {
  readonly secrets: Pick<Secrets, "claim" | "resolve">;
}

export interface PullSecret {
  readonly image: string;
  /** Name of a secret of the form `user:password`. */
  readonly secret: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The Function with which the cluster deletes it. */
  readonly owner?: Owner | undefined;
}

/** Makes the Secrets with which kubelets pull an image, from secrets of the form `user:password`. */
export class PullSecrets {
  readonly #options: PullSecretsOptions;

  constructor(options: PullSecretsOptions) {
    this.#options = options;
  }

  /**
   * Makes the Secret `name`, or makes it anew.
   * @throws Problem `unknown_secret`, `invalid_setting` if the value has no colon
   */
  async create(name: string, { image, secret, labels, owner }: PullSecret): Promise<void> {
    const { api, namespace, secrets } = this.#options;
    const config = dockerConfig(image, await newestValue(secrets, secret), secret);
    const manifest = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name,
        namespace,
        labels: { [LABELS.managedBy]: "skiff", ...labels },
        ...(owner === undefined ? {} : { ownerReferences: [ownerReference(owner)] }),
      },
      type: "kubernetes.io/dockerconfigjson",
      immutable: true,
      data: { ".dockerconfigjson": Buffer.from(config).toString("base64") },
    };
    const place = { kind: KINDS.secrets, namespace };
    // The number of a version that could not be stored may be used again, with another value of the secret.
    await this.remove(name);
    await api.create(place, manifest);
  }

  async remove(name: string): Promise<void> {
    const { api, namespace } = this.#options;
    await api.delete({ kind: KINDS.secrets, namespace, name }, "Background");
  }
}

/** Returns the configuration of a registry client, for the registry of an image. */
export function dockerConfig(image: string, value: string, secret: string): string {
  if (!/^[^:]+:./s.test(value)) {
    const detail = `The secret "${secret}" has to be of the form user:password to pull an image.`;
    throw new Problem("invalid_setting", detail, { setting: "pullSecret" });
  }
  const auth = Buffer.from(value).toString("base64");
  return JSON.stringify({ auths: { [registryOf(image)]: { auth } } });
}

/** Docker Hub has another name in the configuration of clients. */
function registryOf(image: string): string {
  const { registry = "docker.io" } = parseImage(image) ?? {};
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}
