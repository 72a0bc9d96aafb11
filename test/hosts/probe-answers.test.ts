import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMachine, readPlaces } from '../../src/hosts/remote/probe-answers.js';
import { rootShell, sudoersLine } from '../../src/hosts/remote/root-commands.js';

const machine = readMachine(`Welcome to pv1
missing setpriv|runuser
systemd
program /usr/bin/redis-server Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d5abc
program /usr/bin/valkey-server what is this
mount / ext4 rw,relatime
mount /etc ext4 ro,relatime
mount /var/lib/my\\040data tmpfs rw
`);

describe('what a probe brought back', () => {
  test('of the machine: tools, servers, mounts; a greeting is passed over', () => {
    expect(machine.missing).toEqual(['setpriv|runuser']);
    expect(machine.systemd).toBe(true);
    expect(machine.programs).toEqual([
      { path: '/usr/bin/redis-server', version: '7.0.15' },
      { path: '/usr/bin/valkey-server', version: '' },
    ]);
  });

  test('of the places: room, right, read-only and in memory, and what was not seen', () => {
    const text = [
      '0 yes yes /dev/sda1 1000 400 600 40% /',
      '1 yes yes /dev/sda1 1000 400 600 40% /etc',
      '2 no yes tmpfs 1000 400 600 40% /var/lib/my data',
      '3 unseen no ',
    ].join('\n');
    const paths = ['/var/lib/redis', '/etc/redis', '/var/lib/my data/x', '/secret/x'];
    const places = readPlaces(text, paths, machine.mounts);
    expect(places.map(({ exists }) => exists)).toEqual([true, true, false, undefined]);
    expect(places.map(({ readOnly }) => readOnly)).toEqual([false, true, false, false]);
    expect(places.map(({ freeBytes }) => freeBytes)).toEqual([614_400n, 614_400n, 614_400n, undefined]);
    expect(places[2]?.fileSystem).toBe('tmpfs');
  });
});

describe('what goes through sudo', () => {
  test('is the shell of the table, wherever sudo is called', () => {
    const root = join(import.meta.dirname, '../../src');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const calls = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => /\bsudo -[nS]/.test(line) && !/^\s*(\*|\/\*|\/\/)/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    const isShell = (line: string) =>
      [
        `sudo -n ${rootShell} `,
        `sudo -n \${rootShell} `,
        `sudo -n \${rootShell}\`)`,
        `sudo -n \${lineOf(`,
        `sudo -S -p \${`,
      ].some((word) => line.includes(word));
    // A root shell that becomes the owner of a directory, and what a look is given when nothing else runs as root.
    const known = ['hosts/remote/run-as.ts', 'hosts/remote/look/look.ts'];
    const others = calls.filter((line) => !isShell(line) && !known.some((file) => line.startsWith(file)));
    expect(calls.length).toBeGreaterThan(4);
    expect(others).toEqual([]);
  });

  test('names a user as sudoers reads it back', () => {
    expect(sudoersLine('ops')).toBe('ops ALL=(root) NOPASSWD: /bin/sh');
    expect(sudoersLine('dom\\mina k')).toBe('dom\\\\mina\\ k ALL=(root) NOPASSWD: /bin/sh');
  });
});
