import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kill, ownAddress, waitFor } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';
import { endOf } from './pipes.js';

/** Hosts and servers that stream for ever, and what it costs the one who looks at them: the whole program, measured from outside. */
const sshds = new OwnSshds();
const started: ChildProcess[] = [];
afterAll(async () => {
  await Promise.all(started.map((child) => kill(child)));
  await sshds.end();
});

const MOST_KIB = 200 * 1024;
/** What is read in all of four hosts: some is under way until a host has heard that nobody listens. */
const MOST_READ_BYTES = 256 * 1024 * 1024;

/** Answers PING as a server does, then everything with the flood that its mode names. */
const fakeRedis = `
const [address, mode] = process.argv.slice(1);
const heads = { bulk: '$2147483647\\r\\n', line: '+', array: '*2147483647\\r\\n', nested: '' };
const block = { bulk: 'x', line: 'x', array: ':1\\r\\n', nested: '*1\\r\\n' }[mode];
const flood = Buffer.from(block.repeat((1 << 18) / block.length | 0));
require('net').createServer((client) => {
  client.on('error', () => undefined);
  let asked = false;
  client.on('data', (chunk) => {
    if (chunk.toString().includes('PING') && !asked) return void client.write('+PONG\\r\\n');
    if (asked) return;
    asked = true;
    client.write(heads[mode]);
    const more = () => { while (!client.destroyed && client.write(flood)); };
    client.on('drain', more);
    more();
  });
}).listen(6379, address);
`;

/** A process whose executable is called as a server's is: only then is it asked anything. */
async function fakeServer(mode: string): Promise<string> {
  const address = ownAddress();
  const program = join(sshds.directory, 'redis-server');
  try {
    copyFileSync(process.execPath, program, 1);
    chmodSync(program, 0o755);
  } catch {
    // Made by the first one.
  }
  const child = spawn(program, ['-e', fakeRedis, address, mode], { stdio: 'ignore' });
  started.push(child);
  await waitFor('the fake server', () => listens(address));
  return address;
}

/** Says nothing and reads nothing: an answer of the fake server would be without end. */
function listens(address: string): Promise<true | undefined> {
  return new Promise((done) => {
    const socket = createConnection({ host: address, port: 6379 });
    socket.once('connect', () => done(true));
    socket.once('error', () => done(undefined));
    socket.once('connect', () => socket.destroy());
  });
}

interface Flooded {
  readonly name: string;
  readonly address: string;
  readonly transport: string;
}

function fleetOf(hosts: readonly Flooded[]): string {
  const config = (name: string) => join(sshds.directory, name);
  const entries = hosts.map(({ name, address, transport }) => {
    mkdirSync(config(name), { recursive: true });
    writeFileSync(join(config(name), 'redis.conf'), `bind ${address}\nport 6379\ndir ${config(name)}\n`);
    writeFileSync(join(config(name), 'sentinel.conf'), `port 26379\ndir ${config(name)}\n`);
    return `  ${name}:
    address: ${address}
    transport: ${transport}
    ssh: { user: ${sshds.user}, port: 22022, identity: ${sshds.identity}, known-hosts: ${sshds.knownHosts} }
    state: ${config(name)}/state
    runs:
      - redis: { config: ${config(name)}/redis.conf }
      - sentinel: { config: ${config(name)}/sentinel.conf }`;
  });
  const path = join(sshds.directory, `fleet-${hosts[0]?.name}.yaml`);
  writeFileSync(path, `name: flood\ngroup: g\ndefaults: { service: process }\nhosts:\n${entries.join('\n')}\n`);
  return path;
}

/** Runs `status` and gives what it said, how long it took and the most memory that it ever had. */
async function status(fleet: string, ...flags: readonly string[]) {
  const home = join(sshds.directory, 'home');
  mkdirSync(home, { recursive: true });
  const began = performance.now();
  const child = spawn(process.execPath, [resolve('bin/redis-runbook.js'), 'status', ...flags, '--fleet', fleet], {
    cwd: home,
    env: { PATH: process.env.PATH ?? '', HOME: home, XDG_STATE_HOME: join(home, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let mostKib = 0;
  let readBytes = 0;
  const watch = setInterval(() => {
    try {
      const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      readBytes = Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${child.pid}/io`, 'utf8'))?.[1] ?? 0);
      mostKib = Math.max(mostKib, Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, 10);
  const ended = await endOf(child);
  clearInterval(watch);
  return { ...ended, mostKib, readBytes, tookMs: performance.now() - began };
}

interface Shown {
  readonly survey: {
    readonly hosts: readonly {
      readonly host: string;
      readonly reached: { readonly ok: boolean; readonly why?: string };
    }[];
  };
}

describe('status of hosts that stream for ever', () => {
  it.each(['ssh', 'openssh'])(
    'ends in time and in bounds over transport %s, and says it for each',
    async (transport) => {
      const commands = [
        'cat /dev/zero',
        'cat /dev/zero >&2',
        // One that knows the look's own mark.
        'read m r; printf "\\n%s part 0\\n" "$m"; yes',
        'yes "$(printf \'\\033[2J\')"',
      ];
      const hosts = await Promise.all(
        commands.map(async (command, index) => {
          const sshd = await sshds.start([`ForceCommand ${command}`]);
          sshds.know(sshd);
          return { name: `flood${index}`, address: sshd.address, transport };
        }),
      );
      const fleet = fleetOf(hosts);
      const seen = await status(fleet, '--json');
      expect(seen.mostKib, `${seen.mostKib} KiB`).toBeGreaterThan(20 * 1024);
      expect(seen.mostKib, `${seen.mostKib} KiB`).toBeLessThan(MOST_KIB);
      expect(seen.readBytes).toBeLessThan(MOST_READ_BYTES);
      expect(seen.tookMs).toBeLessThan(25_000);
      expect(seen.stdout, seen.stderr).toMatch(/^\{/);
      const { survey } = JSON.parse(seen.stdout) as Shown;
      // The one that answered like a look may count as reached; nothing was seen of it.
      const unreached = survey.hosts.filter(({ reached }) => !reached.ok).map(({ host }) => host);
      expect(new Set([...unreached, 'flood2'])).toEqual(new Set(hosts.map(({ name }) => name)));
      const shown = await status(fleet, '--why', '-vv');
      expect(shown.stdout, shown.stderr).toContain('flood0');
      // Nothing that they said reaches a terminal as it is.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(shown.stdout + shown.stderr + seen.stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    },
  );
});

describe('status of servers that answer for ever', () => {
  it.each(['ssh', 'openssh'])('ends in time and in bounds over transport %s', async (transport) => {
    const modes = ['bulk', 'line', 'array', 'nested'] as const;
    const hosts = await Promise.all(
      modes.map(async (mode) => {
        const address = await fakeServer(mode);
        const sshd = await sshds.start([], { at: address });
        sshds.know(sshd);
        return { name: `redis-${mode}`, address, transport };
      }),
    );
    const seen = await status(fleetOf(hosts), '--json');
    expect(seen.mostKib, `${seen.mostKib} KiB`).toBeLessThan(MOST_KIB);
    expect(seen.tookMs).toBeLessThan(25_000);
    expect(seen.stdout, seen.stderr).toMatch(/^\{/);
    const text = seen.stdout;
    for (const mode of modes) expect(text).toContain(`redis-${mode}`);
    expect(text).toMatch(/too-large|no answer in/);
  });
});
