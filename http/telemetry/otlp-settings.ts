/** Settings of the export of spans, from OpenTelemetry's variables. */
export interface OtlpSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Attributes of every span: `service.name` and those of the operator. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: Sampling;
}

export interface Sampling {
  /** The caller's decision is adopted where there is one. */
  readonly isParentBased: boolean;
  /** Share of the traces that is recorded, from 0 to 1. */
  readonly ratio: number;
}

export type Env = Readonly<Record<string, string | undefined>>;

const SAMPLERS = /^(parentbased_)?(always_on|always_off|traceidratio)$/;

/**
 * Returns undefined if there is no receiver, or `OTEL_SDK_DISABLED` is true.
 * @throws Error with the name of the invalid variable
 */
export function otlpSettings(env: Env): OtlpSettings | undefined {
  const url = receiver(env);
  if (url === undefined || env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || "http/json";
  if (!protocol.startsWith("http/")) {
    throw new Error(
      `OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} is not supported: use http/json, port 4318 of most receivers.`,
    );
  }
  const attributes = pairs(env, "OTEL_RESOURCE_ATTRIBUTES");
  const shared = pairs(env, "OTEL_EXPORTER_OTLP_HEADERS");
  const name = env.OTEL_SERVICE_NAME || attributes["service.name"] || "skiff";
  return {
    url,
    headers: { ...shared, ...pairs(env, "OTEL_EXPORTER_OTLP_TRACES_HEADERS") },
    resource: { ...attributes, "service.name": name },
    sampler: sampling(env),
  };
}

function receiver(env: Env): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: shared } = env;
  const text = own || shared;
  if (!text) return undefined;
  if (!URL.canParse(text) || !/^https?:\/\//i.test(text)) {
    const name = own ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT";
    throw new Error(`${name}=${text} is not a valid URL: use one like http://127.0.0.1:4318.`);
  }
  return own ? text : `${text.replace(/\/+$/, "")}/v1/traces`;
}

function sampling(env: Env): Sampling {
  const text = env.OTEL_TRACES_SAMPLER || "parentbased_always_on";
  const match = SAMPLERS.exec(text);
  if (!match) {
    const known = "always_on, always_off or traceidratio, each with or without parentbased_ before it";
    throw new Error(`OTEL_TRACES_SAMPLER=${text} is unknown: use ${known}.`);
  }
  const isParentBased = match[1] !== undefined;
  if (match[2] !== "traceidratio") return { isParentBased, ratio: match[2] === "always_on" ? 1 : 0 };
  const argument = env.OTEL_TRACES_SAMPLER_ARG || "1";
  const ratio = /^[\d.]+$/.test(argument) ? Number(argument) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return { isParentBased, ratio };
  throw new Error(`OTEL_TRACES_SAMPLER_ARG=${argument} is not a valid ratio: use a number from 0 to 1.`);
}

/** Parses `name=value,name=value`, percent-encoded. The error does not show values: they may be secrets. */
function pairs(env: Env, name: string): Record<string, string> {
  const entries = (env[name] ?? "").split(",").filter((entry) => entry.trim() !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const [, key, value] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(entry) ?? [];
      try {
        if (key !== undefined) return [decodeURIComponent(key), decodeURIComponent(value!)];
      } catch {
        // A wrong escape fails like an entry without a name, below.
      }
      throw new Error(`${name} is not valid: use name=value,name=value, with other characters as %XX.`);
    }),
  );
}
