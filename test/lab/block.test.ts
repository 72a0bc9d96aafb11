import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { assertLoopback, type Claim, claimBlock, claimHeld, releaseClaim } from '../../src/lab/block.js';
import { readState } from '../../src/lab/state.js';

const claims: Claim[] = [];
const directories: string[] = [];

function labDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'block-test.'));
  writeFileSync(join(directory, 'lab.json'), '{}');
  directories.push(directory);
  return directory;
}

async function claimed(...args: Parameters<typeof claimBlock>): Promise<Claim> {
  const claim = await claimBlock(...args);
  claims.push(claim);
  return claim;
}

afterEach(() => {
  for (const claim of claims.splice(0)) releaseClaim(claim);
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

describe('a claim on a block of addresses', () => {
  it('is given to one of many that want it at once', async () => {
    const { block, ...first } = await claimed(labDirectory());
    releaseClaim({ block, ...first });
    const all = await Promise.all(Array.from({ length: 8 }, () => claimed(labDirectory(), { wanted: block })));
    expect(new Set(all.map((claim) => claim.block)).size).toBe(8);
    expect(all.filter((claim) => claim.block === block)).toHaveLength(1);
  });

  it('of a lab whose owner is gone is taken over', async () => {
    const dead = await claimed(labDirectory(), { ownerPid: 2 ** 22 + 1 });
    const next = await claimed(labDirectory(), { wanted: dead.block });
    expect(next.block).toBe(dead.block);
    expect(claimHeld(dead)).toBe(false);
    releaseClaim(dead);
    expect(claimHeld(next)).toBe(true);
  });

  it('of a lab without an owner lasts', async () => {
    const claim = await claimed(labDirectory());
    const other = await claimed(labDirectory(), { wanted: claim.block });
    expect(other.block).not.toBe(claim.block);
    expect(existsSync(claim.file)).toBe(true);
  });
});

describe('addresses of other machines', () => {
  it.each(['10.0.10.1', '128.0.0.1', '127.0.0.1.evil.example', '127.1', '::1', 'localhost', '127.0.0.256', ''])(
    'refuses %j',
    (address) => {
      expect(() => assertLoopback(address)).toThrow('127.0.0.0/8 only');
    },
  );

  it('refuses a lab.json that names one', () => {
    const directory = labDirectory();
    const host = { name: 'pv1', address: '10.0.10.1', directory, runs: ['redis'], clockMinutes: 0 };
    writeFileSync(join(directory, 'lab.json'), JSON.stringify({ schema: 'redis-runbook/lab/1', hosts: [host] }));
    expect(() => readState(directory)).toThrow('10.0.10.1');
  });
});
