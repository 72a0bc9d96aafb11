import { type LeftOutHost, parseLeftOut } from '../model/left-out.js';
import type { RawHost } from '../model/raw-host.js';
import { mapSeen, type Seen } from '../model/seen.js';
import type { LockHolder } from '../model/survey.js';
import { filesOf, follows, notMade, textOf } from './raw-access.js';

/** Who holds the fleet's lock on a host: `absent` when nobody does, `unparseable` when the file says nothing readable. */
export function lockOf(raw: RawHost): Seen<LockHolder> {
  const file = raw.files.find((each) => each.role === 'lock');
  if (!file) return notMade(raw, undefined, 'lock');
  return mapSeen(file.content, (content) => lockHolder(textOf(content)));
}

/** The hosts that runs left out, as this host remembers them: `absent` when it remembers none. */
export function leftOutOf(raw: RawHost): Seen<readonly LeftOutHost[]> {
  const file = raw.files.find((each) => each.role === 'left-out');
  if (!file) return notMade(raw, undefined, 'left-out');
  return mapSeen(file.content, (content) => parseLeftOut(textOf(content)));
}

/** Which run holds a node so that it cannot start by itself; `null` when the place was looked at and none does. */
export function holdOf(raw: RawHost, node: string): Seen<{ readonly run: string } | null> {
  const file = filesOf(raw, node, 'hold')[0];
  if (!file) return notMade(raw, node, 'hold');
  if (!file.content.ok && file.content.why === 'absent') return follows(raw, node, file.path, null);
  return mapSeen(file.content, (content) => ({ run: textField(fields(textOf(content)), 'run') }));
}

function lockHolder(text: string): LockHolder {
  const record = fields(text);
  const { pid } = record;
  return {
    run: textField(record, 'run'),
    who: textField(record, 'who'),
    since: textField(record, 'since'),
    heartbeat: textField(record, 'heartbeat'),
    doing: textField(record, 'doing'),
    pid: typeof pid === 'number' ? pid : 0,
  };
}

function fields(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('is no JSON object');
  return Object.fromEntries(Object.entries(value));
}

function textField(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name];
  if (typeof value !== 'string' || value === '') throw new Error(`says no ${name}`);
  return value;
}
