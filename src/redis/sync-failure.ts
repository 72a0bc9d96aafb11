/** The same failure this often without a copy in between is no accident any more: a replica tries again every second. */
const SEVERAL = 3;

/**
 * What a replica says when a copy of its master's data ended in a failure that the next try meets again: no room or right for
 * the file, a file that it cannot load, a password that the master refuses (replication.c:readSyncBulkPayload, syncWithMaster).
 */
const failures: readonly RegExp[] = [
  /needed for MASTER <-> (?:REPLICA|SLAVE) synchronization: .+/,
  /Failed trying to (?:load|rename) the .*(?:MASTER|synchronization).*/,
  /Can't handle RDB format version .+/,
  /Unable to AUTH to MASTER: .+/,
  /MASTER aborted replication with an error: -?(?:NOAUTH|WRONGPASS|NOPERM).*/,
];
const finished = /MASTER <-> (?:REPLICA|SLAVE) sync: Finished with success|Successful partial resynchronization/;

/**
 * Why the copies that a replica asks for fail, in its log's own words without control characters; undefined unless its last
 * tries all failed alike. `pid`: only lines of this process count.
 */
export function syncFailure(log: string, pid: number): string | undefined {
  const own = log.split('\n').filter((line) => line.startsWith(`${pid}:`) || line.startsWith(`[${pid}] `));
  const since = own.slice(own.findLastIndex((line) => finished.test(line)) + 1);
  const said = since.flatMap((line) => failures.flatMap((failure) => failure.exec(line)?.[0] ?? []));
  const last = said.slice(-SEVERAL);
  if (last.length < SEVERAL || new Set(last).size > 1) return undefined;
  return last[0]?.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}
