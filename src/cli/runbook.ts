import { readFile } from 'node:fs/promises';
import { exitStatus } from '../errors.js';
import { toJson } from '../model/json.js';
import { noChoice } from '../plan/choice.js';
import { parseRunbook, type Runbook } from '../plan/runbook-file.js';
import { steps } from '../plan/steps/index.js';
import { withJudged } from './compose.js';
import type { Context } from './context.js';
import type { RunbookFlags } from './flags.js';
import { planFor } from './make-plan.js';
import { shownPlan } from './plan.js';
import { builtInRunbooks, readRunbook } from './runbooks.js';

/** `runbook list|show|check`. `show` renders the concrete plan when a fleet is at hand, else the steps. */
export async function runbookCommand(flags: RunbookFlags, context: Context): Promise<number> {
  if (flags.sub === 'list') return list(context);
  if (flags.sub === 'check') return check(flags.name ?? '', context);
  return show(flags, context);
}

async function list(context: Context): Promise<number> {
  const books = await Promise.all((await builtInRunbooks()).map(readRunbook));
  if (context.json) context.stdout(`${toJson({ schema: 'redis-runbook/runbooks/1', runbooks: books }, 2)}\n`);
  else for (const book of books) context.stdout(`${book.runbook} ${book.version}  ${book.title}\n`);
  return exitStatus.done;
}

async function check(file: string, context: Context): Promise<number> {
  const book = parseRunbook(file, await readFile(file, 'utf8'));
  context.stdout(`${file}: ${book.runbook} ${book.version} is well formed; ${book.stages.length} stages.\n`);
  return exitStatus.done;
}

async function show(flags: RunbookFlags, context: Context): Promise<number> {
  const name = flags.name ?? 'recover-cold';
  const book = await readRunbook(name);
  if (context.fleetFile === undefined && flags.survey === undefined) {
    context.stdout(context.json ? `${toJson(book, 2)}\n` : abstract(book));
    return exitStatus.done;
  }
  return withJudged(context, flags, async (judged) => {
    const { plan } = await planFor(judged, noChoice, book.path, name);
    context.stdout(shownPlan(plan, flags.markdown, context));
    return exitStatus.done;
  });
}

function abstract(book: Runbook): string {
  const lines = book.stages.flatMap((stage, index) => [
    `${index + 1} ${stage.stage}   ${stage.why}`,
    ...stage.steps.map((step) => `    ${step.name}  ${steps.find((item) => item.name === step.name)?.summary ?? ''}`),
  ]);
  return `${book.title}\n\n${lines.join('\n')}\n`;
}
