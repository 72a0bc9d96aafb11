import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { settingsFileOf, withGuard, withoutGuard } from '../../src/hosts/services/init-script.js';
import { listeningPattern } from '../../src/hosts/services/service-scripts.js';
import { configErrorIn, lastWords } from '../../src/hosts/services/start-reason.js';
import {
  holdDropIn,
  overridingOptions,
  parseSpan,
  parseUnitState,
  unitName,
} from '../../src/hosts/services/systemd-unit.js';

const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
const shown = (name: string) => parseUnitState(fixture(`systemd/redis-7.0-systemd-252-${name}.txt`));

describe('systemctl show', () => {
  it('tells a running unit, its limits and what its command line overrides', () => {
    const unit = shown('running');
    expect(unit).toMatchObject({
      id: 'redis-server.service',
      names: ['redis-server.service', 'redis.service'],
      loadState: 'loaded',
      activeState: 'active',
      subState: 'running',
      mainPid: expect.any(Number),
      restart: 'always',
      dropIns: [],
      user: 'redis',
      atBoot: 'enabled',
      stopLimitMs: null,
      needsReload: false,
      result: 'success',
    });
    expect(unit.execStart?.slice(0, 2)).toEqual(['/usr/bin/redis-server', '/etc/redis/redis.conf']);
    expect(overridingOptions(unit)).toEqual(['--supervised', 'systemd', '--daemonize', 'no']);
  });

  it('tells a held one: while it runs, and after a start that the hold refused', () => {
    const dropIns = ['/etc/systemd/system/redis-server.service.d/50-redis-runbook-hold.conf'];
    expect(shown('held-running')).toMatchObject({ restart: 'no', dropIns, stopLimitMs: null, activeState: 'active' });
    expect(shown('held')).toMatchObject({ restart: 'no', dropIns, assertResult: false, mainPid: null });
    expect(shown('unread')).toMatchObject({ restart: 'always', dropIns: [] });
  });

  it('tells aliases, templates, failures and what is not there', () => {
    expect(shown('alias')).toMatchObject({ id: 'redis-sentinel.service', loadState: 'loaded' });
    expect(shown('template')).toMatchObject({ id: 'redis-server@x.service', mainPid: null });
    expect(shown('template').execStart).toContain('/etc/redis/redis-x.conf');
    expect(shown('failed')).toMatchObject({ activeState: 'failed', result: 'exit-code' });
    expect(shown('not-found')).toMatchObject({ loadState: 'not-found', mainPid: null, execStart: undefined });
    expect(overridingOptions(shown('not-found'))).toEqual([]);
  });

  it('reads spans of time', () => {
    expect(['1min 30s', 'infinity', '500ms', '2h', '5s'].map(parseSpan)).toEqual([90_000, null, 500, 7_200_000, 5000]);
  });

  it('takes unit names, and nothing that a command could take for something else', () => {
    expect(['redis', 'redis-server@6380', 'a.service', 'redis.6380'].map(unitName)).toEqual([
      'redis.service',
      'redis-server@6380.service',
      'a.service',
      'redis.6380.service',
    ]);
    for (const name of ['', '-h', '--root=/', 'a b', 'a;b', '$(id)', '../a', 'a/b', 'a\nb', '*', 'a%n']) {
      expect(unitName(name), name).toBeUndefined();
    }
  });
});

describe('the drop-in of a hold', () => {
  it('names the hold file as systemd reads it', () => {
    expect(holdDropIn('7K3Q', '/srv/50%/hold/redis')).toContain('\nAssertPathExists=!/srv/50%%/hold/redis\n');
    expect(holdDropIn('7K3Q', '/a')).toMatch(
      /\[Unit\]\nAssertPathExists=!\/a\n\n\[Service\]\nRestart=no\nTimeoutStopSec=infinity\n$/,
    );
  });

  it('refuses what would say something else', () => {
    for (const path of ['relative', '/a\nExecStart=/bin/sh', '/a\r', ' /a', '/a ', '/a\\']) {
      expect(() => holdDropIn('7K3Q', path), path).toThrow(TypeError);
    }
    expect(holdDropIn('7K3Q\n[Service]', '/a')).not.toContain('\n[Service]:');
    expect(holdDropIn('x\nExecStart=/bin/sh', '/a')).not.toContain('\nExecStart');
  });
});

