/** The time as `Date` fields have it (RFC 9110 5.6.7), formatted once a second. */
export class HttpDate {
  #text = "";
  #atS = 0;

  now(): string {
    const nowMs = Date.now();
    const nowS = Math.floor(nowMs / 1_000);
    if (nowS !== this.#atS) {
      this.#atS = nowS;
      this.#text = new Date(nowMs).toUTCString();
    }
    return this.#text;
  }
}
