/** Where spans go and which; read from the variables that OpenTelemetry gives these names. */
export interface OtlpSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Attributes of every span: `service.name` and what the operator says. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: Sampling;
}

export interface Sampling {
  /** Whether the caller's decision is taken over where there is one. */
  readonly isParentBased: boolean;
  /** Share of the traces that is recorded, from 0 to 1. */
  readonly ratio: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const SAMPLERS = /^(parentbased_)?(always_on|always_off|traceidratio)$/;

/**
 * Undefined if no receiver is named, or `OTEL_SDK_DISABLED` is true.
 * @throws Error naming the variable that cannot be read
 */
export function otlpSettings(env: Env): OtlpSettings | undefined {
  const url = receiver(env);
  if (url === undefined || env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || "http/json";
  if (!protocol.startsWith("http/")) {
    throw new Error(
      `OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} is not spoken here: spans go out as http/json, to port 4318 of most receivers.`,
    );
  }
  const attributes = pairs(env, "OTEL_RESOURCE_ATTRIBUTES");
  const name = env.OTEL_SERVICE_NAME || attributes["service.name"] || "skiff";
  return {
    url,
    headers: {
      ...pairs(env, "OTEL_EXPORTER_OTLP_HEADERS"),
      ...pairs(env, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
    },
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
    throw new Error(`${name}=${text} is no address: write it like http://127.0.0.1:4318.`);
  }
  return own ? text : `${text.replace(/\/+$/, "")}/v1/traces`;
}

function sampling(env: Env): Sampling {
  const text = env.OTEL_TRACES_SAMPLER || "parentbased_always_on";
  const match = SAMPLERS.exec(text);
  if (!match) {
    throw new Error(
      `OTEL_TRACES_SAMPLER=${text} is not known: use always_on, always_off or traceidratio, with parentbased_ before it or not.`,
    );
  }
  const isParentBased = match[1] !== undefined;
  if (match[2] === "always_off") return { isParentBased, ratio: 0 };
  if (match[2] === "always_on") return { isParentBased, ratio: 1 };
  const argument = env.OTEL_TRACES_SAMPLER_ARG || "1";
  const ratio = /^[\d.]+$/.test(argument) ? Number(argument) : Number.NaN;
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new Error(`OTEL_TRACES_SAMPLER_ARG=${argument} is no share: give a number from 0 to 1.`);
  }
  return { isParentBased, ratio };
}

/** `name=value,name=value`, percent-encoded. The value is not shown: it may be a secret. */
function pairs(env: Env, name: string): Record<string, string> {
  const entries = (env[name] ?? "").split(",").filter((entry) => entry.trim() !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const [, key, value] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(entry) ?? [];
      try {
        if (key !== undefined) return [decodeURIComponent(key), decodeURIComponent(value!)];
      } catch {
        // Told below, with the rest of what cannot be read.
      }
      throw new Error(`${name} cannot be read: write name=value,name=value, with other characters as %XX.`);
    }),
  );
}