describe('the settings of an init script', () => {
  const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-init-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('are found where the script reads them', () => {
    expect(settingsFileOf(fixture('init/debian-bookworm-redis-server.sh'))).toBe('/etc/default/redis-server');
    expect(settingsFileOf(fixture('init/debian-bookworm-redis-sentinel.sh'))).toBe('/etc/default/redis-sentinel');
    const redHat = '#!/bin/sh\nname="redis"\n[ -e /etc/sysconfig/$name ] && . /etc/sysconfig/$name\n';
    expect(settingsFileOf(redHat)).toBe('/etc/sysconfig/redis');
  });

  it('are not guessed', () => {
    for (const script of [
      '#!/bin/sh\n# . /etc/default/redis\n',
      '#!/bin/sh\n. /lib/lsb/init-functions\n',
      '#!/sbin/openrc-run\n. /etc/default/redis\n',
      '#!/bin/sh\n. /etc/default/../shadow\n',
      '#!/bin/sh\n. /etc/default/$(id)\n',
      '#!/bin/sh\nNAME=$NAME\n. /etc/default/$NAME\n',
      '',
    ]) {
      expect(settingsFileOf(script), script).toBeUndefined();
    }
  });

  it('come back byte for byte', () => {
    const line = fc.constantFrom('ULIMIT=65536', '', '# comment', 'X="a b"', '\t', '# redis-runbook hold: other');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('/var/lib/h', "/it's/h %"), (lines, hold) => {
        const settings = lines.join('\n');
        const held = withGuard(settings, hold);
        expect(withGuard(held, hold)).toBe(held);
        expect(withoutGuard(held)).toBe(settings);
        expect(withoutGuard(withGuard(held, '/other'))).toBe(settings);
      }),
    );
  });

  it('end the script for every word but stop and status while the hold is there', () => {
    const hold = join(directory, "it's held");
    const settings = join(directory, 'settings');
    writeFileSync(settings, withGuard(fixture('init/debian-bookworm-default.sh'), hold));
    // The beginning of Debian's own script, up to what it does with its first word.
    const script = fixture('init/debian-bookworm-redis-server.sh')
      .split('. /lib/lsb/init-functions')[0]
      ?.replaceAll('/etc/default/$NAME', settings)
      .replace('DAEMON=/usr/bin/redis-server', 'DAEMON=/bin/sh');
    const run = (word: string) => spawnSync('/bin/sh', ['-c', `${script}\necho goes on`, 'redis-server', word]);
    const goesOn = () =>
      ['start', 'restart', 'force-reload', 'stop', 'status'].filter((word) => run(word).stdout.includes('goes on'));
    expect(goesOn()).toEqual(['start', 'restart', 'force-reload', 'stop', 'status']);
    writeFileSync(hold, '{}');
    expect(goesOn()).toEqual(['stop', 'status']);
    expect([run('start').status, run('start').stderr.toString()]).toEqual([1, 'held by redis-runbook: not started\n']);
  });
});

describe('why a start failed', () => {
  const journal = fixture('systemd/redis-7.0-config-error-journal.txt');

  it('names the line of the config file', () => {
    expect(configErrorIn(journal)).toEqual({
      line: expect.any(Number),
      directive: 'bogus',
      reason: 'Bad directive or wrong number of arguments',
    });
    expect(configErrorIn('Started redis-server.service')).toBeUndefined();
  });

  it('leaves out what systemd says about itself, and secrets', () => {
    expect(lastWords(journal).join('\n')).not.toMatch(/Main process exited|restart counter/);
    expect(lastWords(journal)).toContain(">>> 'bogus 1'");
    const words = lastWords('>>> \'requirepass "a secret" x\'\n\u001b[2Jwrong number of arguments').join('\n');
    expect(words).toContain('requirepass');
    expect(words).not.toContain('a secret');
    expect(words).not.toContain('\u001b');
  });
});

describe('what listening looks like', () => {
  const line = (address: string) =>
    `   0: ${address} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0`;
  const matches = (address: string, port: number, seen: string) =>
    spawnSync('grep', ['-qE', listeningPattern({ address, port })], { input: `${line(seen)}\n` }).status === 0;

  it('fits the node and no neighbour', () => {
    expect(matches('127.0.0.1', 6379, '0100007F:18EB')).toBe(true);
    expect(matches('127.0.0.1', 6379, '00000000:18EB')).toBe(true);
    expect(matches('127.0.0.1', 6379, `${'0'.repeat(32)}:18EB`)).toBe(true);
    expect(matches('127.0.0.1', 6379, '0200007F:18EB')).toBe(false);
    expect(matches('127.0.0.1', 6379, '0100007F:18EC')).toBe(false);
    expect(matches('pv1.example', 26379, '0100000A:670B')).toBe(true);
    expect(
      spawnSync('grep', ['-qE', listeningPattern({ address: '127.0.0.1', port: 6379 })], {
        input: line('0100007F:18EB').replace(' 0A ', ' 01 '),
      }).status,
    ).toBe(1);
  });
});
