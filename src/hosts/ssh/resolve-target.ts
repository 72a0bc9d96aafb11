import { homedir, hostname, userInfo } from 'node:os';
import { RunbookError } from '../../errors.js';
import type { HostEntry, SshSettings } from '../../model/inventory.js';
import { type Asked, type ConfigSource, settingsOf } from './config-source.js';
import {
  type ConfigValues,
  expandPath,
  type JumpName,
  oneOf,
  parseJumps,
  type Tokens,
  wordsOf,
} from './config-values.js';
import { type SshHop, type SshTarget, safeName } from './target.js';

const CONNECT_TIMEOUT_MS = 10_000;
const MOST_JUMPS = 8;

/** What of a host's entry says how it is reached. */
export type Reached = Pick<HostEntry, 'name' | 'address' | 'ssh'>;

/** What resolving may use; all of it has a default: this process' own. */
export interface ResolveOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A file instead of ~/.ssh/config and the system's, as `ssh -F`. */
  readonly configFile?: string;
}

function sourceOf(options: ResolveOptions): ConfigSource {
  const home = homeDirectory();
  const environment = options.environment ?? process.env;
  return { environment, home, ...(options.configFile === undefined ? {} : { file: options.configFile }) };
}

/** As ssh does: the user's own directory, whatever HOME says. */
function homeDirectory(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir();
  }
}

function pathsOf(values: readonly string[], tokens: Tokens, source: ConfigSource): readonly string[] {
  return values
    .filter((path) => path.toLowerCase() !== 'none')
    .flatMap((path) => expandPath(path, tokens, source.environment) ?? []);
}

/** Socket of the agent (ssh_config(5): IdentityAgent). */
function agentOf(values: ConfigValues, tokens: Tokens, source: ConfigSource): string | undefined {
  const said = values.get('identityagent')?.[0];
  if (said?.toLowerCase() === 'none') return undefined;
  if (said === undefined || said === 'SSH_AUTH_SOCK') return source.environment.SSH_AUTH_SOCK || undefined;
  if (said.startsWith('$') && !said.startsWith('${')) return source.environment[said.slice(1)] || undefined;
  return expandPath(wordsOf(said)[0] ?? '', tokens, source.environment);
}

function isYes(values: ConfigValues, name: string, standard: boolean): boolean {
  const value = values.get(name)?.[0]?.toLowerCase();
  return value === undefined ? standard : value === 'yes' || value === 'true';
}

function familyOf(values: ConfigValues): 4 | 6 | undefined {
  const family = values.get('addressfamily')?.[0]?.toLowerCase();
  if (family === 'inet') return 4;
  return family === 'inet6' ? 6 : undefined;
}

function tokensOf(asked: Asked, values: ConfigValues, source: ConfigSource): Tokens {
  const { username, uid } = userInfo();
  const hostName = oneOf(values, 'hostname') ?? asked.host;
  return {
    home: source.home,
    localUser: username,
    localHost: hostname(),
    uid: String(uid),
    host: asked.host,
    hostName,
    port: oneOf(values, 'port') ?? '22',
    user: asked.user ?? oneOf(values, 'user') ?? username,
    alias: oneOf(values, 'hostkeyalias') ?? asked.host,
  };
}

function hopOf(
  asked: Asked,
  values: ConfigValues,
  settings: SshSettings,
  isTarget: boolean,
  source: ConfigSource,
): SshHop {
  const tokens = tokensOf(asked, values, source);
  const family = familyOf(values);
  const agent = agentOf(values, tokens, source);
  const alias = oneOf(values, 'hostkeyalias');
  const several = (name: string) => pathsOf((values.get(name) ?? []).flatMap(wordsOf), tokens, source);
  const identity = settings.identity === undefined ? [] : pathsOf([settings.identity], tokens, source);
  const configured = several('identityfile');
  const ownFile = settings.knownHosts === undefined ? undefined : pathsOf([settings.knownHosts], tokens, source);
  const isOnly = isTarget && identity.length > 0;
  const seconds = Number(oneOf(values, 'connecttimeout'));
  return {
    host: asked.host,
    hostName: safeName(tokens.hostName, 'the HostName of a machine'),
    port: Number(tokens.port),
    user: safeName(tokens.user, 'a user name'),
    identities: isOnly ? identity : [...new Set([...configured, ...identity])],
    identitiesOnly: isOnly || isYes(values, 'identitiesonly', false),
    userKnownHosts: ownFile ?? several('userknownhostsfile'),
    globalKnownHosts: several('globalknownhostsfile'),
    connectTimeoutMs: seconds > 0 ? seconds * 1000 : CONNECT_TIMEOUT_MS,
    ciphers: (oneOf(values, 'ciphers') ?? '').split(',').filter((name) => /^[a-z0-9@.-]+$/.test(name)),
    mayUsePassword: isYes(values, 'passwordauthentication', true),
    mayUseKeyboard: isYes(values, 'kbdinteractiveauthentication', true),
    ...(family === undefined ? {} : { family }),
    ...(agent === undefined ? {} : { agent }),
    ...(alias === undefined ? {} : { hostKeyAlias: safeName(alias, 'a HostKeyAlias') }),
  };
}

