import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { resolveTarget } from '../../src/hosts/ssh/resolve-target.js';
import type { SshTarget } from '../../src/hosts/ssh/target.js';
import type { SshSettings } from '../../src/model/inventory.js';
import { ownAddress, waitFor } from './own-redis.js';

const PORT = 22022;

/** Lines of sshd_config that a test adds or overrides; the first one of a keyword counts. */
export type SshdLines = readonly string[];

export interface OwnSshd {
  readonly address: string;
  readonly port: number;
  /** The public key line without a comment, of the first host key. */
  readonly publicKey: string;
  readonly directory: string;
  /** Paths of its private host keys, for a server that comes back as the same machine. */
  readonly hostKeys: readonly string[];
  readonly log: () => string;
  /** Ends every session of this server, as a network that breaks does; the server goes on listening. */
  cut(): void;
  /** Pids of what its sessions run now: shells, and what they started. */
  commands(): readonly number[];
  /** Pids of everything that was started in a session of it and runs, also of one that has ended. */
  started(): readonly number[];
  stop(): Promise<void>;
}

/** Pids of the direct children of a process. */
export function childrenOf(pid: number): readonly number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function isSshd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd');
  } catch {
    return false;
  }
}

/** Everything below a process. */
function below(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...below(child)]);
}

/** By the HOME that the server gives to what it starts. */
function startedIn(home: string): readonly number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${home}`);
    } catch {
      return false;
    }
  });
}

/** The session processes below a server, the commands they run left out. */
function sessions(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => (isSshd(child) ? [child, ...sessions(child)] : []));
}

/** SIGKILL to a process of ours that may have ended by itself. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The sshd processes, keys and agents of one test file, in one directory; `end` ends them all by pid. */
export class OwnSshds {
  readonly directory = mkdtempSync(join(tmpdir(), 'redis-runbook-ssh-'));
  readonly #children: ChildProcess[] = [];
  readonly user = userInfo().username;
  /** The key that every server of the file accepts. */
  readonly identity = this.key('id');
  readonly knownHosts = join(this.directory, 'known_hosts');
  readonly configFile = join(this.directory, 'config');
  #counted = 0;

  constructor() {
    // sshd started by root wants this directory even where it never drops privileges into it.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    writeFileSync(this.knownHosts, '');
    writeFileSync(this.configFile, 'IdentityAgent none\n');
  }

  /** A new key pair; returns the path of the private one. */
  key(name: string, type = 'ed25519', passphrase = '', ...more: readonly string[]): string {
    const path = join(this.directory, name);
    rmSync(path, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', name, '-f', path, ...more]);
    return path;
  }

  publicKey(path: string): string {
    return readFileSync(`${path}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ');
  }

  /** Starts a server; its key is known to nobody yet. `at` gives the address of one that was stopped. */
  async start(lines: SshdLines = [], options: { at?: string; hostKeys?: readonly string[] } = {}): Promise<OwnSshd> {
    const address = options.at ?? ownAddress();
    this.#counted += 1;
    const directory = join(this.directory, `sshd-${this.#counted}`);
    mkdirSync(directory);
    const keys = options.hostKeys ?? [this.key(`host-${this.#counted}`)];
    const authorized = join(directory, 'authorized_keys');
    writeFileSync(authorized, `${this.publicKey(this.identity)}\n`);
    const config = [
      ...lines,
      `ListenAddress ${address}`,
      `Port ${PORT}`,
      ...keys.map((key) => `HostKey ${key}`),
      `AuthorizedKeysFile ${authorized}`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'PermitRootLogin yes',
      // bash reads ~/.bashrc for commands over ssh: what is in the account's own one must not decide how a test ends.
      `SetEnv HOME=${directory}`,
      'MaxStartups 100',
      'LogLevel VERBOSE',
    ];
    writeFileSync(join(directory, 'sshd_config'), `${config.join('\n')}\n`);
    const child = spawn('/usr/sbin/sshd', ['-f', join(directory, 'sshd_config'), '-D', '-e'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#children.push(child);
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
    });
    await waitFor(`sshd on ${address}: ${log}`, () => answers(address));
    const pid = child.pid ?? 0;
    const cut = () => sessions(pid).forEach(kill);
    const stop = async () => {
      cut();
      child.kill('SIGKILL');
      await waitFor('the end of sshd', () => child.exitCode !== null || child.signalCode !== null);
    };
    return {
      address,
      port: PORT,
      publicKey: this.publicKey(keys[0] ?? ''),
      directory,
      hostKeys: keys,
      log: () => log,
      cut,
      commands: () => below(pid).filter((each) => !isSshd(each)),
      started: () => startedIn(directory),
      stop,
    };
  }

  /** Makes a server's key known. */
  know(sshd: OwnSshd): void {
    appendFileSync(this.knownHosts, `[${sshd.address}]:${sshd.port} ${sshd.publicKey}\n`);
  }

  /** The settings that fleet.yaml would give for these servers. */
  settings(more: SshSettings = {}): SshSettings {
    return { user: this.user, port: PORT, identity: this.identity, knownHosts: this.knownHosts, ...more };
  }

  /** How a server is reached, resolved as for a host of the fleet. */
  target(sshd: Pick<OwnSshd, 'address'>, more: SshSettings = {}, configFile = this.configFile): Promise<SshTarget> {
    const entry = { name: 'pv1', address: sshd.address, ssh: this.settings(more) };
    return resolveTarget(entry, new AbortController().signal, { configFile });
  }

  /** An agent with these keys; returns its socket. */
  async agent(...keys: readonly string[]): Promise<string> {
    this.#counted += 1;
    const socket = join(this.directory, `agent-${this.#counted}`);
    const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    this.#children.push(child);
    const environment = { ...process.env, SSH_AUTH_SOCK: socket };
    await waitFor('the agent', () => {
      try {
        execFileSync('ssh-add', ['-q', ...keys], { env: environment, stdio: 'ignore' });
        return true;
      } catch {
        return undefined;
      }
    });
    return socket;
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      if (child.pid !== undefined) sessions(child.pid).forEach(kill);
      child.kill('SIGKILL');
    }
    await waitFor('the end of all', () => this.#children.every((c) => c.exitCode !== null || c.signalCode !== null));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function answers(address: string): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port: PORT });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}
