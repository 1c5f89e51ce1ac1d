/**
 * Chromium names the language `en-US@posix` where the system has none. uPlot passes it to `Intl` when it is loaded, which
 * throws: it must be corrected before.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
