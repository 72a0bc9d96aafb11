import { afterAll, describe, expect, it } from 'vitest';
import { defaultLimits, type Host, type LookRequest } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { lookThrough } from '../../src/hosts/remote/look/look.js';
import { loadInventory } from '../../src/inventory/load.js';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import type { Inventory } from '../../src/model/inventory.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { known } from '../../src/model/seen.js';
import type { Survey } from '../../src/model/survey.js';
import { interpret } from '../../src/survey/interpret.js';
import { ofTheLook, still } from './look-pairs.js';
import { shellChannel } from './shell-channel.js';

const never = new AbortController().signal;
const labs: Lab[] = [];
afterAll(async () => {
  for (const lab of labs) await lab.down({ remove: true });
});

async function up(options: Parameters<typeof labUp>[0]): Promise<Lab> {
  const lab = await labUp(options);
  labs.push(lab);
  return lab;
}

interface Both {
  readonly inventory: Inventory;
  readonly local: readonly RawHost[];
  readonly remote: readonly RawHost[];
  readonly exchanges: readonly number[];
}

/** Looks in both ways at once: a fleet that serves moves on between two looks. */
async function bothLooks(lab: Lab): Promise<Both> {
  const inventory = await loadInventory(lab.fleetFile);
  const request: LookRequest = { groups: inventory.groups, passwords: new Map(), limits: defaultLimits };
  const hosts: readonly Host[] = inventory.hosts.map((entry) => openLocalHost(entry));
  const channels = inventory.hosts.map(({ name }) => shellChannel(name));
  const [local, remote] = await Promise.all([
    Promise.all(hosts.map((host) => host.look(request, never))),
    Promise.all(
      inventory.hosts.map((entry, index) =>
        lookThrough(channels[index] ?? shellChannel('none'), entry, request, never),
      ),
    ),
  ]);
  return { inventory, local, remote, exchanges: channels.map(({ commands }) => commands.length) };
}

/** What a fleet that serves answers differently a moment later. */
const moving =
  /[aA]goMs$|^(offset|lagSeconds|masterReplOffset|secondsSince.*|uptime.*|.*[oO]ffset|lastIo.*|sizeBytes|mtimeMs|ctimeMs|lastTail|usedMemoryBytes)$/;

function expectSame(both: Both): Survey {
  const { inventory, local, remote } = both;
  const seen = interpret(inventory, remote);
  expect(still(seen)).toEqual(still(interpret(inventory, local)));
  expect(still(remote)).toEqual(still(local));
  for (const [index, host] of remote.entries()) {
    expect(host.reached.ok).toBe(true);
    expect(Math.abs(known(host.clockOffsetMs) ?? 99_999)).toBeLessThan(1000);
    const free = (known(host.diskFreeBytes) ?? 0) / (known(local[index]?.diskFreeBytes) ?? 1);
    expect(free).toBeGreaterThan(0.98);
    expect(free).toBeLessThan(1.02);
  }
  return seen;
}

describe('a look through a shell and a look at this machine', () => {
  it('give the same survey of a fleet that serves', async () => {
    const lab = await up({ ownerPid: process.pid, persistence: 'both', seed: 7 });
    await lab.write();
    const both = await bothLooks(lab);
    const dropped = (name: string) => ofTheLook(name) || moving.test(name);
    const { inventory } = both;
    expect(still(interpret(inventory, both.remote), dropped)).toEqual(still(interpret(inventory, both.local), dropped));
    expect(both.exchanges).toEqual(both.remote.map(() => 1));
    const commands = both.remote.map(({ answers }) => answers.map(({ node, command }) => `${node} ${command}`));
    expect(commands).toEqual(both.local.map(({ answers }) => answers.map(({ node, command }) => `${node} ${command}`)));
    for (const { system } of both.remote)
      expect(system).toMatchObject({ ok: true, value: { uname: expect.stringMatching(/^Linux /) } });
  });

  it('bring the same, byte for byte, of a cascade that was shut down', async () => {
    const lab = await up({ ownerPid: process.pid, persistence: 'rdb', seed: 3, sentinels: 5 });
    await lab.break({ scenario: 'cascade', stop: 'clean' });
    const both = await bothLooks(lab);
    const survey = expectSame(both);
    expect(survey.groups[lab.group]?.redis.every(({ rdb }) => rdb.ok)).toBe(true);
    expect(both.exchanges).toEqual(both.remote.map(() => 1));
  });

  it('bring the same of a cascade that crashed with append-only files', async () => {
    const lab = await up({ ownerPid: process.pid, persistence: 'aof', seed: 5, sentinels: 5 });
    await lab.break({ scenario: 'cascade', stop: 'crash' });
    const survey = expectSame(await bothLooks(lab));
    expect(survey.groups[lab.group]?.redis.every(({ aof }) => aof.ok)).toBe(true);
  });

  it('bring the same of a fleet where the power failed everywhere', async () => {
    const lab = await up({ ownerPid: process.pid, persistence: 'both', seed: 9 });
    await lab.break({ scenario: 'all-down' });
    expectSame(await bothLooks(lab));
  });
});
