import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostEntry, NodeEntry, NodeKind } from '../../src/model/inventory.js';

/** A loopback address that no other test of this machine uses: two bytes of our pid, one counted. */
let counted = 0;
export function ownAddress(): string {
  counted += 1;
  return `127.${60 + (process.pid % 150)}.${(process.pid >> 8) % 250}.${counted}`;
}

export async function waitFor<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = Date.now() + 15_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends commands as raw RESP, independent of the client under test, and gives back the raw bytes of the answers. */
export function rawCommand(address: string, port: number, ...commands: readonly string[][]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: address, port });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    for (const words of [...commands, ['QUIT']]) {
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    }
  });
}

export interface OwnHost {
  readonly entry: HostEntry;
  readonly directory: string;
  readonly address: string;
}

/** The processes and directories of one test file, ended by `end`. */
export class OwnRedis {
  readonly #children: ChildProcess[] = [];
  readonly #directories: string[] = [];

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'redis-runbook-hosts-'));
    this.#directories.push(path);
    return path;
  }

  /** A host with a redis and a sentinel node declared; nothing runs yet. */
  async host(name: string, address: string = ownAddress()): Promise<OwnHost> {
    const directory = await this.directory();
    const nodeOf = (kind: NodeKind, port: number): NodeEntry => {
      const config = join(directory, kind, `${kind}.conf`);
      const mode = kind === 'sentinel' ? ['--sentinel'] : [];
      const id = kind === 'redis' ? name : `${name}/sentinel`;
      return {
        kind,
        id,
        host: name,
        address,
        port,
        config,
        unit: '',
        start: ['redis-server', config, ...mode],
        group: 'g',
      };
    };
    const nodes = [nodeOf('redis', 6379), nodeOf('sentinel', 26379)];
    for (const kind of ['redis', 'sentinel']) await mkdir(join(directory, kind, 'data'), { recursive: true });
    const state = join(directory, 'state');
    const entry = {
      name,
      address,
      transport: 'local',
      become: 'none',
      service: 'process',
      state,
      nodes,
      line: 1,
    } as const;
    return { entry, directory, address };
  }

  async config(node: NodeEntry, lines: readonly string[]): Promise<void> {
    const directory = node.config.slice(0, node.config.lastIndexOf('/'));
    const common = [
      `bind ${node.address}`,
      `port ${node.port}`,
      `dir ${directory}/data`,
      `logfile ${directory}/node.log`,
    ];
    await writeFile(node.config, [...common, 'enable-debug-command yes', ...lines, ''].join('\n'));
  }

  /** Starts the node in the foreground and waits until its port is open. */
  async start(node: NodeEntry, environment: Record<string, string> = {}): Promise<ChildProcess> {
    const [program = '', ...args] = node.start;
    const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...environment } });
    this.#children.push(child);
    await waitFor(`${node.id} to listen`, () => isOpen(node.address, node.port));
    return child;
  }

  adopt(child: ChildProcess): ChildProcess {
    this.#children.push(child);
    return child;
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => kill(child)));
    for (const directory of this.#directories) await rm(directory, { recursive: true, force: true });
  }
}

export function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

function isOpen(address: string, port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}
