import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RdbSummary } from '../../src/model/formats.js';
import type { RunningRedis } from '../../src/model/survey.js';
import { parseInfo, parseRunningRedis } from '../../src/redis/info.js';
import { createRdbReader } from '../../src/redis/rdb.js';
import { kill, ownAddress, rawCommand } from '../live/own-redis.js';
import type { Deed } from '../model/deeds.js';
import type { Fleet, Node } from '../model/fleet.js';
import { type Link, linkTo } from './links.js';

const PORT = 6379;
/** Addresses of fleets that have ended: there are fewer in the block of a process than servers in a series. */
const free: string[] = [];
/** Refused: a replica that was started without a master to follow yet. */
const NOWHERE = { host: '127.0.0.1', port: 1 };

/** What one server says of itself, and holds. */
export interface Said {
  readonly running: RunningRedis;
  /** The first offset that its backlog serves. */
  readonly backlogFrom: bigint;
  /** A save, a rewrite or a load is under way. */
  readonly isBusy: boolean;
  /** The numbers of the writes that it holds. */
  readonly writes: readonly number[];
}

/** A redis-server and its directory. */
interface Server {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  child?: ChildProcess;
  startedAt: number;
  /** The database of its last write. */
  database: number;
}

/** Real processes to which deeds are done; `node` is the model's own, as it was right before. */
export interface RealFleet {
  act(deed: Deed, model: Fleet): Promise<void>;
  said(name: string): Promise<Said>;
  /** What the RDB file of a node says; undefined when there is none. */
  file(name: string): RdbSummary | undefined;
  /** Which node listens behind that address of a master; undefined when none does. */
  masterAt(address: string): string | undefined;
  end(): Promise<void>;
}

/** Bytes of one write in a history: SELECT and SET, both of one length always. */
export const WRITE_BYTES = '*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$7\r\nw000000\r\n$1\r\nx\r\n'.length;

