import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holds, notYet } from '../../src/lab/until.js';

import { foundIn, spellingsOf } from '../live/canaries.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, leftBehind, serversOn, three } from './trouble.js';
import { until } from './until.js';

/** What stands between the tool and Redis on booted machines: somebody else on its port, and an sshd that forwards nothing. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 101 });
});

afterAll(async () => {
  await machines?.down();
});

async function hand(name: string, script: string, input = ''): Promise<string> {
  const { status, stdout, stderr } = await machines.asRoot(name, script, { input });
  expect(status, `${name}: ${script}\n${stderr}`).toBe(0);
  return stdout;
}

/** Answers every INFO as the best master of all, and writes down what it gets. Every Debian has this perl. */
const LIAR = `use strict; use warnings; use IO::Socket::INET;
my $info = join("\\r\\n", '# Server', 'redis_version:7.0.15', 'run_id:'.('a' x 40), 'process_id:1', 'tcp_port:6379',
  '# Replication', 'role:master', 'connected_slaves:0', 'master_replid:'.('b' x 40), 'master_repl_offset:999999999999',
  '# Keyspace', 'db0:keys=99999,expires=0,avg_ttl=0', '');
my $server = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => $ARGV[1], Listen => 9, ReuseAddr => 1) or die $!;
open(my $log, '>>', $ARGV[2]) or die $!; $log->autoflush(1);
while (my $client = $server->accept) {
  next if fork;
  while (sysread($client, my $bytes, 65536)) {
    print $log $bytes;
    syswrite($client, $bytes =~ /info/i ? '$'.length($info)."\\r\\n$info\\r\\n" : "+OK\\r\\n");
  }
  exit;
}`;

async function startLiar(
  name: string,
  port: number,
): Promise<{ readonly log: string; readonly end: () => Promise<void> }> {
  const address = machines.hosts.find((host) => host.name === name)?.address ?? '';
  const log = `/tmp/received-${port}`;
  const words = `/usr/bin/perl /tmp/liar.pl ${address} ${port} ${log}`;
  const drop = 'setpriv --reuid nobody --regid nogroup --clear-groups';
  const pid = await hand(
    name,
    `cat > /tmp/liar.pl; : > ${log}; chown nobody ${log}; ${drop} ${words} < /dev/null > /dev/null 2>&1 & echo $!`,
    LIAR,
  );
  await until('the liar to listen', 10_000, async () => {
    const seen = await machines.asRoot(name, `ss -Hltn 'sport = :${port}'`);
    return seen.stdout.includes(`:${port}`) ? holds(undefined) : notYet(seen.stdout);
  });
  return {
    log,
    end: async () => void (await hand(name, `kill ${pid.trim()}; pkill -u nobody perl; rm -f /tmp/liar.pl; true`)),
  };
}

describe('somebody else listens where a node of a dead fleet should', () => {
  test.each([
    ['redis', 6379],
    ['sentinel', 26379],
  ] as const)('%s: it gets no password, and what it says is no evidence', async (kind, port) => {
    const master = await dead(machines);
    const victim = three.find((name) => name !== master) ?? '';
    const liar = await startLiar(victim, port);
    try {
      const status = await machines.runbook(['status', '--why', '--plain']);
      const refused = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

      const said = `${status.stdout}${refused.stdout}${refused.stderr}`.replace(/\s+/g, ' ');
      expect(refused.status, said).toBe(3);
      expect(said).toMatch(
        new RegExp(`${victim}: port ${port} is held by perl \\(pid \\d+\\): ${victim}\\S* could not be started`),
      );
      expect(said).toContain('Nothing was changed.');
      expect(said).not.toContain('999999999999');
      expect(said).not.toContain('999 999 999 999');
      expect(said).toMatch(/not by redis-s(erver|entinel)|is not a? ?redis|perl/);
      const servers = await serversOn(machines, victim);
      expect(servers.filter((title) => title.includes(`redis-${kind === 'redis' ? 'server' : 'sentinel'}`))).toEqual(
        [],
      );
    } finally {
      const received = await hand(victim, `cat ${liar.log}`);
      await liar.end();
      expect(foundIn(received, spellingsOf(machines.password))).toEqual([]);
      expect(received).not.toMatch(/auth/i);
    }
    const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
    expect([0, 10], `${again.stdout}${again.stderr}`).toContain(again.status);
    expect(await machines.untilSettled(), kind).toBe(master);
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(leftBehind(machines)).toEqual([]);
  });
});

describe('an sshd that forwards nothing', () => {
  const file = '/etc/ssh/sshd_config.d/00-no-forwarding.conf';

  test('a fleet is recovered through relays, which is told', async () => {
    await dead(machines);
    for (const name of three) await hand(name, `echo 'AllowTcpForwarding no' > ${file}; systemctl reload ssh`);
    try {
      const output = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

      expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
      expect(`${output.stdout}${output.stderr}`.replace(/\s+/g, ' ')).toContain(
        'reached through a relay that runs there',
      );
    } finally {
      for (const name of three) await hand(name, `rm ${file}; systemctl reload ssh`);
    }
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(leftBehind(machines)).toEqual([]);
  });
});
