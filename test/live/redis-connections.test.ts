import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits, type Host } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openReader } from '../../src/hosts/redis-client.js';
import { endpointOf } from '../../src/hosts/redis-endpoint.js';
import { relayed } from '../../src/hosts/relay.js';
import { type RelayTool, relayTools } from '../../src/hosts/relay-scripts.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { shellLine } from '../../src/hosts/shell-quote.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import { Secret } from '../../src/model/secret.js';
import { type Certificates, makeCertificates, tlsLines } from './certificates.js';
import { OwnRedis, ownAddress, rawCommand, waitFor } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';

const own = new OwnRedis();
const sshds = new OwnSshds();
const never = new AbortController().signal;
const options = { timeoutMs: 8000 };
const password = 'pa55 w"ord-of-this-test';
const told: string[] = [];
let certificates: Certificates;
let entry: HostEntry;
let node: NodeEntry;
let socket: string;
const hosts = new Map<string, Host>();

async function start(of: NodeEntry): Promise<ChildProcess> {
  const [program = '', ...args] = of.start;
  return own.adopt(spawn(program, args, { stdio: 'ignore' }));
}

beforeAll(async () => {
  const made = await own.host('pv1');
  const [redis] = made.entry.nodes;
  if (!redis) throw new Error('no node');
  node = redis;
  await chmod(made.directory, 0o755);
  certificates = makeCertificates(made.directory);
  socket = join(made.directory, 'redis.sock');
  await own.config(node, [
    ...tlsLines(certificates, 6379),
    `unixsocket ${socket}`,
    'user default off',
    'user ops on ">pa55 w\\"ord-of-this-test" ~* &* +@all',
  ]);
  await start(node);
  await waitFor('the socket', () => existsSync(socket));
  entry = { ...made.entry, nodes: [{ ...node, user: 'ops' }] };
  const on = async (lines: readonly string[]) => {
    const sshd = await sshds.start(lines);
    sshds.know(sshd);
    return sshds.target(sshd);
  };
  const off = ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'];
  const verify = hostKeyVerifier({});
  const open = await on([]);
  const closed = await on(off);
  const tools = { verify, configFile: sshds.configFile };
  const tell = (line: string) => told.push(line);
  hosts.set('local', openLocalHost(entry));
  hosts.set('over a shell', openRemoteHost(entry, openLocalChannel('pv1')));
  hosts.set('ssh2', openRemoteHost(entry, openSshChannel(open, { verify })));
  hosts.set('openssh', openRemoteHost(entry, openOpensshChannel(open, tools)));
  hosts.set('ssh2 without forwarding', openRemoteHost(entry, openSshChannel(closed, { verify }), { tell }));
  hosts.set('openssh without forwarding', openRemoteHost(entry, openOpensshChannel(closed, tools), { tell }));
}, 60_000);

afterAll(async () => {
  for (const host of hosts.values()) await host.close();
  await own.end();
  await sshds.end();
});

const names = ['local', 'over a shell', 'ssh2', 'openssh', 'ssh2 without forwarding', 'openssh without forwarding'];
const credentials = { password: new Secret(password), user: 'ops', always: true } as const;

function host(name: string): Host {
  const found = hosts.get(name);
  if (!found) throw new Error(name);
  return found;
}

async function ask(on: Host, of: NodeEntry, given: typeof credentials | undefined = credentials) {
  const opened = await openReader(on, endpointOf(of, given), options, never);
  if (!opened.ok) return opened.detail;
  const answer = await opened.value.ask('ROLE');
  opened.value.close();
  return answer.ok && Array.isArray(answer.value) ? answer.value[0] : answer;
}

function withTls(more: object = {}): NodeEntry {
  const { ca, cert, key, name } = certificates;
  return { ...node, tls: { ca, cert, key, serverName: name, ...more } };
}

describe.each(names)('over %s', (name) => {
  it('a user logs in over TLS', async () => {
    expect(await ask(host(name), withTls())).toBe('master');
  });

  it('a user logs in over a unix socket', async () => {
    expect(await ask(host(name), { ...node, socket })).toBe('master');
  });

  it('a look finds the socket and the user by the config file', async () => {
    const request = { groups: ['g'], passwords: new Map([[node.id, new Secret(password)]]), limits: defaultLimits };
    const raw = await host(name).look(request, never);
    const info = raw.answers.find(({ command }) => command === 'INFO all');
    expect(info?.answer).toMatchObject({ ok: true, value: expect.stringContaining('redis_version:7') });
  });
});

it('says once for each host that a relay is used', () => {
  expect(told.length).toBe(2);
  expect(told[0]).toContain('forwards no connections');
});

