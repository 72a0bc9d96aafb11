import { createHash } from 'node:crypto';
import type { ConfigLine } from '../model/formats.js';
import type { NodeKind } from '../model/inventory.js';
import { canonicalName } from '../redis/directive-names.js';
import { inDirectory, isPattern } from '../redis/includes.js';
import { parseConfig } from '../redis/redis-conf.js';
import { quoteArg } from '../redis/tokenise.js';

/** A config text that touches nothing, and for each of its lines (0-based) the line of the real files that it stands for. */
export interface TrialText {
  readonly text: string;
  readonly origins: readonly (ConfigLine | undefined)[];
}

/** The config files of a node: the main file's path, texts by path, expanded patterns by pattern. */
export interface TrialFiles {
  readonly main: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly globs: ReadonlyMap<string, readonly string[]>;
}

/**
 * Directives that reach out of the directory: files opened while the text is read or right after (config.c, server.c:main),
 * programs and modules that are run, sockets that are listened on, other machines. Their lines become blank.
 */
const touching: ReadonlySet<string> = new Set([
  'include',
  'loadmodule',
  'loadmodule-config',
  'dir',
  'logfile',
  'pidfile',
  'aclfile',
  'unixsocket',
  'unixsocketperm',
  'unixsocketgroup',
  'daemonize',
  'supervised',
  'syslog-enabled',
  'syslog-ident',
  'syslog-facility',
  'oom-score-adj',
  'oom-score-adj-values',
  'bind-source-addr',
  'replica-announce-ip',
  'replica-announce-port',
  'cluster-enabled',
  'cluster-config-file',
  'cluster-port',
  'backupdirname',
  'preload-file',
  'rdma-port',
  'rdma-bind',
]);

/** Sentinel statements that run a program or announce an address. */
const touchingSentinel: ReadonlySet<string> = new Set([
  'notification-script',
  'client-reconfig-script',
  'announce-ip',
  'announce-port',
  'announce-hostnames',
]);

/** Said last, so that they count: what a directive that slipped through would have done is taken back. */
const closing: Readonly<Record<NodeKind, readonly string[]>> = {
  redis: ['port 0', 'unixsocket trial.sock', 'save ""', 'appendonly no', 'daemonize no', 'logfile ""'],
  sentinel: ['port 0', 'unixsocket trial.sock', 'daemonize no', 'logfile ""'],
};

/**
 * Rewrites the config of a node so that a server started with it touches nothing: includes stand in their place, touching
 * directives are blank lines, every address becomes a loopback address with port 1 (equal addresses stay equal, different
 * ones different, or duplicates would be made or hidden), a sentinel gets another id. Lines that cannot be split stay as
 * they are: they are what the parser is asked about.
 */
export function trialText(kind: NodeKind, files: TrialFiles): TrialText {
  const lines = inlined(files);
  const addresses = new Map<string, string>();
  const out = lines.map((line) => rewritten(kind, line, addresses));
  return {
    text: `${[...out, ...closing[kind]].join('\n')}\n`,
    origins: [...lines, ...closing[kind].map(() => undefined)],
  };
}

/** Above this many lines the includes of a hostile file are no longer followed. */
const lineLimit = 100_000;

function inlined(files: TrialFiles): readonly ConfigLine[] {
  const state = { dir: '.', lines: 0 };
  function follow(file: string, chain: readonly string[]): readonly ConfigLine[] {
    if (state.lines > lineLimit) return [];
    state.lines += 1;
    return parseConfig(file, files.texts.get(file) ?? '', chain).flatMap((line) => {
      state.lines += 1;
      if (line.name === 'dir') state.dir = inDirectory(state.dir, line.args[0] ?? '.');
      if (line.name !== 'include') return [line];
      const include = line.args[0] ?? '';
      const paths = isPattern(include) ? (files.globs.get(include) ?? []) : [include];
      const known = paths.map((path) => (files.texts.has(path) ? path : inDirectory(state.dir, path)));
      const fresh = known.filter((path) => path !== file && !chain.some((place) => place.startsWith(`${path}:`)));
      return [line, ...fresh.flatMap((path) => follow(path, [...chain, `${file}:${line.line}`]))];
    });
  }
  return follow(files.main, []);
}

function rewritten(kind: NodeKind, line: ConfigLine, addresses: Map<string, string>): string {
  const raw = line.raw.replace(/\r$/, '');
  if (line.name === '') return raw;
  const name = canonicalName(line.name);
  if (touching.has(name) || name.startsWith('tls-')) return '';
  if (name === 'port') return line.args.length === 1 && isPort(line.args[0]) ? 'port 0' : raw;
  if (name === 'replicaof') return replicaofLine(line, addresses);
  if (name === 'sentinel' && kind === 'sentinel') return sentinelLine(line, addresses);
  return raw;
}

function replicaofLine(line: ConfigLine, addresses: Map<string, string>): string {
  const [host = '', port = '', ...more] = line.args;
  const none = host.toLowerCase() === 'no' && port.toLowerCase() === 'one';
  if (none || more.length > 0 || !isPort(port)) return line.raw;
  return `${line.name} ${mapped(host, port, addresses)}`;
}

function sentinelLine(line: ConfigLine, addresses: Map<string, string>): string {
  const [sub = '', ...rest] = line.args;
  const name = sub.toLowerCase();
  if (touchingSentinel.has(name)) return '';
  if (name === 'myid' && rest.length === 1) return `sentinel myid ${otherId(rest[0] ?? '')}`;
  if (!['monitor', 'known-replica', 'known-slave', 'known-sentinel'].includes(name)) return line.raw;
  const [group, host, port, ...more] = rest;
  if (group === undefined || host === undefined || !isPort(port)) return line.raw;
  const words = more.map(quoteArg).join(' ');
  return `sentinel ${sub} ${quoteArg(group)} ${mapped(host, port ?? '', addresses)} ${words}`.trimEnd();
}

/** Port 1 of loopback addresses that nothing else uses; inside a network namespace not even those are reached. */
function mapped(host: string, port: string, addresses: Map<string, string>): string {
  const key = `${host.toLowerCase()} ${port}`;
  const n = addresses.size;
  const address = addresses.get(key) ?? `127.0.${Math.floor(n / 250)}.${(n % 250) + 1} 1`;
  addresses.set(key, address);
  return address;
}

function isPort(word: string | undefined): boolean {
  return word !== undefined && /^\d{1,5}$/.test(word) && Number(word) <= 65535;
}

/** Another id of the same form; one of a wrong form stays wrong. */
function otherId(id: string): string {
  if (!/^[0-9a-zA-Z]{40}$/.test(id)) return quoteArg(id);
  return createHash('sha1').update(`trial of ${id}`).digest('hex');
}
