/** What the program that runs the management API knows of its installation. */
export interface SystemFacts {
  readonly platform: "local" | "kubernetes";
  /** Absent where none is configured. */
  readonly store?: { readonly kind: "sqlite" | "postgresql"; readonly schema: number } | undefined;
  /** What isolates the instances of functions, for people. */
  readonly isolation: () => Promise<Walls>;
  /** What isolates programs. */
  readonly programs: () => Promise<Walls>;
  /** Warm pods of the cluster. */
  readonly pool?: (() => { readonly size: number; readonly ready: number }) | undefined;
  /** Memory of all instances together. */
  readonly memory?: (() => { readonly usedMiB: number; readonly limitMiB: number }) | undefined;
  readonly oidcIssuer?: string | undefined;
}

export interface Walls {
  readonly files: string;
  readonly network: string;
}
