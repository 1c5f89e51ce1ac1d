import assert from "node:assert/strict";
import { otlpSettings } from "../../http/telemetry/otlp-settings.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318/" };

describe("where spans go", () => {
  it("is nowhere unless a receiver is named", () => {
    assert.equal(otlpSettings({}), undefined);
    assert.equal(otlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }), undefined);
    assert.equal(otlpSettings({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" }), undefined);
  });

  it("is read from OpenTelemetry's variables", () => {
    assert.deepEqual(otlpSettings(ENDPOINT), {
      url: "http://127.0.0.1:4318/v1/traces",
      headers: {},
      resource: { "service.name": "skiff" },
      sampler: { isParentBased: true, ratio: 1 },
    });
    const settings = otlpSettings({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://receiver.example/spans",
      OTEL_EXPORTER_OTLP_HEADERS: " api-key = a%2Cb , x=",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x=1",
      OTEL_SERVICE_NAME: "mine",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,k=v",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
    });
    assert.deepEqual(settings, {
      url: "https://receiver.example/spans",
      headers: { "api-key": "a,b", x: "1" },
      resource: { "service.name": "mine", k: "v" },
      sampler: { isParentBased: false, ratio: 0.25 },
    });
  });

  it("has the samplers that OpenTelemetry names", () => {
    const of = (name: string) => otlpSettings({ ...ENDPOINT, OTEL_TRACES_SAMPLER: name })!.sampler;
    assert.deepEqual(of("always_on"), { isParentBased: false, ratio: 1 });
    assert.deepEqual(of("parentbased_always_off"), { isParentBased: true, ratio: 0 });
  });

  const wrong: readonly [Record<string, string>, RegExp][] = [
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
      /OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318 is not a valid URL/,
    ],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_PROTOCOL=grpc/],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER: "xray" }, /OTEL_TRACES_SAMPLER=xray/],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }, /SAMPLER_ARG=2/],
    [
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "secret" },
      /^Error: OTEL_EXPORTER_OTLP_HEADERS is not valid(?!.*secret)/,
    ],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }, /OTEL_EXPORTER_OTLP_HEADERS is not valid/],
  ];
  for (const [env, message] of wrong) {
    it(`is refused in words: ${Object.entries(env).at(-1)!.join("=")}`, () => {
      assert.throws(() => otlpSettings(env), message);
    });
  }
});
