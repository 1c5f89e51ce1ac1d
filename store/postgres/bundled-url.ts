export interface Bundled {
  /** The Service of the PostgreSQL that kubernetes.yaml brings. */
  readonly service: string;
  readonly namespace: string;
  readonly password: string;
}

/** Returns the URL of the PostgreSQL that the installation brings. */
export function bundledUrl({ service, namespace, password }: Bundled): string {
  return `postgres://skiff:${password}@${service}.${namespace}.svc:5432/skiff`;
}
