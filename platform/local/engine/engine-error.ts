/** An answer of the engine that is no success. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Thrown when no engine answers on the socket. */
export class EngineGone extends Error {
  override readonly name = "EngineGone";
}

/** Whether an engine refused to start a container because its program does not exist or cannot be executed. */
export function isMissingCommand(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return /executable file not found|no such file or directory|permission denied|exec format error|not a directory/i.test(
    error.message.replace(/^.*?(?=exec)/s, ""),
  );
}
