import { toJson } from '../model/json.js';
import type { RunEvent } from '../model/run.js';
import { runLines, waitingLines, waitingNow } from '../report/run-lines.js';
import type { Context } from './context.js';

const REPEAT_EVERY_MS = 10_000;

/** Shows a run while it happens: lines appended, a wait again every ten seconds; on a terminal it is redrawn in between. */
export function createRunScreen(context: Context): (event: RunEvent) => void {
  const options = {
    width: context.columns,
    colour: context.colour,
    verbose: context.verbose > 0,
    utcOffsetMinutes: -context.now().getTimezoneOffset(),
  };
  const shownAt = new Map<string, number>();
  let redrawn = false;
  return (event) => {
    if (context.json) {
      context.stdout(`${toJson({ schema: 'redis-runbook/event/1', ...event })}\n`);
      return;
    }
    if (context.quiet) return;
    if (redrawn) context.stdout('\r\u001b[K');
    redrawn = false;
    if (event.type !== 'waiting') {
      for (const line of runLines(event, options)) context.stdout(`${line}\n`);
      return;
    }
    const last = shownAt.get(event.id) ?? 0;
    if (event.elapsedMs - last >= REPEAT_EVERY_MS) {
      shownAt.set(event.id, event.elapsedMs);
      for (const line of waitingLines(event, options)) context.stdout(`${line}\n`);
    } else if (!context.plain) {
      context.stdout(waitingNow(event, options));
      redrawn = true;
    }
  };
}
