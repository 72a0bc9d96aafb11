import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { type Certificates, makeCertificates, tlsLines } from './certificates.js';
import { type DeadFleet, deadFleet } from './dead-fleet.js';
import { runbook } from './recovery.js';

/** Independent of the client under test. */
const redisCli = 'redis-cli';
let dead: DeadFleet;
let certificates: Certificates;
const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-tls.'));

beforeAll(async () => {
  certificates = makeCertificates(directory);
  dead = await deadFleet('cascade-clean', 5);
}, 120_000);
afterAll(() => {
  dead.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** Lets every server of a fleet that is off speak TLS alone, and fleet.yaml know the certificates. */
function speakTls(lab: Lab): void {
  for (const host of lab.hosts) {
    for (const [kind, port] of [
      ['redis', 6379],
      ['sentinel', 26379],
    ] as const) {
      if (!host.runs.includes(kind)) continue;
      const file = join(host.directory, `${kind}.conf`);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace(/^port .*$/m, tlsLines(certificates, port).join('\n')));
    }
  }
  const { ca, cert, key, name } = certificates;
  const tls = `defaults:\n  tls: { ca: ${ca}, cert: ${cert}, key: ${key}, server-name: ${name} }\n`;
  writeFileSync(lab.fleetFile, readFileSync(lab.fleetFile, 'utf8').replace('defaults:\n', tls));
}

it('a dead fleet that speaks TLS alone is surveyed, recovered and healthy', { timeout: 240_000 }, async () => {
  await dead.withCopy(async (lab) => {
    speakTls(lab);
    const done = await runbook(lab, ['recover', '--yes', '--plain']);
    expect([0, 10], `${done.stdout}${done.stderr}`).toContain(done.status);
    const status = await runbook(lab, ['status', '--json']);
    expect(status.status, status.stdout).toBe(0);
    const { diagnosis } = JSON.parse(status.stdout) as { diagnosis: { state: string } };
    expect(diagnosis.state).toBe('healthy');
    const winner = lab.hosts.find(({ name }) => name === dead.lastWriter);
    if (!winner) throw new Error('no winner');
    const config = readFileSync(join(winner.directory, 'redis.conf'), 'utf8');
    const password = /^requirepass "?([^"\n]+)/m.exec(config)?.[1] ?? '';
    const { ca, cert, key } = certificates;
    const tls = ['--tls', '--cacert', ca, '--cert', cert, '--key', key];
    const role = execFileSync(redisCli, ['-h', winner.address, ...tls, 'ROLE'], {
      encoding: 'utf8',
      env: { ...process.env, REDISCLI_AUTH: password },
    });
    expect(role).toMatch(/^master/);
    expect(config).toContain('tls-port 6379');
    expect(readFileSync(join(winner.directory, 'sentinel.conf'), 'utf8')).toMatch(/^tls-port 26379/m);
  });
});
