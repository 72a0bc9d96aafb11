import { toJson } from '../model/json.js';
import type { RunEvent } from '../model/run.js';
import { runLines, waitingLines } from '../report/run-lines.js';
import type { Context } from './context.js';

const REPEAT_EVERY_MS = 10_000;

/** Shows a run while it happens: lines appended, on a terminal the wait that is under way redrawn in place. */
export function createRunScreen(context: Context): (event: RunEvent) => void {
  const options = { width: context.columns, colour: context.colour, verbose: context.verbose > 0 };
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
    const lines = waitingLines(event, options);
    if (!context.plain) {
      context.stdout((lines[0] ?? '').slice(0, options.colour ? undefined : context.columns - 1));
      redrawn = true;
      return;
    }
    const last = shownAt.get(event.id) ?? 0;
    if (event.elapsedMs - last < REPEAT_EVERY_MS) return;
    shownAt.set(event.id, event.elapsedMs);
    for (const line of lines) context.stdout(`${line}\n`);
  };
}
