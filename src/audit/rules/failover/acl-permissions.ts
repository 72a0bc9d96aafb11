import type { ConfigLine } from '../../../model/formats.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import type { Target } from '../../target.js';

/** A command that a user has to be allowed: its name, its subcommand where only that one is meant. */
export interface Wanted {
  readonly name: string;
  readonly sub?: string;
  /** The ACL categories that hold it, from 6.0 to 7.2 the same (COMMAND INFO of 7.0.15). */
  readonly categories: readonly string[];
}

const dangerous = ['admin', 'slow', 'dangerous'];

/** What a replica sends to its master (redis.io, ACL: "ACL rules for Sentinel and Replicas"). */
export const replicationCommands: readonly Wanted[] = [
  { name: 'psync', categories: dangerous },
  { name: 'replconf', categories: dangerous },
  { name: 'ping', categories: ['fast', 'connection'] },
];

/**
 * What a sentinel cannot do without. Of the documented list client|setname, role and script|kill are left out: refused,
 * they change nothing (sentinel.c:sentinelSetClientName, sentinelSendSlaveOf).
 */
export const sentinelCommands: readonly Wanted[] = [
  { name: 'ping', categories: ['fast', 'connection'] },
  { name: 'info', categories: ['slow', 'dangerous'] },
  { name: 'publish', categories: ['pubsub', 'fast'] },
  { name: 'subscribe', categories: ['pubsub', 'slow'] },
  { name: 'multi', categories: ['fast', 'transaction'] },
  { name: 'exec', categories: ['slow', 'transaction'] },
  { name: 'slaveof', categories: dangerous },
  { name: 'config', sub: 'rewrite', categories: dangerous },
  { name: 'client', sub: 'kill', categories: ['admin', 'slow', 'dangerous', 'connection'] },
];

/** What a `user` line does not allow: `name` or `name|sub`, `channel PATTERN`, or that the user is off. */
export function refusedTo(
  line: ConfigLine,
  wanted: readonly Wanted[],
  channel: string | undefined,
  target: Target,
  channelsByDefault: boolean,
): readonly string[] {
  const rules = line.args.slice(1).map((rule) => (/^[><#!]/.test(rule) ? rule : lowerAscii(rule)));
  if (rules.some((rule) => rule.startsWith('('))) return [];
  const on = rules.findLast((rule) => ['on', 'off', 'reset'].includes(rule)) === 'on';
  if (!on) return ['off'];
  const commands = wanted.filter((one) => !mayRun(rules, one)).map(({ name, sub }) => (sub ? `${name}|${sub}` : name));
  const channels = channel === undefined || mayHear(rules, channel, target, channelsByDefault);
  return channels ? commands : [...commands, `channel ${channel}`];
}

/** The rules from left to right (acl.c:ACLSetUser): the last one that is about the command counts. */
function mayRun(rules: readonly string[], { name, sub, categories }: Wanted): boolean {
  const about = rules.findLast((rule) => {
    const what = rule.slice(1);
    if (['allcommands', 'nocommands', 'reset', '+@all', '-@all'].includes(rule)) return true;
    if (!/^[+-]/.test(rule)) return false;
    if (what.startsWith('@')) return categories.includes(what.slice(1));
    return what === name || (sub !== undefined && what === `${name}|${sub}`);
  });
  return about === 'allcommands' || about?.startsWith('+') === true;
}

/** Channels came with 6.2, where a user has all of them unless acl-pubsub-default says otherwise; 7.0 gives none. */
function mayHear(rules: readonly string[], channel: string, target: Target, byDefault: boolean): boolean {
  if (!atLeast(target.compatible, '6.2.0')) return true;
  return rules.reduce((allowed, rule) => {
    if (rule === 'allchannels' || rule === '&*') return true;
    if (rule === 'resetchannels' || rule === 'reset') return false;
    return allowed || (rule.startsWith('&') && matches(rule.slice(1), channel));
  }, byDefault);
}

/** A glob as far as it has no brackets; with them it is taken to match. */
function matches(pattern: string, text: string): boolean {
  if (/[[\]\\]/.test(pattern)) return true;
  const parts = pattern.split('*').map((part) => part.replace(/[.+^${}()|]/g, '\\$&').replace(/\?/g, '.'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}
