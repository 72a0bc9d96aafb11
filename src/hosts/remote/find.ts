import type { FindRequest, FoundUnit, HostPlaces } from '../../model/found.js';
import { FIND } from './find-script.js';
import { textOf } from './script.js';
import type { Shell } from './sudo.js';

const OPTIONS = { timeoutMs: 20_000, limitBytes: 1024 * 1024 };
const MOST_CONFIGS = 300;

/**
 * Where config files and services of redis and sentinel may be on a machine. Reads names and what the service manager
 * says, no config file. Rejects as the shell does.
 */
export async function findOver(shell: Shell, request: FindRequest, signal: AbortSignal): Promise<HostPlaces> {
  const words = [request.places, request.directories].map((paths) => paths.filter(isPath).join('\n'));
  const script = { script: FIND, args: [...words, request.pids.join(' ')] };
  const result = await (request.mayBecome ? shell.exec(script, OPTIONS, signal) : shell.plain(script, OPTIONS, signal));
  return readPlaces(textOf(result.stdout));
}

/** What `FIND` printed; lines that are none of its own are passed over. */
export function readPlaces(text: string): HostPlaces {
  const rows = text
    .split('\n')
    .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const);
  const all = (word: string) => rows.flatMap(([first, rest]) => (first === word ? [rest] : []));
  const six = all('address6').flatMap((hex) => (/^[0-9a-f]{32}$/.test(hex) ? [addressOfHex(hex)] : []));
  const addresses = [...all('address'), ...six].filter((address) => !/^127\.|^::1$|^fe80:/.test(address));
  const inUnits = all('in').flatMap((row): [number, string][] => {
    const [, pid, unit] = /^(\d+) ([A-Za-z0-9_@.:-]+)\.service$/.exec(row) ?? [];
    return pid === undefined || unit === undefined ? [] : [[Number(pid), unit]];
  });
  return {
    name: all('name')[0] ?? '',
    addresses: [...new Set(addresses)],
    configs: [...new Set(all('config').filter(isPath))].slice(0, MOST_CONFIGS),
    units: [...systemdUnits(all('show')), ...scripts(rows)],
    unitOf: Object.fromEntries(inUnits),
  };
}

/** No control, and nothing that hides or turns letters: the path is shown, and put into a file. */
function isPath(path: string): boolean {
  return /^\/[^\p{Cc}\p{Cf}]*$/u.test(path);
}

function addressOfHex(hex: string): string {
  const groups = hex.match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function systemdUnits(lines: readonly string[]): readonly FoundUnit[] {
  const blocks = lines.join('\n').split(/\n(?:\n)+/);
  return blocks.flatMap((block): FoundUnit[] => {
    const id = /^Id=([A-Za-z0-9_@.:-]+)\.service$/m.exec(block)?.[1];
    const start = /^ExecStart=(.*)$/m.exec(block)?.[1] ?? '';
    if (id === undefined || !/^LoadState=loaded$/m.test(block)) return [];
    if (!/(?:redis|valkey)-(?:server|sentinel)/.test(start)) return [];
    return [{ name: id, manager: 'systemd', configs: confPaths(start) }];
  });
}

function confPaths(text: string): readonly string[] {
  return [
    ...new Set(Array.from(text.matchAll(/(?:^|\s)(\/[^\s;]+\.conf)(?=\s|;|$)/g), ([, path]) => path ?? '')),
  ].filter(isPath);
}

function scripts(rows: readonly (readonly [string, string])[]): readonly FoundUnit[] {
  const found: { name: string; configs: string[] }[] = [];
  for (const [word, rest] of rows) {
    if (word === 'script' && /^[A-Za-z0-9_][A-Za-z0-9_@.:-]*$/.test(rest)) found.push({ name: rest, configs: [] });
    if (word === 'of' && isPath(rest)) found.at(-1)?.configs.push(rest);
  }
  return found.map((each) => ({ ...each, manager: 'sysvinit' }));
}
