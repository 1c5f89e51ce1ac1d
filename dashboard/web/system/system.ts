import { bytesText, durationText } from "../ui/values.tsx";

export interface Walls {
  readonly files: string;
  readonly network: string;
}

export interface Limit {
  readonly value: number;
  readonly unit: "bytes" | "ms" | "count" | string;
  readonly meaning: string;
}

/** `GET /system`. */
export interface System {
  readonly version: string;
  readonly platform: "local" | "kubernetes";
  readonly startedAt: string;
  readonly url: string;
  readonly dashboard?: string;
  readonly access: "loopback" | "open" | "token";
  readonly isolation?: Walls;
  readonly programs?: Walls;
  readonly limits: Readonly<Record<string, Limit>>;
  readonly store: {
    readonly kind: "sqlite" | "postgresql" | null;
    readonly ok: boolean;
    readonly schema?: number;
    readonly detail?: string;
  };
  readonly pool?: { readonly size: number; readonly ready: number };
  readonly git: { readonly version: string | null; readonly detail?: string };
  readonly memory?: { readonly usedMiB: number; readonly limitMiB: number };
  readonly process: { readonly memoryMiB: number; readonly uptimeS: number; readonly cpuS: number };
  readonly functions: number;
  readonly instances: number;
  readonly commands: { readonly on: boolean; readonly images: readonly string[] };
  readonly oidc: { readonly issuer: string } | null;
}

/** As people read it: `20.0 MiB`, `5 min`. */
export function limitText({ value, unit }: Limit): string {
  if (unit === "bytes") return bytesText(value);
  if (unit === "ms")
    return value >= 172_800_000
      ? `${Math.round(value / 86_400_000)} days`
      : durationText(value).replace(/ 0 (s|min)$/, "");
  return new Intl.NumberFormat("en").format(value);
}
