import { useEffect, useState } from "preact/hooks";
import type { SessionConfig } from "./session.ts";

/** Reads how people can sign in; undefined until it is known. Keys work without it. */
export function useSessionConfig(): SessionConfig | undefined {
  const [config, setConfig] = useState<SessionConfig>();
  useEffect(() => {
    const ending = new AbortController();
    fetch("/session/config", { signal: ending.signal })
      .then(async (response) => setConfig((await response.json()) as SessionConfig))
      .catch(() => undefined);
    return () => ending.abort();
  }, []);
  return config;
}
