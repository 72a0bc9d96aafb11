import type { LogPlace } from '../model/formats.js';
import type { RawLine } from '../model/raw-host.js';

/** A log line taken apart: where it stood and when, and what is written behind time and level. */
export interface LogLine {
  readonly at: LogPlace;
  readonly message: string;
  /** The line was written by a signal handler: it carries Unix seconds in place of a local time. */
  readonly signalAtSeconds?: number;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** The year that stands for an unprinted one: a leap year, so that 29 February exists. */
const unprintedYear = 1972;

const time = String.raw`((\d{1,2}) ([A-Z][a-z]{2})(?: (\d{4}))? (\d\d):(\d\d):(\d\d)\.(\d{3}))`;
// server.c:serverLogRaw. `pid:role` since 3.0, `[pid]` before; the year since 5.0.
const newForm = new RegExp(String.raw`^(\d+):([A-Z]) ${time} [.*#-] (.*)$`);
const oldForm = new RegExp(String.raw`^\[(\d+)\] ${time} [.*#-] (.*)$`);
// server.c:serverLogFromHandler (`[pid | signal handler]` in 2.8).
const handlerForm = /^(?:(\d+):signal-handler|\[(\d+) \| signal handler\]) \((\d+)\) (.*)$/;

/** Takes lines of one log, oldest first, apart. Lines of another form (backtraces, the logo) come with the text alone. */
export function createLogLineReader(): (line: RawLine) => LogLine {
  let year = unprintedYear;
  let lastMonth = -1;

  function localMsOf(parts: readonly string[]): number {
    const [, day, monthName, printedYear, hours, minutes, seconds, millis] = parts;
    const month = months.indexOf(monthName ?? '');
    // Without a printed year December followed by January is a new one.
    if (printedYear === undefined && month < lastMonth - 6) year += 1;
    lastMonth = month;
    const inYear = printedYear === undefined ? year : Number(printedYear);
    return Date.UTC(inYear, month, Number(day), Number(hours), Number(minutes), Number(seconds), Number(millis));
  }

  return ({ file, line, text }) => {
    const place = { file, line, text };
    const modern = newForm.exec(text);
    if (modern !== null) {
      const [, pid, role = '', ...rest] = modern;
      const at = { ...place, local: rest[0] ?? '', localMs: localMsOf(rest), pid: Number(pid), role };
      return { at, message: rest.at(-1) ?? '' };
    }
    const old = oldForm.exec(text);
    if (old !== null) {
      const [, pid, ...rest] = old;
      const at = { ...place, local: rest[0] ?? '', localMs: localMsOf(rest), pid: Number(pid) };
      return { at, message: rest.at(-1) ?? '' };
    }
    const handler = handlerForm.exec(text);
    if (handler === null) return { at: place, message: text };
    const [, newPid, oldPid, seconds, message = ''] = handler;
    return { at: { ...place, pid: Number(newPid ?? oldPid) }, message, signalAtSeconds: Number(seconds) };
  };
}

/** The last time that a log prints, as `LogPlace` has it; undefined when no line carries one. */
export function lastLocalTime(
  lines: readonly RawLine[],
): { readonly local: string; readonly localMs: number } | undefined {
  const read = createLogLineReader();
  let last: { readonly local: string; readonly localMs: number } | undefined;
  for (const line of lines) {
    const { local, localMs } = read(line).at;
    if (local !== undefined && localMs !== undefined) last = { local, localMs };
  }
  return last;
}
