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

/** Whether a container cannot be started for a reason of its own, such as the rights of its files. */
export function isOwnFault(error: unknown): error is EngineError {
  return error instanceof EngineError && /\b(?:OCI|runc|crun|youki)\b/.test(error.message);
}

/** Whether an engine refused to start a container because its program does not exist or cannot be executed. */
export function isMissingCommand(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return /executable file not found|no such file or directory|permission denied|exec format error|not a directory/i.test(
    error.message.replace(/^.*?(?=exec)/s, ""),
  );
}
