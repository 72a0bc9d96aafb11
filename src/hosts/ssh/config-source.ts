import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { childEnd, startChild } from '../child.js';
import { expandGlob } from '../glob.js';
import { codeOf } from '../reading.js';
import { runToEnd } from '../running.js';
import { type ConfigValues, parseSettings } from './config-values.js';

/** Where ssh's settings come from. */
export interface ConfigSource {
  /** The operator's environment: PATH, HOME, SSH_AUTH_SOCK. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** A file instead of ~/.ssh/config and the system's, as `ssh -F`. */
  readonly file?: string;
}

/** What is asked: a checked name, and what wins over the configuration. */
export interface Asked {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

const LIMITS = { timeoutMs: 10_000, limitBytes: 256 * 1024 };
const INCLUDE_DEPTH = 16;

/** The environment of an ssh that may ask nobody: what finds keys, agents and tickets, nothing else of ours. */
export function sshEnvironment(environment: ConfigSource['environment']): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'TZ',
    'SSH_AUTH_SOCK',
    'KRB5CCNAME',
    'KRB5_CONFIG',
    'XDG_RUNTIME_DIR',
  ];
  const given = names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]] as const]));
  return { ...Object.fromEntries(given), LC_ALL: 'C', SHELL: '/bin/sh', SSH_ASKPASS_REQUIRE: 'never' };
}

function askedFlags(asked: Asked, source: ConfigSource): string[] {
  return [
    ...(source.file === undefined ? [] : ['-F', source.file]),
    ...(asked.user === undefined ? [] : ['-o', `User=${asked.user}`]),
    ...(asked.port === undefined ? [] : ['-o', `Port=${asked.port}`]),
  ];
}

/**
 * OpenSSH's own answer (`ssh -G`), or that of a parser of its files where no `ssh` is installed. The names must have
 * been checked by `safeName`. Throws RunbookError `usage` with ssh's words when the configuration has mistakes.
 */
export async function settingsOf(asked: Asked, source: ConfigSource, signal: AbortSignal): Promise<ConfigValues> {
  const child = startChild(
    'ssh',
    ['-G', ...askedFlags(asked, source), '--', asked.host],
    sshEnvironment(source.environment),
  );
  const end = childEnd(child);
  const running = {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: end,
    kill: () => void child.kill(),
  };
  try {
    const { status, stdout, stderr } = await runToEnd(running, LIMITS, signal);
    if (status === 0) return parseSettings(Buffer.from(stdout).toString('utf8'));
    const said = Buffer.from(stderr).toString('utf8').trim().split('\n');
    throw new RunbookError('usage', `ssh cannot read its configuration for ${asked.host}.`, {
      facts: said.slice(0, 5),
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return parsedSettings(asked, source);
  }
}

async function textWithIncludes(file: string, home: string, depth: number): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return '';
    throw error;
  });
  const lines = text.split('\n').map(async (line) => {
    const [, paths] = /^\s*include[\s=]+(.*)$/i.exec(line) ?? [];
    if (paths === undefined || depth >= INCLUDE_DEPTH) return line;
    const wanted = paths
      .trim()
      .split(/\s+/)
      .map((path) => {
        const bare = path.replace(/^"|"$/g, '').replace(/^~/, home);
        return isAbsolute(bare) ? bare : join(dirname(file), bare);
      });
    const files = (await Promise.all(wanted.map(expandGlob))).flat();
    return (await Promise.all(files.map((path) => textWithIncludes(path, home, depth + 1)))).join('\n');
  });
  return (await Promise.all(lines)).join('\n');
}

const defaultIdentities = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/** ssh's defaults, which the files do not say (ssh_config(5)). */
function defaults(asked: Asked, source: ConfigSource): ReadonlyMap<string, readonly string[]> {
  return new Map([
    ['hostname', [asked.host]],
    ['port', ['22']],
    ['identityfile', defaultIdentities.map((name) => `~/.ssh/${name}`)],
    ['userknownhostsfile', [`${source.home}/.ssh/known_hosts ${source.home}/.ssh/known_hosts2`]],
    ['globalknownhostsfile', ['/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2']],
  ]);
}

/** As `settingsOf` without ssh; `Match exec` runs nothing and matches nothing. */
async function parsedSettings(asked: Asked, source: ConfigSource): Promise<ConfigValues> {
  const { default: SSHConfig, ...library } = await import('ssh-config');
  const files = source.file === undefined ? [join(source.home, '.ssh/config'), '/etc/ssh/ssh_config'] : [source.file];
  const texts = await Promise.all(files.map((file) => textWithIncludes(file, source.home, 0)));
  const config = library.parse(texts.join('\nHost *\n'));
  if (!(config instanceof SSHConfig)) throw new TypeError('ssh-config has read no configuration');
  const query = { Host: asked.host, ...(asked.user === undefined ? {} : { User: asked.user }) };
  const computed = config.compute(query, { ignoreCase: true, matchExec: false });
  const given = Object.entries(computed).map(
    ([name, value]) => [name, Array.isArray(value) ? value : [value]] as const,
  );
  const fixed = [
    ...(asked.user === undefined ? [] : [['user', [asked.user]] as const]),
    ...(asked.port === undefined ? [] : [['port', [String(asked.port)]] as const]),
  ];
  return new Map([...defaults(asked, source), ...given, ...fixed]);
}
