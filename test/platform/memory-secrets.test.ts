import { FakePlatform } from "../support/platform/fake-platform.ts";
import { secretsConformance } from "./conformance/secrets.ts";

secretsConformance("the platform of tests", {
  isDurable: false,
  open: async () => {
    const platform = new FakePlatform();
    return { platform, close: () => platform.close() };
  },
  reopen: () => Promise.reject(new Error("not durable")),
  // Every access deletes what nothing needs.
  swept: async () => {},
});
