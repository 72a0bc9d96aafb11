import { readFileSync } from 'node:fs';
import type { NodeKind } from '../../src/model/inventory.js';
import { type Fleet, type Login, type Machine, machineOf } from './fleet.js';
import { kinds, placeOf } from './kinds.js';
import { inNamespace } from './network.js';
import { type Output, type RunOptions, run } from './run.js';

const script = readFileSync(new URL('check.sh', import.meta.url), 'utf8');

export interface CheckedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Octal, as `640`. */
  readonly mode: string;
  /** `user:group`. */
  readonly owner: string;
  /** Seconds since the epoch. */
  readonly modified: number;
}

export interface CheckedProcess {
  readonly pid: number;
  readonly user: string;
  readonly command: string;
}

/** What plain ssh and the server's own client say of one machine: nothing here comes from the tool that is tested. */
export type Checked =
  | { readonly host: string; readonly reachable: false; readonly why: string }
  | {
      readonly host: string;
      readonly reachable: true;
      /** Everything under the config, data and state directories, unit files and their drop-ins, init scripts. */
      readonly files: readonly CheckedFile[];
      readonly processes: readonly CheckedProcess[];
      readonly units: Readonly<Record<string, { readonly active: string; readonly enabled: string }>>;
      /** What starts at boot by links: unit links and rc links, `PATH TARGET`. */
      readonly links: readonly string[];
      /** The lines of the config files that give a role, `FILE:LINE`. */
      readonly roles: readonly string[];
      /** Fields of INFO replication and keyspace; absent when no redis answers. */
      readonly redis?: Readonly<Record<string, string>>;
      /** Fields of SENTINEL MASTER; absent when no sentinel answers. */
      readonly sentinel?: Readonly<Record<string, string>>;
    };

/** A command on a machine through the system's own ssh, from the operator's namespace. */
export function ssh(
  fleet: Fleet,
  host: string,
  command: string,
  options: RunOptions & { readonly login?: Login } = {},
): Promise<Output> {
  const { login = 'ops', ...rest } = options;
  const words = ['ssh', '-F', fleet.sshConfig, `${login}@${machineOf(fleet, host).name}`, command];
  return run([...inNamespace(fleet.operatorNamespace), ...words], rest);
}

/** States for a machine its files, processes, units and roles. */
export async function checkMachine(fleet: Fleet, machine: Machine): Promise<Checked> {
  const { name: host, kind, address } = machine;
  const nodes: readonly NodeKind[] = ['redis', 'sentinel'];
  const set = {
    family: kinds[kind].family,
    address,
    password: fleet.password,
    group: fleet.group,
    units: nodes.map((node) => placeOf(kind, node).unit).join(' '),
  };
  const head = Object.entries(set).map(([name, value]) => `${name}='${value}'\n`);
  const output = await ssh(fleet, host, 'sh -s', { login: 'root', input: `${head.join('')}${script}` });
  if (output.status === 255) return { host, reachable: false, why: output.stderr.trim() };
  const part = sectionsOf(output.stdout);
  if (!part.has('end')) throw new Error(`the check of ${host} broke off: ${output.stderr}`);
  const redis = colonFields(part.get('redis') ?? []);
  const sentinel = pairs(part.get('sentinel') ?? []);
  return {
    host,
    reachable: true,
    files: (part.get('files') ?? []).map(fileOf),
    processes: (part.get('processes') ?? []).map(processOf),
    links: part.get('links') ?? [],
    roles: part.get('roles') ?? [],
    units: Object.fromEntries((part.get('units') ?? []).map(unitOf)),
    ...(redis.role === undefined ? {} : { redis }),
    ...(sentinel.ip === undefined ? {} : { sentinel }),
  };
}

function sectionsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('== ')) {
      lines = [];
      sections.set(line.slice(3), lines);
    } else if (line !== '') lines.push(line);
  }
  return sections;
}

function fileOf(line: string): CheckedFile {
  const [sha256 = '', bytes, mode = '', owner = '', modified, ...path] = line.split(' ');
  return { path: path.join(' '), sha256, bytes: Number(bytes), mode, owner, modified: Number(modified) };
}

function processOf(line: string): CheckedProcess {
  const [pid, user = '', ...command] = line.trim().split(/\s+/);
  return { pid: Number(pid), user, command: command.join(' ') };
}

function unitOf(line: string): readonly [string, { readonly active: string; readonly enabled: string }] {
  const [unit = '', active = '', enabled = ''] = line.split(' ');
  return [unit, { active, enabled }];
}

function colonFields(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}

function pairs(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(lines.flatMap((line, i) => (i % 2 === 0 ? [[line, lines[i + 1] ?? ''] as const] : [])));
}
