import { DESCRIPTOR_TOP, descriptorAttempts, kernelAttempts } from "./attempts/descriptor-attempts.ts";
import { tryEverywhere } from "./trials.ts";

tryEverywhere("descriptors of a function", { attempts: descriptorAttempts, top: DESCRIPTOR_TOP });
tryEverywhere("files of the kernel", { attempts: kernelAttempts, top: DESCRIPTOR_TOP });
