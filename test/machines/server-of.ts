import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseOf } from './disk.js';
import { kinds, type MachineKind } from './kinds.js';
import { must } from './run.js';

/** The server of a base with its own loader and libraries, copied into `copies`: the base is shared and stays as it is. */
export async function serverOf(kind: MachineKind, copies: string): Promise<readonly [string, ...string[]]> {
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
