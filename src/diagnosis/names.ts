import type { Evidence } from '../model/diagnosis.js';
import type { LogEvent } from '../model/formats.js';
import type { RedisSurvey } from '../model/survey.js';

/** Evidence before it has its number. */
export type LoggedEvidence = Omit<Evidence, 'id'>;

/** The first eight digits of a replication id: enough to tell histories apart on a screen. */
export function short(replid: string): string {
  return replid.slice(0, 8);
}

/** One line of a node's log as evidence. */
export function logEvidence(redis: RedisSurvey, event: LogEvent, says: string): LoggedEvidence {
  return {
    from: { host: redis.host, node: redis.node, source: `${event.at.file}:${event.at.line}` },
    place: `redis log ${clockOf(event)}`,
    says,
    raw: event.at.text,
  };
}

function clockOf(event: LogEvent): string {
  return /\d\d:\d\d:\d\d/.exec(event.at.local ?? '')?.[0] ?? `line ${event.at.line}`;
}

/** Names as a sentence says them: `a`, `a and b`, `a, b and c`. */
export function listOf(names: readonly string[]): string {
  if (names.length <= 1) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
