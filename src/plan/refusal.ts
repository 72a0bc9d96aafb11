import { RunbookError } from '../errors.js';
import type { Consent } from '../model/diagnosis.js';
import type { Decision } from './choice.js';
import { freshestFirstCommands } from './gentler.js';

/** The refusal for consents that were not given: exit 3, with the words that would accept them. */
export function refusalOf(decision: Decision): RunbookError {
  const aside = decision.missing.filter((consent) => consent.kind === 'set-aside');
  const loss = decision.missing.find((consent) => consent.kind !== 'set-aside');
  const word = aside.length > 0 ? 'split' : loss?.kind === 'shrunk' ? 'shrunk' : 'on-no-disk';
  const flags = [
    `--promote ${decision.master}`,
    ...(aside.length > 0 ? [`--set-aside ${aside.map((consent) => consent.node).join(',')}`] : []),
    ...(loss ? [`--accept-loss ${decision.master}`] : []),
  ];
  const messages = {
    split: `With ${decision.master} as master, data of ${aside.map((consent) => consent.node).join(', ')} is set aside, and --yes never accepts that.`,
    'on-no-disk': 'Writes are on no disk, and --yes never accepts a loss.',
    shrunk: `${decision.master} has shrunk, and --yes never accepts that.`,
  } as const;
  return new RunbookError(word, messages[word], {
    facts: decision.missing.map((consent) => factOf(consent)),
    next: [
      ...(decision.gentler === undefined ? [] : freshestFirstCommands(decision.gentler, decision.master)),
      `redis-runbook recover${decision.gentler === undefined ? '' : ` --promote ${decision.master}`}   in a terminal, or`,
      `redis-runbook recover --yes ${flags.join(' ')} --reason "..."`,
    ],
  });
}

function factOf(consent: Consent): string {
  if (consent.kind === 'set-aside') {
    const bytes = consent.ownBytes === undefined ? 'what only it holds' : `${consent.ownBytes} bytes`;
    return `sets aside ${bytes} of ${consent.node}: ${consent.why}`;
  }
  if (consent.kind === 'shrunk') return consent.why;
  const seconds =
    consent.seconds === undefined ? 'an unknown time' : `the last ${consent.seconds} seconds of traced service`;
  return `${seconds} are on no disk: ${consent.why}`;
}
