import type { NodeEntry } from '../../model/inventory.js';
import type { RawAnswer, RawUnit } from '../../model/raw-host.js';
import { secretToken } from '../../model/secret.js';
import type { Seen } from '../../model/seen.js';
import { canonicalName } from '../../redis/directive-names.js';
import { secretDirectives } from '../../redis/secrets.js';
import { readConfigGet, readUnit } from './kinds.js';

/** What a command printed, kept in a file beside the config. */
export interface Recorded {
  readonly path: string;
  readonly kind: 'info' | 'config-get' | 'unit';
  readonly text: string;
}

/** Recorded answers belong to the one redis node of their directory, or to the one whose port they tell. */
export function recordedAnswers(
  node: NodeEntry,
  nodes: readonly NodeEntry[],
  answers: readonly Recorded[],
  at: string,
): RawAnswer[] {
  if (node.kind !== 'redis') return [];
  const alone = nodes.filter(({ kind }) => kind === 'redis').length === 1;
  const near = answers.filter(({ path, kind }) => kind !== 'unit' && folderOf(path) === folderOf(node.config));
  return near.flatMap((one): RawAnswer[] => {
    const port = /^tcp_port:(\d+)/m.exec(one.text)?.[1];
    if (!alone && Number(port) !== node.port) return [];
    const from = { host: node.host, node: node.id, source: one.path };
    const seen = <T>(value: T): Seen<T> => ({ ok: true, value, from, at });
    if (one.kind === 'info') return [{ node: node.id, command: 'INFO all', answer: seen(one.text) }];
    return [...readConfigGet(one.text)].map(([name, value]) => ({
      node: node.id,
      command: `CONFIG GET ${name}`,
      answer: seen([name, isSecret(name) && value !== '' ? secretToken(value) : value]),
    }));
  });
}

function isSecret(name: string): boolean {
  return secretDirectives.has(canonicalName(name));
}

/** What `systemctl show` printed of the one node of a kind in a directory; a sentinel's unit has that in its name. */
export function recordedUnits(
  host: string,
  nodes: readonly NodeEntry[],
  answers: readonly Recorded[],
  at: string,
): { readonly units?: Seen<readonly RawUnit[]> } {
  const units = answers.flatMap(({ path, kind, text }): RawUnit[] => {
    if (kind !== 'unit') return [];
    const properties = readUnit(text);
    const of = /sentinel/.test(properties.Id ?? '') ? 'sentinel' : 'redis';
    const near = nodes.filter((node) => node.kind === of && folderOf(node.config) === folderOf(path));
    const [node] = near;
    if (node === undefined || near.length > 1) return [];
    return [{ node: node.id, unit: properties.Id ?? '', manager: 'systemd', properties }];
  });
  return units.length === 0 ? {} : { units: { ok: true, value: units, from: { host, source: 'systemctl show' }, at } };
}

function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}
