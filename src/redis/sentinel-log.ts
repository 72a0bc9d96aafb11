import type { SentinelLogEvent } from '../model/formats.js';
import type { RawLine } from '../model/raw-host.js';
import { createLogLineReader, type LogLine } from './log-lines.js';

/**
 * A POSIX extended regular expression (grep -E, LC_ALL=C) for the lines of a sentinel log that `parseSentinelLog` reads:
 * every `+event` and `-event`, votes, the next attempt, the identity, starts and stops, a configuration not saved.
 */
export const sentinelEvidenceErePattern: string =
  ' [.*#-] [+-][a-z]|voted for [0-9a-f]+ [0-9]+|Next failover delay|Sentinel (ID|runid) is|able to save the new configuration|version=[0-9.]+, bits=|scheduling shutdown|Sentinel is now ready to exit';

/** The same as `sentinelEvidenceErePattern` for JavaScript. */
export const sentinelEvidencePattern: RegExp = new RegExp(sentinelEvidenceErePattern);

type Body = SentinelLogEvent extends infer Event ? (Event extends SentinelLogEvent ? Omit<Event, 'at'> : never) : never;

const switched = /^\+switch-master (\S+) (\S+) (\d+) (\S+) (\d+)$/;
// sentinel.c:sentinelEvent `%@`: type, name, ip, port, and for what is not a master `@ GROUP ip port`.
const instance = /^([+-][\w-]+) (\S+) (\S+) (\S+) (\d+)(?: @ (\S+) (\S+) (\d+))?(?: (.*))?$/;

/**
 * The events of a sentinel's log, lines oldest first. `config-update` carries in `from` the sentinel whose claim was
 * taken over and in `to` the master that it named, which the `+switch-master` behind it prints; that line gives its own
 * `switch-master` too. `promoted` is the leader's view of a replica that now answers as master. Every other event, and
 * what says that the configuration could not be saved, comes as `other` with its name and the rest of the line.
 */
export function parseSentinelLog(lines: readonly RawLine[]): SentinelLogEvent[] {
  const read = createLogLineReader();
  const all = lines.map(read).filter(({ at }) => sentinelEvidencePattern.test(at.text));
  return all.flatMap(({ at, message }, index) => {
    const body = bodyOf(message, all[index + 1]);
    return body === undefined ? [] : [{ at, ...body }];
  });
}

function bodyOf(message: string, next: LogLine | undefined): Body | undefined {
  const master = switchOf(message);
  if (master !== undefined) return { kind: 'switch-master', ...master };
  if (message.startsWith('+config-update-from ')) return updateOf(message, next);
  return electionOf(message) ?? instanceOf(message) ?? otherOf(message);
}

function switchOf(message: string): { group: string; from: string; to: string } | undefined {
  const [, group = '', oldIp, oldPort, newIp, newPort] = switched.exec(message) ?? [];
  return oldIp === undefined ? undefined : { group, from: `${oldIp}:${oldPort}`, to: `${newIp}:${newPort}` };
}

function updateOf(message: string, next: LogLine | undefined): Body {
  const [, , , , ip, port, group] = instance.exec(message) ?? [];
  const followed = switchOf(next?.message ?? '');
  if (group === undefined || followed?.group !== group) return other('+config-update-from', message);
  return { kind: 'config-update', group, from: `${ip}:${port}`, to: followed.to };
}

function electionOf(message: string): Body | undefined {
  const epoch = /^\+new-epoch (\d+)$/.exec(message)?.[1];
  if (epoch !== undefined) return { kind: 'new-epoch', epoch: BigInt(epoch) };
  const [, leader, voted = '0'] = /^\+vote-for-leader (\S+) (\d+)$/.exec(message) ?? [];
  if (leader !== undefined) return { kind: 'voted', leader, epoch: BigInt(voted) };
  const until = /^Next failover delay: I will not start a failover before (.+)$/.exec(message)?.[1];
  return until === undefined ? undefined : { kind: 'next-failover-delay', until: until.trim() };
}

function instanceOf(message: string): Body | undefined {
  const [, event = '', , name = '', ip, port, group] = instance.exec(message) ?? [];
  if (event === '+promoted-slave' && group !== undefined) return { kind: 'promoted', group, address: `${ip}:${port}` };
  if (event.startsWith('-failover-abort-'))
    return { kind: 'failover-aborted', group: group ?? name, reason: event.slice('-failover-abort-'.length) };
  return undefined;
}

function otherOf(message: string): Body | undefined {
  const event = /^[+-][a-z][\w-]*/.exec(message)?.[0];
  if (event !== undefined) return other(event, message);
  if (/able to save the new configuration/.test(message))
    return { kind: 'other', event: 'config-not-saved', detail: message };
  if (/^[0-9a-f]{40} voted for /.test(message)) return { kind: 'other', event: 'peer-voted', detail: message };
  if (message.startsWith('Sentinel ID is ') || message.startsWith('Sentinel runid is '))
    return { kind: 'other', event: 'myid', detail: message.split(' ').at(-1) ?? '' };
  if (/version=[0-9.]+, bits=/.test(message)) return { kind: 'other', event: 'started', detail: message };
  if (/scheduling shutdown/.test(message)) return { kind: 'other', event: 'shutdown-requested', detail: message };
  if (message.startsWith('Sentinel is now ready to exit')) return { kind: 'other', event: 'exited', detail: message };
  return undefined;
}

function other(event: string, message: string): Body {
  return { kind: 'other', event, detail: message.slice(event.length).trim() };
}
