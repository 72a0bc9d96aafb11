import { createConnection, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { labUp } from '../../src/lab/up.js';
import type { StillThere } from '../../src/model/still-there.js';
import { removeLab } from './dead-fleet.js';
import { askRedis } from './path-lab.js';
import { jsonLines, piped } from './pipes.js';

const KEY = 'sess:a-token-that-nobody-may-see';

let lab: Lab;
const sockets: Socket[] = [];
beforeAll(async () => {
  lab = await labUp({ seed: 61, ownerPid: process.pid });
  await lab.kill('pv3', 'redis', 'SIGKILL');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await removeLab(lab);
});

function addressOf(name: string): string {
  return lab.hosts.find((host) => host.name === name)?.address ?? '';
}

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** A client from an address of its own that sends its command again as soon as it was answered. */
function busyClient(node: string, from: string, words: readonly string[]): Promise<void> {
  const socket = createConnection({ host: addressOf(node), port: redisPort, localAddress: from });
  sockets.push(socket);
  socket.on('error', () => undefined);
  return new Promise((answered) => {
    socket.once('connect', () => socket.write(command('AUTH', lab.password)));
    socket.on('data', () => {
      answered();
      setTimeout(() => socket.destroyed || socket.write(command(...words)), 2);
    });
  });
}

test('who is connected and writing is told before anything is asked, and what becomes of them', async () => {
  const block = addressOf('pv1').split('.').slice(0, 3).join('.');
  const [writer, reader] = [`${block}.201`, `${block}.202`];
  await Promise.all([
    busyClient('pv1', writer, ['SET', KEY, 'value-that-nobody-may-see']),
    busyClient('pv1', writer, ['SET', KEY, 'value-that-nobody-may-see']),
    busyClient('pv1', reader, ['GET', KEY]),
  ]);

  const json = await piped(lab, ['recover', '--dry-run', '--json']);
  const there = jsonLines(json.stdout).find(({ schema }) => schema === 'redis-runbook/still-there/1') as unknown as
    | StillThere
    | undefined;
  const pv1 = there?.nodes.find(({ node }) => node === 'pv1');
  expect(pv1?.clients, json.stdout + json.stderr).toMatchObject([
    { address: writer, connections: 2, writing: 2, commands: ['set'] },
    { address: reader, connections: 1, writing: 0, commands: ['get'] },
  ]);
  const [commands = 0, writes = 0] = [pv1?.commandsPerSecond, pv1?.writesPerSecond];
  expect(writes).toBeGreaterThan(10);
  expect(commands).toBeGreaterThan(writes);
  expect(there?.nodes.find(({ node }) => node === 'pv2')).toMatchObject({ role: 'replica', clients: [] });

  const text = await piped(lab, ['recover', '--dry-run']);
  const shown = text.stdout.replace(/\s+/g, ' ');
  expect(shown).toContain('pv1 (master) 3 connections from 2 addresses, ');
  expect(shown).toContain(`${writer} 2 connections, writing, last set`);
  expect(shown).toContain('If nothing is done: the plan does not touch Redis on pv1: they go on.');
  expect(shown).toContain('pv2 (replica) no client');
  expect(Math.max(...text.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  for (const secret of [KEY, 'a-token', 'value-that', lab.password]) {
    expect(text.stdout + text.stderr + json.stdout).not.toContain(secret);
  }

  const cold = await piped(lab, ['recover', '--dry-run', '--path', 'cold']);
  expect(cold.stdout.replace(/\s+/g, ' ')).toMatch(
    /If nothing is done: pv1 is stopped in STOP: their connections end; what it acknowledged until then stays\./,
  );
  expect(await askRedis(lab, 'pv1', 'EXISTS', KEY)).toBe('1');
});
