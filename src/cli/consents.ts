import { RunbookError } from '../errors.js';
import type { Consent } from '../model/diagnosis.js';
import type { Choice, Decision } from '../plan/choice.js';
import { freshestFirstCommands } from '../plan/gentler.js';
import { refusalOf } from '../plan/refusal.js';
import { printable } from '../report/escape.js';
import type { Ask } from './ask.js';
import type { Context } from './context.js';

/**
 * Asks for each consent that the decision still needs, by typed name, then for the reason. Returns the choice with what
 * was given; without a terminal, or with `--yes`, it is refused with the words that would accept it (exit 3).
 */
export async function askConsents(
  decision: Decision,
  choice: Choice,
  ask: Ask,
  yes: boolean,
  context: Context,
): Promise<Choice> {
  if (decision.missing.length === 0) return choice;
  if (yes || !context.isTerminal || context.noInput) throw refusalOf(decision);
  let given = choice;
  if (decision.gentler !== undefined)
    context.stderr(
      `\nNothing need be set aside. Press Enter, and take these two:\n${freshestFirstCommands(
        decision.gentler,
        decision.master,
      )
        .map((line) => `  ${line.replace(/; or$/, '')}`)
        .join('\n')}\n`,
    );
  for (const consent of decision.missing) {
    context.stderr(`\n${sentence(consent, decision.master)}\n`);
    const question = `Type the name of the node ${consent.kind === 'set-aside' ? 'whose data is set aside' : 'that becomes master'}, or Enter to stop:`;
    if (!(await ask.typeName(question, consent.node)))
      throw new RunbookError('split', 'The name was not typed. Nothing was changed.', {
        next: ['redis-runbook status --why'],
      });
    given = withConsent(given, consent);
  }
  const reason = given.reason ?? (await ask.line('Why (one line, goes into the report):'));
  return { ...given, promote: decision.master, reason };
}

function withConsent(choice: Choice, consent: Consent): Choice {
  return consent.kind === 'set-aside'
    ? { ...choice, setAside: [...choice.setAside, consent.node] }
    : { ...choice, acceptLoss: consent.node };
}

function sentence(consent: Consent, master: string): string {
  const why = printable(consent.why);
  if (consent.kind === 'set-aside')
    return `${master} as master sets the writes of ${printable(consent.node)} aside: ${why}.`;
  if (consent.kind === 'shrunk') return `${why}.`;
  const seconds =
    consent.seconds === undefined
      ? 'writes of an unknown time'
      : `the last ${consent.seconds} seconds of traced service`;
  return `With ${master} as master ${seconds} stay lost: ${why}.`;
}
