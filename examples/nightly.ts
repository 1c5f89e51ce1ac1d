/** Called at the times of its setting `cron`. What it logs is kept, and so is its answer. */
export default (request: Request) => {
  const at = request.headers.get("skiff-scheduled-at") ?? new Date().toISOString();
  console.log(`a report for ${at.slice(0, 10)}`);
  return { reportOf: at.slice(0, 10) };
};
