import type { HostEntry } from '../../../model/inventory.js';
import type { RawServer, RawSystem, RawUnit } from '../../../model/raw-host.js';
import type { From, Seen } from '../../../model/seen.js';
import { redactArgv } from '../../../redis/secrets.js';
import { missed, saw } from '../../reading.js';
import type { Exchange } from './exchange.js';
import { type LookRecord, labelled } from './records.js';

function linesOf(record: LookRecord | undefined): readonly string[] {
  return record?.body.toString('utf8').split('\n') ?? [];
}

function hostRecord({ records }: Exchange): LookRecord | undefined {
  return records.find((record) => record.kind === 'host');
}

/** Our uid on the host; undefined when it did not say. */
export function uidOf(exchange: Exchange): number | undefined {
  const uid = linesOf(hostRecord(exchange))[3];
  return uid !== undefined && /^\d+$/.test(uid) ? Number(uid) : undefined;
}

/** What the host says about itself. */
export function systemOf(exchange: Exchange, entry: HostEntry): Seen<RawSystem> {
  const from: From = { host: entry.name, source: 'uname' };
  const [, uname = '', init, , sudo = 'not-asked', ...programs] = linesOf(hostRecord(exchange));
  const uid = uidOf(exchange);
  if (uid === undefined) return missed('unparseable', 'the host did not say what it is', from);
  const system: RawSystem = {
    uname,
    init: init === 'systemd' || init === 'sysvinit' ? init : 'other',
    uid,
    sudo: sudo === 'not-asked' ? null : sudo === 'yes',
    programs: programs.filter((path) => path.startsWith('/')),
  };
  return saw(sudo.startsWith('no ') ? { ...system, sudoSays: sudo.slice(3) } : system, from);
}

/** Seconds with a fraction, or without where `date` knows none (then half a second is nearest). */
function dateMs(line: string | undefined): number | undefined {
  const [, seconds, fraction] = /^(\d+)(?:\.(\d+)|.*)$/.exec(line ?? '') ?? [];
  if (seconds === undefined) return undefined;
  return Number(seconds) * 1000 + (fraction === undefined ? 500 : Number(`0.${fraction}`) * 1000);
}

/**
 * The host's clock minus ours. Its first reading is later than our start, its last one earlier than our end: the offset
 * lies between, half the exchange's own time apart at most.
 */
export function clockOffset(exchange: Exchange, entry: HostEntry): Seen<number> {
  const from: From = { host: entry.name, source: 'date' };
  const first = dateMs(linesOf(hostRecord(exchange))[0]);
  const last = dateMs(linesOf(exchange.records.find((record) => record.kind === 'end'))[0]);
  if (first === undefined) return missed('unparseable', 'the host did not say what time it is', from);
  if (last === undefined) return saw(Math.round(first - exchange.beganMs), from);
  return saw(Math.round((first - exchange.beganMs + (last - exchange.endedMs)) / 2), from);
}

function systemdUnits(record: LookRecord): readonly Readonly<Record<string, string>>[] {
  const blocks = record.body.toString('utf8').trim().split(/\n\n+/);
  return blocks.map((block) => {
    const properties = block.split('\n').flatMap((line): [string, string][] => {
      const equals = line.indexOf('=');
      if (equals <= 0) return [];
      const name = line.slice(0, equals);
      const value = line.slice(equals + 1);
      return [[name, name === 'ExecStart' ? redactArgv(value) : value]];
    });
    return Object.fromEntries(properties);
  });
}

function isNamed(properties: Readonly<Record<string, string>>, unit: string): boolean {
  const full = /\.[a-z]+$/.test(unit) ? unit : `${unit}.service`;
  return properties.Id === full || (properties.Names ?? '').split(' ').includes(full);
}

function unitsIn(exchange: Exchange, entry: HostEntry): readonly RawUnit[] {
  const shown = exchange.records.filter((record) => record.kind === 'units').flatMap(systemdUnits);
  const scripts = exchange.records.filter((record) => record.kind === 'script');
  return entry.nodes.flatMap(({ id: node, unit }): RawUnit[] => {
    const properties = shown.find((each) => isNamed(each, unit));
    if (properties !== undefined) return [{ node, unit, manager: 'systemd', properties }];
    const script = scripts.find((record) => record.words.join(' ') === unit);
    if (script === undefined) return [];
    const lines = linesOf(script).filter((line) => line !== '');
    const [path = '', ...links] = lines.filter((line) => line.startsWith('/'));
    const [daemon] = lines.flatMap((line) => (line.startsWith('daemon ') ? [line.slice('daemon '.length)] : []));
    const named = daemon === undefined ? {} : { Daemon: daemon };
    const told = { Script: path, StartLinks: links.join(' '), ...named };
    return [{ node, unit, manager: 'sysvinit', properties: told }];
  });
}

/** The units of the nodes; undefined when nobody asked for them. */
export function unitsOf(exchange: Exchange, entry: HostEntry): Seen<readonly RawUnit[]> | undefined {
  if (entry.service === 'process') return undefined;
  return saw(unitsIn(exchange, entry), { host: entry.name, source: 'systemctl show' });
}

/** What the server programs of the host say of their version. */
export function serversOf({ records }: Exchange): readonly RawServer[] {
  return records
    .filter((record) => record.kind === 'server')
    .map(({ body }) => {
      const { label, rest } = labelled(body);
      return { path: label, says: rest.toString('utf8').split('\n')[0]?.trim() ?? '' };
    });
}