describe('a certificate that is not right', () => {
  it.each([
    [
      'another name',
      () => withTls({ serverName: 'other.lab' }),
      /is for DNS:redis\.lab, not for other\.lab.*server-name/,
    ],
    [
      'an unknown authority',
      () => ({ ...node, tls: {} }),
      /not signed by an authority that this machine trusts.*tls: \{ ca: FILE \}/,
    ],
    [
      'none of ours',
      () => ({ ...node, tls: { ca: certificates.ca, serverName: 'redis.lab' } }),
      /wants a certificate of ours.*cert: FILE/,
    ],
    ['no TLS asked of a TLS port', () => node, /./],
  ] as const)('is told: %s', async (_what, of, says) => {
    const detail = await ask(host('local'), of());
    expect(detail).not.toBe('master');
    expect(String(detail)).toMatch(says);
  });
});

describe.each(relayTools.filter((tool) => !['socat', 'nc'].includes(tool)))('a relay of %s', (tool: RelayTool) => {
  let echo: Server;
  const address = ownAddress();
  const channel = openLocalChannel('here');
  const open = (script: { script: string; args: readonly string[] }, signal: AbortSignal) =>
    channel.open(shellLine(['/bin/sh', '-c', script.script, 'sh', ...script.args]), signal);
  beforeAll(async () => {
    echo = createServer((each) => each.on('error', () => undefined).pipe(each));
    await new Promise<void>((resolve) => echo.listen(7000, address, resolve));
  });
  afterAll(() => void echo.close());
  const count = () => new Promise<number>((resolve) => echo.getConnections((_, n) => resolve(n)));

  it('carries every byte both ways and ends with our end', async () => {
    const stream = await relayed(open, 'here', address, 7000, never, [tool]);
    const sent = Buffer.concat(Array.from({ length: 4000 }, () => Uint8Array.from({ length: 256 }, (_, i) => i)));
    const parts: Buffer[] = [];
    let got = 0;
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      got += part.length;
    });
    stream.write(sent);
    await waitFor('the echo', () => got >= sent.length);
    expect(Buffer.compare(Buffer.concat(parts), sent)).toBe(0);
    stream.destroy();
    await waitFor('the end', async () => (await count()) === 0);
  });

  it('ends when the other side ends, and says when it is refused', async () => {
    const once = createServer((each) => each.once('data', () => each.destroy()));
    await new Promise<void>((resolve) => once.listen(7001, address, resolve));
    const stream = await relayed(open, 'here', address, 7001, never, [tool]);
    let closed = false;
    stream
      .on('error', () => undefined)
      .on('close', () => {
        closed = true;
      });
    stream.resume().write('x');
    await waitFor('the close', () => closed);
    once.close();
    await expect(relayed(open, 'here', address, 1, never, [tool])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

it('no relay tool is an error with the next command', async () => {
  const channel = openLocalChannel('here');
  const open = (script: { script: string; args: readonly string[] }, signal: AbortSignal) =>
    channel.open(shellLine(['/bin/sh', '-c', script.script, 'sh', ...script.args]), signal);
  await expect(relayed(open, 'here', ownAddress(), 1, never, [])).rejects.toMatchObject({ word: 'unsupported' });
});

it('a fake listener gets no AUTH, and gives no evidence', async () => {
  const fake = await own.host('pv9');
  const [redis] = fake.entry.nodes;
  if (!redis) throw new Error('no node');
  await own.config(redis, [`requirepass never-to-be-sent`]);
  await chmod(fake.directory, 0o755);
  const log = join(fake.directory, 'received');
  await writeFile(log, '');
  await chmod(log, 0o666);
  const script = `import socket,sys
s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); s.bind((sys.argv[1],6379)); s.listen(9)
while True:
    c,_=s.accept(); b=c.recv(65536); open(sys.argv[2],"ab").write(b); c.sendall(b"-NOAUTH Authentication required.\\r\\n")
    c.settimeout(2)
    try: open(sys.argv[2],"ab").write(c.recv(65536))
    except Exception: pass
    c.close()`;
  const drop = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const argv = [...drop, '/usr/bin/env', 'python3', '-c', script, fake.address, log];
  own.adopt(spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' }));
  await waitFor('the listener', () =>
    rawCommand(fake.address, 6379, ['PING']).then(
      () => true,
      () => undefined,
    ),
  );
  await writeFile(log, '');
  const { readFile } = await import('node:fs/promises');
  for (const on of [openLocalHost(fake.entry), openRemoteHost(fake.entry, openLocalChannel('pv9'))]) {
    const seen = await openReader(on, endpointOf(redis, { password: new Secret('never-to-be-sent') }), options, never);
    expect(seen).toMatchObject({ ok: false, why: 'denied', detail: expect.stringContaining('not by redis-server') });
    const raw = await on.look({ groups: ['g'], passwords: new Map(), limits: defaultLimits }, never);
    expect(raw.answers.filter((each) => each.node === 'pv9').every(({ answer }) => !answer.ok)).toBe(true);
  }
  const received = await readFile(log, 'latin1');
  expect(received).toContain('PING');
  expect(received).not.toContain('AUTH');
  expect(received).not.toContain('never-to-be-sent');
});
