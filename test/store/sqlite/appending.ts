/** A program that appends audit entries to the store in a file and prints each number once it is acknowledged. */
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";

const [file, first] = process.argv.slice(2);
const store = new SqliteStore({ file: file!, print: console.error });
const entry = { at: new Date(), by: "t", from: "", action: "a", status: 200, detail: "", callId: "" };

async function write(from: number): Promise<never> {
  for (let number = from; ; number += 4) {
    await store.audit.append({ ...entry, target: String(number) });
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map((writer) => write(Number(first) + writer)));
