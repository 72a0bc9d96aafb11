import { orNone, where } from '../../need.js';
import { defineRule } from '../../rule.js';

export const sentinelConfigNotWritable = defineRule({
  id: 'sentinel-config-not-writable',
  class: 'will-not-start',
  severity: 'error',
  scope: 'sentinel',
  title: 'the sentinel may not write its own file',
  rationale:
    'Sentinel keeps what it learns in its config file. At its start it ends when the file is missing or may not be written; while it runs it goes on and forgets every failover.',
  source: 'sentinel.c:sentinelCheckConfigFile, "Sentinel config file ... is not writable"; seen on 7.0.15',
  fix: 'chown redis:redis sentinel.conf and chmod 640, with the user that the sentinel runs as.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-config-not-writable/fails',
    nearMiss: 'test/audit/fixtures/sentinel-config-not-writable/near-miss',
  },
  needs: (sentinel) => ({
    stat: orNone(sentinel.configStat),
    process: where(sentinel.process, (process) => process !== null, 'it does not run: its user is not known'),
  }),
  check: ({ stat, process }) => {
    if (stat === undefined) return [{ message: 'its config file is gone: it does not start again' }];
    if (process === null || process.uid === 0) return [];
    if (stat.uid === process.uid) return (stat.mode & 0o200) === 0 ? [{ message: refused(process.uid) }] : [];
    // Whether its user is in the group of the file is not known: only a file that no group may write is sure.
    return (stat.mode & 0o022) === 0 ? [{ message: refused(process.uid) }] : [];
  },
});

function refused(uid: number): string {
  return `user ${uid}, as which it runs, may not write its config file: it keeps no failover and does not start again`;
}
