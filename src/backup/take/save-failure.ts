import { RunbookError } from '../../errors.js';
import { runningPlace } from '../../execute/data-place.js';
import { logTail } from '../../execute/last-words.js';
import { configOf, infoOf, nodeAt, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { RedisReader } from '../../hosts/host.js';
import { cli, word } from '../../plan/commands.js';
import { freeBytes } from './facts.js';

/**
 * A snapshot that a node began and did not end well, as RunbookError `backup-failed`: what its log says, how full its disk is,
 * and whether it refuses writes over it. A node that saves by itself does, until a save succeeds
 * (stop-writes-on-bgsave-error, server.c:writeCommandsDeniedByDiskError, seen on 7.0.15); a replica takes its master's
 * writes all the same, and refuses those of clients once it is a master.
 */
export async function saveFailure(reach: Reach, node: string, why: string): Promise<RunbookError> {
  const { host, entry } = nodeAt(reach, node);
  const facts = await troubleLogged(reach, node);
  const seen = await withReader(reach, node, stateAfter).catch(() => undefined);
  const next = ['redis-runbook doctor', 'redis-runbook backup create'];
  if (seen !== undefined) {
    const { dir } = seen;
    const free = await freeBytes(host, dir, reach.signal);
    if (free !== undefined) facts.push(`${host.entry.name}:${dir} has ${free} bytes free`);
    if (seen.denies !== undefined) {
      facts.push(`${node} ${seen.denies} until a save of it succeeds (stop-writes-on-bgsave-error yes)`);
      next.unshift(
        `df -h ${word(dir)}   on ${host.entry.name}, and make room there; then`,
        `${cli(entry, 'BGSAVE')}   lets it take writes again`,
      );
    }
  }
  return new RunbookError('backup-failed', `${node} made no snapshot: ${why}.`, { facts, next });
}

interface StateAfter {
  /** Where its data is. */
  readonly dir: string;
  /** What it does to writes over it; undefined = nothing. */
  readonly denies: string | undefined;
}

async function stateAfter(reader: RedisReader): Promise<StateAfter> {
  const { dir } = await runningPlace(reader);
  const status = (await infoOf(reader, 'persistence')).get('rdb_last_bgsave_status');
  const stops = (await configOf(reader, 'stop-writes-on-bgsave-error')) === 'yes';
  const savesByItself = ((await configOf(reader, 'save')) ?? '') !== '';
  if (status === 'ok' || !stops || !savesByItself) return { dir, denies: undefined };
  const isReplica = (await infoOf(reader, 'replication')).get('role') === 'slave';
  return { dir, denies: isReplica ? 'would refuse writes as a master' : 'REFUSES WRITES' };
}

/** Evidence from the node's own log, which alone knows why: its last lines that tell of trouble. */
async function troubleLogged(reach: Reach, node: string): Promise<string[]> {
  const { named } = nodeAt(reach, node);
  const text = await withReader(reach, node, async (reader) => {
    const { dir } = await runningPlace(reader);
    return logTail(named, dir, await configOf(reader, 'logfile'), reach.signal);
  }).catch(() => '');
  const telling = text.split('\n').filter((line) => /error|fail|can't|denied|no space|signal/i.test(line));
  return telling.slice(-3).map((line) => `${node} logged: ${line.replace(/[^\x20-\x7e]/g, '?').slice(0, 300)}`);
}
