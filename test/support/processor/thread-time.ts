/** Time of a processor that this thread has used, in milliseconds: what else the machine does is not its doing. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
