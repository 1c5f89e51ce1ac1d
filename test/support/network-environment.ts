/** How this machine reaches registries, and nothing else of its environment: not the SKIFF_* of who tests. */
export function networkEnvironment(): Record<string, string> {
  const wanted =
    /^(PATH|HOME|npm_config_registry|DENO_CERT|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|(https?|all|no)_proxy)$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value && wanted.test(name) ? [[name, value]] : [],
    ),
  );
}
