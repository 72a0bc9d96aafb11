import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { LabHost } from '../layout.js';
import { startNode } from '../nodes.js';
import { untilOld } from '../phases.js';
import { nextSeq } from '../record.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import { askRedis, noteLacks, othersRunning, sharedWrites, turnOff, untilLinked, writeSome } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';

/** The master's disk is lost and its process is back before anybody noticed; a replica that follows it is emptied, too. */
export const rebornEmpty: Scenario = {
  name: 'reborn-empty',
  says: 'the master is back with an empty disk, and serves',
  stop: 'clean',
  redis: 3,
  offAtElection: 0,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: false,
  make: reborn,
};

/** FLUSHALL by mistake while one replica was away, then a crash: the freshest data is the smallest. */
export const shrunk: Scenario = {
  name: 'shrunk',
  says: 'FLUSHALL by mistake, a few more writes, then everything off',
  stop: 'clean',
  redis: 3,
  offAtElection: 0,
  persistence: ['rdb', 'aof', 'both'],
  endsOff: true,
  make: shrink,
};

async function reborn({ state, prng, stop, say }: Breaking): Promise<Done> {
  const served = prng.chance(0.5);
  const followed = prng.chance(0.5);
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  const [second, third] = othersRunning(state, old);
  if (second === undefined || third === undefined) throw new RunbookError('lab', 'The scenario needs two replicas.');
  await turnOff(state, state.hosts, stop);
  emptyDisk(old);
  const fromSeq = nextSeq(state.directory);
  await startNode(state, old, 'redis');
  say(`everything off (${stop}); the disk of ${old.name} is lost, and it is back`);
  if (followed) {
    await startNode(state, second, 'redis');
    await untilLinked(state, second, old);
    say(`${second.name} followed it and was emptied`);
  }
  const own = served ? await writeSome(state, old, prng, 5, 40) : [];
  if (served) say(`${old.name} took ${own.length} writes`);
  const emptied = followed ? [old, second] : [old];
  noteLacks(state, emptied, { beforeSeq: fromSeq, why: `the disk of ${old.name} was lost` });
  const kept = followed ? [third] : [second, third];
  noteLacks(state, kept, { fromSeq, why: `${old.name} took it after its disk was lost` });
  const drawn = [
    followed ? `${second.name} was emptied, too` : 'no replica followed it',
    served ? `${own.length} writes since` : 'no write since',
  ];
  const traits = [...(served ? ['served'] : []), ...(followed ? ['followed'] : [])];
  return { masters: [old], drawn, traits };
}

function emptyDisk(host: LabHost): void {
  const data = join(host.directory, 'data');
  for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
}

async function shrink({ state, prng, stop, say }: Breaking): Promise<Done> {
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  await sharedWrites(state, old, prng);
  const away = prng.pick(othersRunning(state, old));
  await turnOff(state, [away], 'clean');
  const seq = nextSeq(state.directory);
  await askRedis(state, old, 'FLUSHALL');
  const own = await writeSome(state, old, prng, 3, 9);
  await untilOld(own.at(-1));
  noteLacks(state, [old, ...othersRunning(state, old)], { beforeSeq: seq, why: `FLUSHALL on ${old.name}` });
  noteLacks(state, [away], { fromSeq: seq, why: `${away.name} was off` });
  say(`${away.name} off; FLUSHALL on ${old.name}, then ${own.length} writes; everything off (${stop})`);
  await turnOff(state, state.hosts, stop);
  const drawn = [`${away.name} was away`, `${own.length} writes after FLUSHALL`];
  return { masters: [old], drawn, traits: [`away:${away.name}`] };
}
