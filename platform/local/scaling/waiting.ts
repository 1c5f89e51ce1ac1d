/** Those who wait for an instance of one function: however many they are, one promise. */
export class Waiting {
  #waiting: PromiseWithResolvers<void> | undefined;

  get some(): boolean {
    return this.#waiting !== undefined;
  }

  wait(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  resolve(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  reject(why: Error): void {
    this.#waiting?.reject(why);
    this.#waiting = undefined;
  }
}
