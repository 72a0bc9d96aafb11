import { RunbookError } from '../errors.js';
import type { LockFile } from './lock-file.js';
import type { Standing } from './lock-standing.js';

/** A lock that stands against a command, as it was found on the fleet. */
export interface LockedBy {
  readonly file: LockFile;
  readonly standing: Standing;
  /** The hosts that carry it. */
  readonly hosts: readonly string[];
  /** Whether the run is recorded on this machine, so that it can be followed. */
  readonly isHere?: boolean;
  /** Who asks, `user@machine`. */
  readonly asker?: string;
}

/** The refusal that names the holder, what he does, and what to type. */
export function lockedBy(by: LockedBy): RunbookError {
  const { file, standing, hosts } = by;
  const what = file.group === undefined || file.group === '' ? 'the fleet' : file.group;
  const runbook = file.runbook === undefined ? '' : ` ${file.runbook}`;
  const message = {
    living: `${file.who} is working on ${what} right now, run ${file.run}.`,
    dead: `${what} is locked by a run that looks dead: ${file.run}.`,
    ended:
      file.to === undefined
        ? `${what} is locked by run ${file.run} of ${file.who}, which stopped before its end.`
        : `${what} is locked by run ${file.run}, which ${file.who} handed over to ${file.to}.`,
  }[standing.is];
  return new RunbookError('locked', message.charAt(0).toUpperCase() === 'T' ? capital(message) : message, {
    facts: [
      `who        ${file.who}, run ${file.run}${runbook}`,
      `since      ${file.since}; ${standing.says}`,
      `doing      ${file.doing}`,
      `lock on    ${hosts.join(' ')}`,
      ...(file.note === undefined ? [] : file.note.split('\n').map((line) => `note       ${line}`)),
    ],
    next: nextOf(by),
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function nextOf({ file, standing, isHere, asker }: LockedBy): readonly string[] {
  const look = 'redis-runbook status   looking is never locked';
  const follow = isHere ? [`redis-runbook history show ${file.run} --follow`] : [];
  if (standing.is === 'ended' && file.to !== undefined) {
    return [
      `redis-runbook resume ${file.run}   typed by ${file.to}, on any machine`,
      asker === file.who
        ? `redis-runbook handover ${file.run} --to ${asker.split('@')[0]}   takes it back, where ${file.to} did not begin`
        : `${file.who} can give it to you instead: redis-runbook handover ${file.run} --to ${asker?.split('@')[0] ?? 'NAME'}`,
      `redis-runbook resume ${file.run} --take-over   where neither can be reached`,
      look,
      ...follow,
    ];
  }
  if (standing.is !== 'living') {
    return [
      `redis-runbook resume ${file.run} --take-over   goes on where it stopped, after looking`,
      `redis-runbook unlock ${file.run}   only gives the lock back`,
      look,
      ...follow,
    ];
  }
  const name = asker?.split('@')[0] ?? 'NAME';
  return [
    look,
    ...follow,
    'redis-runbook recover --wait 10m   queue up behind it',
    `${file.who} can give it to you: redis-runbook handover --to ${name}`,
  ];
}
