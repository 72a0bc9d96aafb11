import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseTarget } from '../../src/audit/target.js';
import { agreement, printAgreement, refusedShare, startIn, tooFar } from '../audit/agreement.js';
import { baseOf } from './disk.js';
import { kinds, type MachineKind } from './kinds.js';
import { must } from './run.js';

const copies = mkdtempSync(join(tmpdir(), 'redis-runbook-servers.'));
const count = Number(process.env.RUNBOOK_STARTS_COUNT ?? '1500');
const others: readonly MachineKind[] = ['bullseye-sysv', 'trixie', 'trixie-valkey'];

afterAll(() => rmSync(copies, { recursive: true, force: true }));

/** The server of a base with its own loader and libraries, copied: the base is shared and stays as it is. */
async function serverOf(kind: MachineKind): Promise<readonly string[]> {
  const base = await baseOf(kind);
  const { family } = kinds[kind];
  const place = join(copies, kind);
  mkdirSync(place);
  chmodSync(copies, 0o755);
  const needed = await must(['chroot', base, 'ldd', `/usr/bin/${family}-check-rdb`], { timeoutMs: 30_000 });
  for (const path of needed.match(/\/\S+(?=\s\(0x)/g) ?? []) {
    const real = await must(['chroot', base, 'readlink', '-f', path], { timeoutMs: 30_000 });
    copyFileSync(join(base, real.trim()), join(place, path.split('/').at(-1) ?? ''));
  }
  const server = join(place, `${family}-server`);
  copyFileSync(join(base, 'usr/bin', `${family}-check-rdb`), server);
  const loader = readdirSync(place).find((name) => name.startsWith('ld-linux'));
  if (loader === undefined) throw new Error(`no loader of ${kind} among ${readdirSync(place).join(' ')}`);
  chmodSync(join(place, loader), 0o755);
  return [join(place, loader), '--library-path', place, server];
}

describe.each(others)('%s', (kind) => {
  test('what the audit says of mutated configs is what its server does', async () => {
    const { family, series } = kinds[kind];
    const target = parseTarget(`${family}-${series}`);
    if (target === undefined) throw new Error(`no target ${series}`);
    const server = await serverOf(kind);
    expect((await startIn(server, 'redis', 'port 0\nunixsocket node.sock\n')).starts).toBe(true);

    const all = await agreement(server, target, 3, count);

    process.stdout.write(`${family}-${series}\n${printAgreement(all)}\n`);
    expect(tooFar(all)).toEqual([]);
    expect(refusedShare(all)).toBeGreaterThan(0.4);
  });
});
