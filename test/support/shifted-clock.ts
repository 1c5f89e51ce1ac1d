/**
 * Loaded before a program: SIGUSR2 sets its wall clock a day ahead, and the next one a day back from the truth,
 * as somebody or something may who sets the clock of a machine.
 */
const DAY_MS = 86_400_000;
const SHIFTS_MS = [DAY_MS, -DAY_MS];
const RealDate = Date;
let shiftMs = 0;

function ShiftedDate(this: unknown, ...args: []): string | Date {
  if (new.target === undefined) return new RealDate(ShiftedDate.now()).toString();
  return Reflect.construct(RealDate, args.length === 0 ? [ShiftedDate.now()] : args, new.target);
}
ShiftedDate.now = () => RealDate.now() + shiftMs;
ShiftedDate.parse = RealDate.parse;
ShiftedDate.UTC = RealDate.UTC;
ShiftedDate.prototype = RealDate.prototype;

globalThis.Date = ShiftedDate as unknown as DateConstructor;
process.on("SIGUSR2", () => {
  shiftMs = SHIFTS_MS.shift() ?? 0;
  console.log(`the clock says ${new Date().toISOString()}`);
});
