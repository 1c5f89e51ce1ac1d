import { closeSync, constants, openSync, read } from "node:fs";
import { promisify } from "node:util";

const LOG = "/dev/kmsg";
/** Longer than a record of the kernel's log. */
const RECORD_BYTES = 8_192;
/** Records of a full log of the usual size. */
const MOST_RECORDS = 65_536;

/**
 * Whether the kernel's log says that it killed a process of a container because its memory ran out. The name of its
 * control group ends with its id. False where the log cannot be read.
 */
export async function wasKilledForMemory(id: string): Promise<boolean> {
  for await (const record of kernelRecords()) {
    if (isKillOf(record, id)) return true;
  }
  return false;
}

/** @param record such as `6,1,2,-;oom-kill:constraint=…,oom_memcg=/libpod_parent/libpod-ID,task_memcg=…` */
export function isKillOf(record: string, id: string): boolean {
  return /^[^;]*;oom-kill:/.test(record) && record.includes(id);
}

async function* kernelRecords(): AsyncGenerator<string> {
  let log: number;
  try {
    log = openSync(LOG, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isRefusal(error)) return;
    throw error;
  }
  const buffer = Buffer.alloc(RECORD_BYTES);
  try {
    for (let count = 0; count < MOST_RECORDS; count++) {
      const bytes = await readRecord(log, buffer);
      if (bytes === undefined) return;
      yield buffer.toString("latin1", 0, bytes);
    }
  } finally {
    closeSync(log);
  }
}

const readInto = promisify(read);

/** Undefined after the last record. */
async function readRecord(log: number, buffer: Buffer): Promise<number | undefined> {
  try {
    const { bytesRead } = await readInto(log, buffer, 0, buffer.length, null);
    return bytesRead === 0 ? undefined : bytesRead;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN") return undefined;
    // The record was overwritten before it was read; the next read continues behind it.
    if (code === "EPIPE") return 0;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return ["ENOENT", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
}
