import { AllowedImages } from "../../images/allowed-images.ts";
import { ClusterCommands, type ClusterCommandsOptions } from "../commands/cluster-commands.ts";
import { ClusterImages, type ClusterImagesOptions } from "./cluster-images.ts";
import { PullSecrets, type PullSecretsOptions } from "./pull-secrets.ts";

/** What a cluster does with images. */
export interface ImageServices {
  readonly pullSecrets: PullSecrets;
  readonly images: ClusterImages;
  readonly commands: ClusterCommands;
}

export type ImageServicesOptions = Omit<ClusterCommandsOptions, "pullSecrets"> &
  Omit<ClusterImagesOptions, "pullSecrets" | "allowed"> &
  PullSecretsOptions & {
    /** None by default. */
    readonly allowedImages?: AllowedImages | undefined;
  };

export function createImageServices(options: ImageServicesOptions): ImageServices {
  const { allowedImages: allowed = AllowedImages.from(undefined, false) } = options;
  const pullSecrets = new PullSecrets(options);
  return {
    pullSecrets,
    images: new ClusterImages({ ...options, allowed, pullSecrets }),
    commands: new ClusterCommands({ ...options, pullSecrets }),
  };
}
