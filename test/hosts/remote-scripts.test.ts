import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ChangedUnderneath } from '../../src/hosts/host.js';
import { READ, REMOVE, STAT } from '../../src/hosts/remote/file-scripts.js';
import { parseStatLine } from '../../src/hosts/remote/files.js';
import { KEEP } from '../../src/hosts/remote/keep-script.js';
import { sudoersLine } from '../../src/hosts/remote/root-commands.js';
import { atPath, checkPath } from '../../src/hosts/remote/run-as.js';
import { failureOf } from '../../src/hosts/remote/script.js';
import { sudoError } from '../../src/hosts/remote/sudo-rights.js';
import { WRITE } from '../../src/hosts/remote/write-script.js';

function ended(status: number, stderr = '') {
  const none = { signal: null, stdout: new Uint8Array(), timedOut: false, tooLarge: false };
  return { ...none, status, stderr: new TextEncoder().encode(stderr) };
}

describe('scripts', () => {
  it('are whole for each shell that is here', () => {
    const at = [STAT, REMOVE, WRITE, ...Object.values(READ)].map((inner) => atPath(inner, '/a/b', 'follow').script);
    for (const script of [...at, STAT, REMOVE, WRITE, KEEP, ...Object.values(READ)]) {
      for (const shell of [['sh'], ['bash', '--posix']]) {
        const [program = '', ...args] = shell;
        expect(spawnSync(program, [...args, '-n', '-c', script]).stderr.toString()).toBe('');
      }
    }
  });

  it('get only paths that name a file from the root on', () => {
    expect(checkPath('/etc/redis/')).toBe('/etc/redis');
    expect(checkPath('/')).toBe('/');
    for (const path of ['', 'relative', './a', '/a/..', '/a/.', '/a\0b', '~']) {
      expect(() => checkPath(path), path).toThrow(/path|file/);
    }
  });
});

describe('ends of scripts', () => {
  it('become errors of the system, by status and else by words', () => {
    expect(failureOf(ended(40), '/a')).toMatchObject({ code: 'ENOENT' });
    expect(failureOf(ended(42), '/a')).toMatchObject({ code: 'ELOOP', message: expect.stringContaining('is a link') });
    expect(failureOf(ended(2, 'sh: 1: cannot open ./a: Permission denied'), '/a')).toMatchObject({ code: 'EACCES' });
    expect(failureOf(ended(44, 'cat: write error: No space left on device'), '/a').message).toMatch(/No space left/);
    expect(failureOf(ended(99), '/a')).toMatchObject({ code: 'EIO' });
    for (const status of [60, 61, 62, 63, 64]) expect(failureOf(ended(status), '/a')).toBeInstanceOf(ChangedUnderneath);
  });
});

describe('stat', () => {
  it('reads what coreutils and what busybox print', () => {
    const gnu = '10|1700000000.123456789|1700000001.5|640|102|105|65024|2326177|81a0';
    expect(parseStatLine(gnu)).toEqual({
      sizeBytes: 10n,
      mtimeMs: 1_700_000_000_123.456,
      ctimeMs: 1_700_000_001_500,
      mode: 0o640,
      uid: 102,
      gid: 105,
      device: 65024n,
      inode: 2326177n,
      type: 'file',
    });
    expect(parseStatLine('0|1700000000|1700000000|755|0|0|1|2|41ed')).toMatchObject({ type: 'directory' });
    expect(parseStatLine('0|1|1|777|0|0|1|2|a1ff')).toMatchObject({ type: 'link' });
    expect(parseStatLine('0|1|1|644|0|0|1|2|11a4')).toMatchObject({ type: 'other' });
    for (const line of ['', 'x|1|1|644|0|0|1|2|81a4', '1|1|1|9|0|0|1|2|81a4']) {
      expect(() => parseStatLine(line), line).toThrow('no stat');
    }
  });
});

describe('a missing right', () => {
  it('names the host, what sudo said, and the line that gives it', () => {
    const error = sudoError('pv1', 'ops', 'a password is required');
    expect(error).toMatchObject({ word: 'sudo', exit: 4 });
    expect(error.message).toContain('pv1');
    expect(error.facts.join('\n')).toContain(sudoersLine('ops'));
    expect(sudoersLine('ops')).toBe('ops ALL=(root) NOPASSWD: /bin/sh');
  });
});
