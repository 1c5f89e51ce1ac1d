import { closeChromium } from "../browser/chromium.ts";

export const mochaHooks = {
  async afterAll(): Promise<void> {
    await closeChromium();
  },
};
