import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import { labUp } from '../../src/lab/up.js';
import { foundIn, leaksUnder, spellingsOf, watchProcesses } from './canaries.js';
import { removeLab } from './dead-fleet.js';
import { piped } from './pipes.js';

/** The nodes' own config files: the only places where the password may stand. */
function configsOf(lab: Lab): readonly string[] {
  return lab.hosts.flatMap((host) => host.runs.map((kind) => join(host.directory, `${kind}.conf`)));
}

/** More places where people leave a password: a user's, a hashed one, an old line that was commented out. */
function leaveItEverywhere(lab: Lab, password: string): void {
  const hash = createHash('sha256').update(password).digest('hex');
  for (const host of lab.hosts.filter((one) => one.runs.includes('redis')))
    appendFileSync(
      join(host.directory, 'redis.conf'),
      `\nuser app on >${password} ~app:* +@all\nuser old on #${hash} ~old:* +get\n# requirepass ${password}\n`,
    );
}

describe.concurrent('a password is nowhere but in the config files that hold it', () => {
  test.each([
    ['signs that break quoting', '#p4$s;%w&0rd=*!', '-vv'],
    ['signs that URLs know', 'p%41ss=w/ord?a&b+c:d@e', '--json'],
    ['a plain word', 'correcthorsebatterystaple', '-v'],
  ])('%s', async (_, password, flag) => {
    const lab = await labUp({ seed: 51, password, ownerPid: process.pid });
    try {
      await lab.break({ scenario: 'all-down', stop: 'clean' });
      leaveItEverywhere(lab, password);
      const before = new Set(configsOf(lab).map((path) => readFileSync(path, 'latin1')));
      const spellings = spellingsOf(password);
      expect(configsOf(lab).some((path) => foundIn(readFileSync(path, 'latin1'), spellings).length > 0)).toBe(true);

      const watch = watchProcesses(lab.directory, spellings);
      const said = await everyCommand(lab, flag);
      watch.end();
      const watched = watch.seen();

      for (const [command, text] of said) expect(foundIn(text, spellings), command).toEqual([]);
      expect([...watched.leaks]).toEqual([]);
      expect([...watched.programs].some((program) => program.startsWith('redis-server'))).toBe(true);
      expect(watched.samples).toBeGreaterThan(20);
      const own = [...configsOf(lab), join(lab.directory, 'lab.json')];
      const kept = (path: string, text: string) => /\/state\/.*\.conf/.test(path) && before.has(text);
      expect(leaksUnder(lab.directory, spellings, (path, text) => own.includes(path) || kept(path, text))).toEqual([]);
    } finally {
      await removeLab(lab);
    }
  });
});

/** Everything that the program prints for this fleet, before, during and after its recovery. */
async function everyCommand(lab: Lab, flag: string): Promise<readonly (readonly [string, string])[]> {
  const said: (readonly [string, string])[] = [];
  const temporary = join(lab.directory, 'tmp');
  mkdirSync(temporary);
  const say = async (status: readonly number[], ...args: string[]) => {
    const ended = await piped(lab, args, 'null', { TMPDIR: temporary });
    expect(status, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toContain(ended.status);
    said.push([args.join(' '), ended.stdout + ended.stderr]);
  };
  await say([1], 'status', '--why', '-vv', '--save', join(lab.directory, 'saved.json'));
  await say([1], 'status', '--why', '--json', '-vv');
  await say([1], 'status', '--why', '--json', '--survey', join(lab.directory, 'saved.json'));
  await say([0], 'plan', '-v', '--out', join(lab.directory, 'plan.json'));
  await say([0], 'plan', '--markdown', '--out', join(lab.directory, 'plan.md'));
  await say([0], 'plan', '--json');
  await say([0], 'recover', '--dry-run', '-vv');
  await say([0], 'recover', '--yes', flag);
  await say([0], 'status', '--why', '--json', '-vv');
  const runs = readdirSync(join(lab.directory, 'operator', 'redis-runbook', 'runs'));
  await say([0], 'history', 'list', '--json');
  for (const run of runs) await say([0], 'history', 'show', run.slice(-4), '--json');
  await say([0], 'report');
  expect(readdirSync(temporary)).toEqual([]);
  return said;
}

test('the watch over the processes sees a password in arguments and environment', async () => {
  const secret = 'a-password-in-the-open';
  const watch = watchProcesses('/nowhere', spellingsOf(secret));
  const open = spawn(process.execPath, ['-e', 'process.stdin.resume()', secret], { env: { OPEN: secret } });
  const leaks = await until('the leak to be seen', 10_000, async () => {
    const seen = [...watch.seen().leaks].map((leak) => leak.split(' ')[0]);
    return seen.includes('cmdline') && seen.includes('environ') ? holds(seen) : notYet(seen.join());
  });
  open.kill();
  watch.end();
  expect(leaks.length).toBeGreaterThanOrEqual(2);
});
