import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';

/** Where a node's data is: in the running process, or in the file that it would load. */
export interface Source {
  readonly source: 'running' | 'rdb' | 'aof' | 'nothing' | 'unknown';
  readonly sourceWhy: string;
}

/** Load order of server.c:loadDataFromDisk: with appendonly the AOF alone, without it the RDB alone; no version falls back. */
export function sourceOf(redis: RedisSurvey): Source {
  if (!redis.process.ok) return { source: 'unknown', sourceWhy: `not known whether it runs: ${redis.process.detail}` };
  if (redis.process.value !== null) {
    if (redis.running.ok) return { source: 'running', sourceWhy: 'it runs and answers' };
    return { source: 'unknown', sourceWhy: `it runs and does not answer: ${redis.running.detail}` };
  }
  if (!redis.config.ok) return { source: 'unknown', sourceWhy: 'its redis.conf could not be read' };
  return redis.config.value.appendonly ? aofSource(redis) : rdbSource(redis);
}

function aofSource(redis: RedisSurvey): Source {
  if (redis.aof.ok)
    return redis.aof.value.empty
      ? { source: 'nothing', sourceWhy: 'appendonly is yes and the AOF holds nothing' }
      : { source: 'aof', sourceWhy: 'appendonly is yes: it would load the AOF and never look at the RDB' };
  if (redis.aof.why === 'absent') return { source: 'nothing', sourceWhy: 'appendonly is yes and there is no AOF' };
  return { source: 'unknown', sourceWhy: `its AOF could not be read: ${redis.aof.detail}` };
}

/**
 * The node's config has no AOF, and one with data was written after its RDB file: it was switched on while the server ran,
 * or the line is gone. What the node would load is not what it had.
 */
export function hasNewerAof(redis: RedisSurvey): boolean {
  const aof = known(redis.aof);
  const isOff = redis.process.ok && redis.process.value === null;
  if (!isOff || known(redis.config)?.appendonly !== false || !aof || aof.empty) return false;
  const saved = known(redis.rdbStat)?.mtimeMs;
  return saved === undefined || saved < Math.max(...aof.files.map((file) => file.mtimeMs));
}

function rdbSource(redis: RedisSurvey): Source {
  if (hasNewerAof(redis))
    return { source: 'unknown', sourceWhy: 'appendonly is no, and an AOF that is newer than its RDB file is there' };
  if (redis.rdb.ok) {
    if (!redis.rdb.value.complete)
      return { source: 'unknown', sourceWhy: 'its RDB file is cut off and would not load' };
    if (redis.rdb.value.checksum === 'wrong')
      return { source: 'unknown', sourceWhy: 'its RDB file has a wrong checksum and would not load' };
    return { source: 'rdb', sourceWhy: 'appendonly is no: it would load the RDB file' };
  }
  if (redis.rdb.why === 'absent') return { source: 'nothing', sourceWhy: 'there is no RDB file' };
  return { source: 'unknown', sourceWhy: `its RDB file could not be read: ${redis.rdb.detail}` };
}