function jumpsOf(value: string | undefined, host: string): readonly JumpName[] {
  if (value === undefined) return [];
  const jumps = parseJumps(value);
  if (jumps === undefined || jumps.length > MOST_JUMPS)
    throw new RunbookError('usage', `The ProxyJump of ${host} cannot be understood: ${JSON.stringify(value)}.`);
  for (const jump of jumps) {
    safeName(jump.host, 'a jump host');
    if (jump.user !== undefined) safeName(jump.user, 'a user name');
  }
  return jumps;
}

interface Resolving {
  readonly source: ConfigSource;
  readonly settings: SshSettings;
  readonly signal: AbortSignal;
}

/** The jump hosts, each with its own settings; only the first one's own ProxyJump counts, as with `ssh -J`. */
async function chain(jumps: readonly JumpName[], how: Resolving, depth: number): Promise<readonly SshHop[]> {
  if (depth > MOST_JUMPS)
    throw new RunbookError('usage', 'The ProxyJump settings of ~/.ssh/config go round in a circle.');
  const hops: SshHop[] = [];
  for (const jump of jumps) {
    const values = await settingsOf(jump, how.source, how.signal);
    const before = hops.length === 0 ? jumpsOf(oneOf(values, 'proxyjump'), jump.host) : [];
    refuseCommand(jump.host, hops.length === 0 ? oneOf(values, 'proxycommand') : undefined);
    hops.push(...(await chain(before, how, depth + 1)), hopOf(jump, values, how.settings, false, how.source));
  }
  return hops;
}

function refuseCommand(host: string, command: string | undefined): void {
  if (command === undefined) return;
  throw new RunbookError('usage', `The jump host ${host} has a ProxyCommand; only ProxyJump is followed.`, {
    next: [`ProxyJump   instead of ProxyCommand for ${host} in ~/.ssh/config`],
  });
}

/**
 * How a host is reached: fleet.yaml's words, else OpenSSH's own answer, else its defaults. Names are checked before
 * any process is started. Rejects with RunbookError `usage` for names and settings that cannot be.
 */
export async function resolveTarget(
  entry: Reached,
  signal: AbortSignal,
  options: ResolveOptions = {},
): Promise<SshTarget> {
  const settings = entry.ssh ?? {};
  safeName(entry.address, 'the address of a machine');
  if (settings.user !== undefined) safeName(settings.user, 'a user name');
  const ownJumps = jumpsOf(settings.proxyJump, entry.name);
  const source = sourceOf(options);
  const asked = {
    host: entry.address,
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.port === undefined ? {} : { port: settings.port }),
  };
  const values = await settingsOf(asked, source, signal);
  const command = settings.proxyCommand ?? (oneOf(values, 'proxycommand') === undefined ? undefined : 'configured');
  const configured = settings.proxyCommand === undefined ? jumpsOf(oneOf(values, 'proxyjump'), entry.name) : [];
  const jumps = await chain(ownJumps.length > 0 ? ownJumps : configured, { source, settings, signal }, 0);
  const target = { ...hopOf(asked, values, settings, true, source), name: entry.name, jumps };
  return command === undefined || ownJumps.length > 0 ? target : { ...target, proxyCommand: command };
}

/** Refuses what only the system's ssh can do. Throws RunbookError `fleet-file`. */
export function refuseProxyCommand(target: SshTarget): void {
  if (target.proxyCommand === undefined) return;
  throw new RunbookError(
    'fleet-file',
    `${target.name} is reached through a ProxyCommand, which transport ssh does not run.`,
    {
      next: [
        `transport: openssh   for ${target.name} in fleet.yaml: the system's ssh runs it`,
        'or a jump host: ssh: { proxy-jump: HOST }',
      ],
    },
  );
}