/** Makes the directories, the addresses and the links of a fleet; nothing runs yet. */
export async function realFleet(nodes: readonly Pick<Node, 'name' | 'aof' | 'saves'>[]): Promise<RealFleet> {
  const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-model.'));
  const servers = new Map<string, Server>();
  for (const { name } of nodes) {
    const own = join(directory, name);
    mkdirSync(own);
    servers.set(name, { name, address: free.pop() ?? ownAddress(), directory: own, database: 1, startedAt: 0 });
  }
  const links = new Map<string, Link>();
  for (const { name: replica } of nodes)
    for (const { name: master } of nodes) {
      const { address } = serverOf(servers, master);
      if (replica !== master) links.set(`${replica}>${master}`, await linkTo(address, { host: address, port: PORT }));
    }
  const world: World = { servers, links, nodes };
  return {
    act: (deed, model) => act(world, deed, model),
    said: (name) => saidBy(serverOf(servers, name)),
    file: (name) => fileOf(serverOf(servers, name)),
    masterAt: (address) => masterAt(world, address),
    async end() {
      await Promise.all([...servers.values()].map(({ child }) => child && kill(child)));
      for (const link of links.values()) link.close();
      free.push(...[...servers.values()].map(({ address }) => address));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface World {
  readonly servers: ReadonlyMap<string, Server>;
  /** By `replica>master`. */
  readonly links: ReadonlyMap<string, Link>;
  readonly nodes: readonly Pick<Node, 'name' | 'aof' | 'saves'>[];
}

function serverOf(servers: ReadonlyMap<string, Server>, name: string): Server {
  const server = servers.get(name);
  if (!server) throw new Error(`no server ${name}`);
  return server;
}

/** Does a deed to the processes, where the model does it; what follows from it is waited for by who compares. */
async function act({ servers, links, nodes }: World, deed: Deed, model: Fleet): Promise<void> {
  const node = model.nodes.find((each) => each.name === deed.node);
  const server = serverOf(servers, deed.node);
  const ask = (...words: readonly string[]) => asked(server, ...words);
  const own = (of: (replica: string, master: string) => boolean) => {
    for (const [key, link] of links) {
      const [replica = '', master = ''] = key.split('>');
      if (of(replica, master)) link.cut();
    }
  };
  const up = node?.of && links.get(`${node.name}>${node.of.name}`);
  if (!node || (deed.what === 'start') === node.alive) return;
  switch (deed.what) {
    case 'start':
      await start(server, nodes.find(({ name }) => name === deed.node) ?? node, deed.as);
      break;
    case 'write':
      if (node.role === 'master') await writeTo(server, model.written + 1);
      break;
    case 'crash':
    case 'stop':
      if (deed.what === 'stop') await untilAcknowledged(server, node, model);
      await ended(server, deed.what === 'crash' ? 'SIGKILL' : 'SIGTERM');
      own((replica, master) => replica === node.name || master === node.name);
      break;
    case 'save':
      await ask('SAVE');
      break;
    case 'rewrite-aof':
      if (node.aof) await ask('BGREWRITEAOF');
      break;
    case 'promote':
      if (node.role === 'replica') await ask('REPLICAOF', 'NO', 'ONE');
      own((replica) => replica === node.name);
      break;
    case 'cut-link':
      up?.cut();
      break;
    case 'stall':
      if (node.link === 'up') up?.stall();
      break;
    case 'resume':
      up?.resume();
      break;
    case 'lose-backlog':
      await loseBacklog(server, node, model);
      break;
    case 'follow':
    case 'interrupted-copy':
      await follow({ servers, links, nodes }, deed, model);
  }
}

/** The first round of its cron, which may come as late as this, sends a PING to replicas that are there by then (replicationCron). */
const FIRST_ROUND_MS = 1500;

async function untilQuiet({ startedAt }: Server): Promise<void> {
  const ms = startedAt + FIRST_ROUND_MS - performance.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A replica says every second what it has; a stop asks those that have not said everything. */
async function untilAcknowledged(server: Server, node: Node, model: Fleet): Promise<void> {
  const behind = model.nodes.filter(
    (each) => each.of === node && each.link === 'stalled' && each.offset !== node.offset,
  );
  await until(`${server.name} to know what its replicas have`, async () => {
    const { offset, replicas } = (await saidBy(server)).running;
    return replicas.filter((replica) => replica.offset !== offset).length === behind.length;
  });
}

async function loseBacklog(server: Server, node: Node, model: Fleet): Promise<void> {
  const hasReplicas = model.nodes.some((each) => each.alive && each.of === node && each.link !== 'down');
  if (node.role !== 'master' || !node.backlog || hasReplicas) return;
  await asked(server, 'CONFIG', 'SET', 'repl-backlog-ttl', '1');
  await until(`${server.name} to drop its backlog`, async () => !(await saidBy(server)).running.backlogActive);
  await asked(server, 'CONFIG', 'SET', 'repl-backlog-ttl', '0');
}

async function follow(
  { servers, links }: World,
  deed: Extract<Deed, { readonly what: 'follow' | 'interrupted-copy' }>,
  model: Fleet,
): Promise<void> {
  const node = model.nodes.find((each) => each.name === deed.node);
  const master = model.nodes.find((each) => each.name === deed.master);
  const link = links.get(`${deed.node}>${deed.master}`);
  if (!node || !master?.alive || !link || leads(master, node)) return;
  if (deed.what === 'interrupted-copy' && (node.role === 'master' || !master.backlog)) return;
  const server = serverOf(servers, deed.node);
  if (node.role === 'replica' && node.of === master) {
    if (node.link !== 'down') link.cut();
  } else {
    for (const [key, other] of links) if (key.startsWith(`${deed.node}>`)) other.cut();
    await asked(server, 'REPLICAOF', serverOf(servers, deed.master).address, String(link.port));
    for (const [key, other] of links) if (key.startsWith(`${deed.node}>`) && other !== link) other.cut();
  }
  await untilQuiet(serverOf(servers, deed.master));
  link.pass(deed.what === 'follow' ? 'whole' : 'announced');
  const serves = master.role === 'master' || master.link !== 'down';
  if (deed.what === 'follow' && serves) return;
  // Refused without a link (-NOMASTERLINK), or cut in the copy; a partial resynchronization stays up.
  await until(
    `the link of ${deed.node} to end`,
    async () => link.isDown() || (await saidBy(server)).running.masterLinkUp === true,
  );
}

function leads(node: Node, to: Node): boolean {
  for (let at: Node | undefined = node, hops = 0; at && hops < 10; at = at.of, hops++) if (at === to) return true;
  return false;
}

async function writeTo(server: Server, number: number): Promise<void> {
  server.database = 3 - server.database;
  const key = `w${String(number).padStart(6, '0')}`;
  const answer = await rawCommand(server.address, PORT, ['SELECT', String(server.database)], ['SET', key, 'x']);
  if (answer !== '+OK\r\n+OK\r\n+OK\r\n') throw new Error(`${server.name} answered a write with ${answer}`);
}

async function asked(server: Server, ...words: readonly string[]): Promise<string> {
  const answer = await rawCommand(server.address, PORT, [...words]);
  if (answer.startsWith('-')) throw new Error(`${server.name}: ${words.join(' ')}: ${answer}`);
  return answer;
}

async function start(server: Server, node: Pick<Node, 'aof' | 'saves'>, as: 'master' | 'replica'): Promise<void> {
  const lines = [
    `bind ${server.address}`,
    `port ${PORT}`,
    `dir ${server.directory}`,
    `logfile ${server.directory}/redis.log`,
    `appendonly ${node.aof ? 'yes' : 'no'}`,
    'appendfsync no',
    node.saves ? 'save 3600 1' : 'save ""',
    'auto-aof-rewrite-percentage 0',
    'repl-diskless-sync yes',
    'repl-diskless-sync-delay 0',
    // Nothing is in a history but writes.
    'repl-ping-replica-period 3600',
    'repl-timeout 3600',
    'repl-backlog-ttl 0',
    'shutdown-timeout 1',
    ...(as === 'replica' ? [`replicaof ${NOWHERE.host} ${NOWHERE.port}`] : []),
  ];
  const config = join(server.directory, 'redis.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  server.child = spawn('redis-server', [config], { stdio: 'ignore' });
  server.database = 1;
  server.startedAt = performance.now();
  await until(`${server.name} to answer`, async () => !(await saidBy(server)).running.loading);
}

async function ended(server: Server, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { child } = server;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit', { signal: AbortSignal.timeout(30_000) });
  child.kill(signal);
  await gone;
}

async function saidBy(server: Server): Promise<Said> {
  const text = await rawCommand(
    server.address,
    PORT,
    ['INFO'],
    ...['1', '2'].flatMap((database) => [
      ['SELECT', database],
      ['KEYS', '*'],
    ]),
  );
  const info = parseInfo(text);
  const busy = ['loading', 'rdb_bgsave_in_progress', 'aof_rewrite_in_progress', 'aof_rewrite_scheduled'];
  return {
    running: parseRunningRedis(text),
    backlogFrom: BigInt(info.get('repl_backlog_first_byte_offset') ?? '0'),
    isBusy: busy.some((field) => info.get(field) !== '0'),
    writes: [...text.matchAll(/^w(\d{6})\r$/gm)].map(([, digits]) => Number(digits)).sort((a, b) => a - b),
  };
}

function fileOf(server: Server): RdbSummary | undefined {
  try {
    const reader = createRdbReader();
    reader.feed(readFileSync(join(server.directory, 'dump.rdb')));
    return reader.end();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function masterAt({ links, servers }: World, address: string): string | undefined {
  for (const [key, { port }] of links) {
    const [, master = ''] = key.split('>');
    if (address === `${serverOf(servers, master).address}:${port}`) return master;
  }
  return undefined;
}

const LIMIT_MS = 30_000;

/** Waits until it holds; a server that does not answer yet is asked again. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
