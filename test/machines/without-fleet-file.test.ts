import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTerminal } from '../live/terminal.js';
import { bootFleet } from './machines.js';
import { inNamespace } from './network.js';
import type { Machines } from './shapes.js';

const tool = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));
const hosts = [
  { name: 'pv1', runs: ['redis', 'sentinel'] },
  { name: 'pv2', runs: ['redis', 'sentinel'] },
  { name: 'pvha1', runs: ['sentinel'] },
] as const;

let machines: Machines;
let operator: string;

beforeAll(async () => {
  machines = await bootFleet({ hosts, seed: 5 });
  operator = join(machines.directory, 'operator');
  mkdirSync(join(operator, 'ssh'), { mode: 0o700 });
  mkdirSync(join(operator, 'empty'));
  cpSync(machines.fleet.sshConfig, join(operator, 'ssh', 'config'));
  await machines.untilSettled();
  await machines.write();
});
afterAll(async () => machines.down());

/** In the operator's network, with the operator's ~/.ssh, which is seen by what is started here alone. */
function within(): readonly string[] {
  const mount = `mkdir -p "$HOME_OF_SSH" && mount --bind '${join(operator, 'ssh')}' "$HOME_OF_SSH" && cd '${join(operator, 'empty')}' && exec "$@"`;
  const script = `HOME_OF_SSH=$(getent passwd "$(id -u)" | cut -d: -f6)/.ssh; ${mount}`;
  return [...inNamespace(machines.fleet.operatorNamespace), 'unshare', '-m', 'sh', '-c', script, 'sh'];
}

function run(...args: readonly string[]) {
  const env = { XDG_STATE_HOME: join(operator, 'state') };
  const inside = within().slice(inNamespace(machines.fleet.operatorNamespace).length);
  return machines.asOperator([...inside, process.execPath, tool, ...args], { env, timeoutMs: 120_000 });
}

interface FoundJson {
  readonly members: readonly {
    host: string;
    kind: string;
    known: string;
    runs: boolean;
    config: string;
    unit?: string;
  }[];
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
  readonly file: string;
}

async function found(host: string): Promise<FoundJson & { readonly status: number | null }> {
  const { stdout, stderr, status } = await run('status', host, '--json');
  expect(stdout, stderr).not.toBe('');
  return { ...(JSON.parse(stdout) as { found: FoundJson }).found, status };
}

describe('booted machines, without a fleet file', () => {
  it('are found from any one of them: services, files that only redis may read, and addresses', async () => {
    for (const name of ['pv1', 'pvha1']) {
      const seen = await found(`ops@${name}`);
      expect(seen.conflicts).toEqual([]);
      // What the package brought to the machine that runs a sentinel alone.
      expect(seen.notes).toEqual([
        expect.stringMatching(/^redis \S+ \(\/etc\/redis\/redis\.conf\) is in no group .*: left out$/),
      ]);
      expect(seen.status).toBe(0);
      expect(seen.members.map(({ kind, known, runs, unit }) => `${kind} ${known} ${runs} ${unit}`)).toEqual([
        ...Array.from({ length: 2 }, () => 'redis seen true redis-server'),
        ...Array.from({ length: 3 }, () => 'sentinel seen true redis-sentinel'),
      ]);
      const text = readFileSync(seen.file, 'utf8');
      expect(text).toContain('become: sudo');
      expect(text).not.toContain(machines.password);
    }
  });

  it('are recovered with a person when all services are stopped, by one who may not read a file without sudo', async () => {
    for (const { name } of machines.hosts) await machines.asRoot(name, 'systemctl stop redis-sentinel');
    for (const { name } of machines.hosts) await machines.asRoot(name, 'systemctl stop redis-server 2>/dev/null; true');
    const dead = await found('ops@pv2');
    expect(dead.members.map(({ runs }) => runs)).toEqual([false, false, false, false, false]);
    expect(dead.status).toBe(1);
    const terminal = inTerminal({ directory: operator }, ['recover', 'ops@pv2'], 80, within());
    await terminal.sees('Is that the whole fleet? y or q:');
    terminal.type('y\r');
    await terminal.sees('1 HOLD, 2 KEEP on');
    await terminal.sees('?');
    terminal.type('a\r');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('serves again');
    const writes = await machines.checkWrites();
    expect({ missing: writes.missing, extra: writes.extra }).toEqual({ missing: [], extra: [] });
  });
});
