import { toJson } from '../model/json.js';
import type { Check, CheckState, HostReadiness, Readiness } from '../model/readiness.js';
import { printable, printableProse } from './escape.js';
import { type Cell, type Column, paint, type Role, type Row, table, twoColumns, wrap } from './layout.js';
import { type NextCommand, nextLines } from './next-lines.js';
import { count, dateAndTime, duration, listed } from './quantities.js';

export interface DoctorOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Every check, those that hold too. */
  readonly verbose: boolean;
  readonly utcOffsetMinutes: number;
  /** To be repeated in commands, ` --fleet FILE`; empty when it is found anyway. */
  readonly fleetFlag: string;
}

/** The answer as one JSON document, `redis-runbook/doctor/1`. */
export function renderDoctorJson(readiness: Readiness): string {
  return `${toJson(readiness, 2)}\n`;
}

/** One screen: whether a recovery would find what it needs, the hosts side by side, one line per problem, what to type next. */
export function renderDoctor(readiness: Readiness, options: DoctorOptions): string {
  const blocks = [
    doctorHeadline(readiness, options),
    headerLines(readiness, options),
    table(columns, readiness.hosts.map(hostRow), options),
    checkLines(readiness, options),
    nextLines(nextCommands(readiness, options), options.width),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** What is true, in sentences. */
export function doctorHeadline({ hosts }: Readiness, options: { width: number; colour: boolean }): string[] {
  const dark = hosts.filter((host) => host.rights === undefined);
  const checks = hosts.flatMap((host) => host.checks);
  const problems = checks.filter(({ state }) => state === 'problem').length;
  const ready = hosts.filter((host) => host.checks.every(({ state }) => state === 'ok' || state === 'note'));
  const partly = hosts.filter((host) => host.rights && host.checks.some(({ state }) => state === 'unseen'));
  const sentences = [
    ready.length === hosts.length
      ? `A recovery would find what it needs on ${hosts.length === 1 ? listed(names(hosts)) : `all ${hosts.length} hosts`}.`
      : `A recovery would find what it needs on ${ready.length} of ${count(hosts.length, 'host')}.`,
    ...(dark.length === 0 ? [] : [`Nobody could log in to ${listed(names(dark))}.`]),
    ...(partly.length === 0 ? [] : [`Not everything could be seen on ${listed(names(partly))}.`]),
    ...(problems === 0 ? [] : [`There ${problems === 1 ? 'is' : 'are'} ${count(problems, 'problem')}.`]),
    'Nothing was changed on any host.',
  ];
  return wrap(sentences.join(' '), options.width).map((line) => paint('verdict', line, options.colour));
}

function names(hosts: readonly HostReadiness[]): readonly string[] {
  return hosts.map((host) => printable(host.host));
}

function headerLines(readiness: Readiness, options: DoctorOptions): string[] {
  const { hosts, fleet, at, elapsedMs, clockSpreadMs } = readiness;
  const when = dateAndTime(Date.parse(at), options.utcOffsetMinutes);
  const reached = hosts.filter((host) => host.rights !== undefined).length;
  const spread = clockSpreadMs === undefined ? '' : `, clocks ${duration(clockSpreadMs)} apart at most`;
  return [
    ...twoColumns(printableProse(fleet), when, options),
    ...twoColumns(`${reached} of ${count(hosts.length, 'host')} let us in`, `${duration(elapsedMs)}${spread}`, options),
  ];
}

const columns: readonly Column[] = [
  { title: 'HOST' },
  { title: 'LOGIN' },
  { title: 'KEY', drop: 3 },
  { title: 'SUDO' },
  { title: 'SERVER', drop: 4 },
  { title: 'SERVICE' },
  { title: 'FREE', align: 'right', drop: 2 },
  { title: 'CLOCK', align: 'right', drop: 1 },
  { title: 'TO DO', align: 'right' },
];

const signs: Readonly<Record<CheckState, readonly [sign: string, role: Role]>> = {
  ok: ['ok', 'good'],
  note: ['-', 'quiet'],
  problem: ['!', 'warn'],
  unseen: ['?', 'unknown'],
};

function hostRow(host: HostReadiness): Row {
  const worst = (['unseen', 'problem', 'ok'] as const).find((state) => host.checks.some((one) => one.state === state));
  const [sign, role] = signs[worst ?? 'ok'];
  const open = host.checks.filter(({ state }) => state === 'problem' || state === 'unseen').length;
  return {
    sign: sign === 'ok' ? '' : sign,
    role,
    cells: [
      printable(host.host),
      loginCell(host),
      keyCell(host),
      sudoCell(host),
      host.programs.map(({ path, version }) => serverName(path, version)).join(' ') || '-',
      serviceCell(host),
      freeCell(host),
      host.clockOffsetMs === undefined
        ? '-'
        : `${host.clockOffsetMs < 0 ? '-' : '+'}${(Math.abs(host.clockOffsetMs) / 1000).toFixed(1)} s`,
      open === 0 ? { text: '-', role: 'quiet' } : String(open),
    ],
  };
}

function loginCell(host: HostReadiness): Cell {
  if (host.rights === undefined) return { text: 'no', role: 'unknown' };
  const user = printable(host.rights.user);
  return host.loginMs === undefined || host.transport === 'local' ? user : `${user} ${duration(host.loginMs)}`;
}

function keyCell(host: HostReadiness): Cell {
  if (host.transport === 'local') return '-';
  const wrong = host.keys.find(({ state }) => state !== 'known' && state !== 'accepted');
  if (wrong) return { text: wrong.state, role: 'danger' };
  const own = host.keys.find(({ isTarget }) => isTarget);
  return own?.state ?? (host.rights === undefined ? '-' : 'known');
}

function sudoCell({ rights }: HostReadiness): Cell {
  if (rights === undefined) return '-';
  if (rights.sudo === 'not-needed') return rights.uid === 0 ? 'root' : 'none';
  const words = {
    'without-password': 'free',
    'with-password': 'password',
    'needs-password': { text: 'asks', role: 'unknown' },
    refused: { text: 'refused', role: 'unknown' },
  } as const;
  return words[rights.sudo];
}

function serverName(path: string, version: string): string {
  const name = path.includes('valkey') ? 'valkey ' : '';
  return `${name}${printable(version) || '?'}`;
}

/** The managers of the nodes, each once; `?` where nothing proves it. */
function serviceCell(host: HostReadiness): string {
  const kinds = host.nodes.map(({ manager, sure }) => (manager ? `${manager.kind}${sure ? '' : '?'}` : 'unknown'));
  return [...new Set(kinds)].join(' ') || '-';
}

/** The least room of the places that are written. */
function freeCell(host: HostReadiness): string {
  const free = host.places.flatMap(({ freeBytes }) => (freeBytes === undefined ? [] : [freeBytes]));
  if (free.length === 0) return '-';
  const least = Number(free.reduce((a, b) => (a < b ? a : b)));
  return least >= 1e9 ? `${Math.round(least / 1e9)} GB` : `${Math.floor(least / 1e6)} MB`;
}

/** One entry per problem: where, what, and the next command below it. */
function checkLines(readiness: Readiness, options: DoctorOptions): string[] {
  const shown = readiness.hosts
    .flatMap((host) => host.checks)
    .filter(({ state }) => options.verbose || state === 'problem' || state === 'unseen');
  return shown.flatMap((check) => linesOf(check, options));
}

/** A check as it stands below the table, or below a plan. */
export function linesOf(
  check: Check,
  options: { readonly width: number; readonly colour: boolean; readonly fleetFlag?: string },
): string[] {
  const [sign, role] = signs[check.state];
  const where = printable(check.node === undefined || check.node === check.host ? check.host : check.node);
  const [first = '', ...more] = wrap(`${where} ${check.id}: ${printable(check.says)}`, options.width - 3, '', '  ');
  const next =
    check.next === undefined
      ? []
      : [`     ${paint('quiet', `-> ${printable(withFleet(check.next, options.fleetFlag))}`, options.colour)}`];
  return [`${paint(role, sign.padEnd(2), options.colour)} ${first}`, ...more.map((line) => `   ${line}`), ...next];
}

/** Our own command with the fleet file that was used, so that it can be pasted. */
function withFleet(next: string, flag = ''): string {
  return next.replace(/^redis-runbook (?:status|doctor)\b/, `$&${flag}`);
}

function nextCommands(readiness: Readiness, options: DoctorOptions): readonly NextCommand[] {
  const flag = options.fleetFlag;
  const rights = readiness.hosts.flatMap((host) => host.rights ?? []);
  const lines = rights.some(({ sudo }) => sudo === 'refused' || sudo === 'needs-password')
    ? [{ command: `redis-runbook doctor --sudoers${flag}`, says: 'the lines that sudo needs' }]
    : [];
  const more = options.verbose ? [] : [{ command: `redis-runbook doctor -v${flag}`, says: 'what holds, too' }];
  return [
    ...lines,
    ...more,
    { command: `redis-runbook recover --dry-run${flag}`, says: 'a plan, and what it would meet' },
  ];
}
