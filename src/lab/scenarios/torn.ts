import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { LabHost } from '../layout.js';
import { nextSeq } from '../record.js';
import { SETTLE_LIMIT_MS, untilSettled } from '../view.js';
import { usualShape, writeTo } from '../writer.js';
import { noteLacks, othersRunning, sharedWrites, turnOff } from './hand.js';
import type { Breaking, Done, Scenario } from './scenario.js';

/** A power cut inside a transaction: what the disk got of the AOF ends in the middle of a MULTI. */
export const tornAof: Scenario = {
  name: 'torn-aof',
  says: 'a power cut in the middle of a MULTI: the AOF ends there',
  stop: 'crash',
  redis: 3,
  offAtElection: 0,
  persistence: ['aof'],
  endsOff: true,
  make: tear,
};

/**
 * A process that is killed leaves its file whole, because the kernel has what was written: the end that a power cut takes is
 * cut off by hand, inside the last transaction. `replicas-whole`: the others' disks had all of it.
 */
async function tear({ state, prng, say }: Breaking): Promise<Done> {
  const old = await untilSettled(state, SETTLE_LIMIT_MS);
  const replicasWhole = prng.chance(0.5);
  await sharedWrites(state, old, prng);
  const replicas = othersRunning(state, old);
  const fromSeq = nextSeq(state.directory);
  const shape = { ...usualShape, lowBytes: 200, highBytes: 900 };
  await writeTo(state, old, { ...shape, count: prng.between(8, 20), inTransaction: true, waitShare: 1 }, prng);
  if (replicasWhole) await writeTo(state, old, { ...shape, count: 10, waitShare: 1 }, prng);
  await turnOff(state, [old], 'crash');
  await turnOff(state, state.hosts, 'crash');
  const torn = replicasWhole ? [old] : [old, ...replicas];
  const cuts = torn.map((host) => `${host.name} ${cutInsideMulti(host, prng.fraction())}`);
  noteLacks(state, torn, { fromSeq, why: 'the power cut took it' });
  say(`power cut inside a MULTI; bytes of the AOF that are left: ${cuts.join(', ')}`);
  const traits = replicasWhole ? ['replicas-whole'] : [];
  return {
    masters: [old],
    traits,
    drawn: [replicasWhole ? 'the files of the replicas are whole' : 'every file is cut'],
  };
}

/** Cuts the newest incremental file between the last MULTI and its EXEC; returns the bytes that are left. */
function cutInsideMulti(host: LabHost, fraction: number): number {
  const directory = join(host.directory, 'data', 'appendonlydir');
  const name = readdirSync(directory)
    .filter((one) => one.endsWith('.incr.aof'))
    .sort()
    .at(-1);
  if (name === undefined) throw new RunbookError('lab', `${host.name} has no incremental AOF.`);
  const text = readFileSync(join(directory, name), 'latin1');
  const multi = text.lastIndexOf('\r\nMULTI\r\n') + '\r\nMULTI\r\n'.length;
  const exec = text.indexOf('*1\r\n$4\r\nEXEC\r\n', multi);
  if (multi < 10 || exec < 0) throw new RunbookError('lab', `${host.name} has no transaction in its AOF.`);
  const left = multi + 40 + Math.floor(fraction * (exec - multi - 60));
  truncateSync(join(directory, name), left);
  return left;
}
