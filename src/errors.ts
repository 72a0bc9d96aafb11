/**
 * One table for everything that can stop a command: word, exit status, and the next command to type. The words are
 * what `explain` and `--json` use; the statuses are the contract with scripts.
 */
export const exitStatus = {
  done: 0,
  unhealthy: 1,
  usage: 2,
  refused: 3,
  unseen: 4,
  changed: 5,
  locked: 6,
  stopped: 7,
  incomplete: 8,
  unknown: 9,
  leftToDo: 10,
  bug: 70,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

export const errorWords = {
  usage: exitStatus.usage,
  'fleet-file': exitStatus.usage,
  'no-fleet': exitStatus.usage,
  'runbook-file': exitStatus.usage,
  'survey-file': exitStatus.usage,
  'plan-file': exitStatus.usage,
  'policy-file': exitStatus.usage,
  'no-terminal': exitStatus.usage,
  lab: exitStatus.usage,
  unsupported: exitStatus.usage,
  'redis-missing': exitStatus.usage,
  repository: exitStatus.usage,
  'no-repository': exitStatus.usage,
  'no-backup': exitStatus.usage,
  split: exitStatus.refused,
  'on-no-disk': exitStatus.refused,
  incomparable: exitStatus.refused,
  'empty-master': exitStatus.refused,
  shrunk: exitStatus.refused,
  blocked: exitStatus.refused,
  'disk-full': exitStatus.refused,
  'unsafe-path': exitStatus.refused,
  'plan-tampered': exitStatus.refused,
  'unknown-signer': exitStatus.refused,
  'bad-backup': exitStatus.refused,
  'prune-refused': exitStatus.refused,
  'clean-refused': exitStatus.refused,
  'writes-accepted': exitStatus.refused,
  'bad-journal': exitStatus.refused,
  unreachable: exitStatus.unseen,
  'host-key': exitStatus.unseen,
  login: exitStatus.unseen,
  auth: exitStatus.unseen,
  sudo: exitStatus.unseen,
  'too-little-seen': exitStatus.unseen,
  changed: exitStatus.changed,
  locked: exitStatus.locked,
  stopped: exitStatus.stopped,
  incomplete: exitStatus.incomplete,
  'backup-failed': exitStatus.incomplete,
  unknown: exitStatus.unknown,
} as const satisfies Record<string, ExitStatus>;

export type ErrorWord = keyof typeof errorWords;

/** An error that a person reads: what is true, which host, and what to type next. Never shows a stack. */
export class RunbookError extends Error {
  override readonly name = 'RunbookError';
  readonly word: ErrorWord;
  readonly facts: readonly string[];
  readonly next: readonly string[];

  constructor(word: ErrorWord, message: string, more: { facts?: readonly string[]; next?: readonly string[] } = {}) {
    super(message);
    this.word = word;
    this.facts = more.facts ?? [];
    this.next = more.next ?? [];
  }

  get exit(): ExitStatus {
    return errorWords[this.word];
  }
}

const worstFirst: readonly number[] = [70, 9, 8, 3, 6, 5, 4, 10, 1];

/** When several statuses hold, the first of 70 9 8 3 6 5 4 10 1 wins; anything else that is not 0 comes after them. */
export function worstOf(statuses: readonly number[]): number {
  return worstFirst.find((status) => statuses.includes(status)) ?? statuses.find((status) => status !== 0) ?? 0;
}
