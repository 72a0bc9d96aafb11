import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, numberOf, spotOf } from '../../settings.js';

export const tcpKeepaliveOff = defineRule({
  id: 'tcp-keepalive-off',
  class: 'performance',
  severity: 'info',
  scope: 'redis',
  title: 'dead connections are never noticed',
  rationale:
    'With tcp-keepalive 0 a client that vanished without a word, behind a firewall that forgot it for one, keeps its connection and its place in maxclients for ever.',
  source: 'redis.conf, NETWORK; networking.c:createClient',
  fix: 'Set tcp-keepalive 300, which is the default from 3.2 on.',
  fixtures: {
    fails: 'test/audit/fixtures/tcp-keepalive-off/fails',
    nearMiss: 'test/audit/fixtures/tcp-keepalive-off/near-miss',
  },
  needs: (node) => ({ keepalive: node.setting('tcp-keepalive') }),
  check: ({ keepalive }) =>
    numberOf(keepalive, 300) === 0
      ? [
          {
            message: 'tcp-keepalive 0: connections of clients that vanished stay for ever',
            at: spotOf(keepalive),
            changes: [{ ...spotOf(keepalive), now: 'tcp-keepalive 300' }],
          },
        ]
      : [],
});

export const replNodelay = defineRule({
  id: 'repl-nodelay',
  class: 'performance',
  severity: 'info',
  scope: 'redis',
  title: 'replicas are kept some 40 ms behind',
  rationale:
    'With repl-disable-tcp-nodelay yes the kernel collects small packets for up to 40 ms. So much more is on the master alone when it dies.',
  source: 'redis.conf, REPLICATION; replication.c:syncCommand',
  fix: 'Set repl-disable-tcp-nodelay no, unless the link between the nodes is narrow.',
  fixtures: {
    fails: 'test/audit/fixtures/repl-nodelay/fails',
    nearMiss: 'test/audit/fixtures/repl-nodelay/near-miss',
  },
  needs: (node) => ({ setting: node.setting('repl-disable-tcp-nodelay') }),
  check: ({ setting }) =>
    isYes(setting, false)
      ? [
          {
            message: 'repl-disable-tcp-nodelay yes: what the master took in the last 40 ms may be on no other node',
            at: spotOf(setting),
            changes: [{ ...spotOf(setting), now: 'repl-disable-tcp-nodelay no' }],
          },
        ]
      : [],
});

export const slowlogOff = defineRule({
  id: 'slowlog-off',
  class: 'performance',
  severity: 'info',
  scope: 'redis',
  title: 'slow commands are not recorded',
  rationale:
    'A negative slowlog-log-slower-than, or slowlog-max-len 0, switches the slow log off. After a failover for a master that did not answer, nothing tells which command kept it busy.',
  source: 'redis.conf, SLOW LOG; slowlog.c:slowlogPushEntryIfNeeded',
  fix: 'Set slowlog-log-slower-than 10000 and slowlog-max-len 128, which are the defaults.',
  fixtures: {
    fails: 'test/audit/fixtures/slowlog-off/fails',
    nearMiss: 'test/audit/fixtures/slowlog-off/near-miss',
  },
  needs: (node) => ({
    slowlog: together({ slower: node.setting('slowlog-log-slower-than'), length: node.setting('slowlog-max-len') }),
  }),
  check: ({ slowlog: { slower, length } }) => {
    const off = [slower]
      .filter((one) => numberOf(one, 10000) < 0)
      .concat([length].filter((one) => numberOf(one, 128) === 0));
    return off.slice(0, 1).map((one) => ({
      message: 'the slow log is off: nothing tells which command kept the server busy',
      at: spotOf(one),
    }));
  },
});

export const latencyMonitorOff = defineRule({
  id: 'latency-monitor-off',
  class: 'performance',
  severity: 'info',
  scope: 'redis',
  versions: { redis: { from: '2.8.13' }, valkey: {} },
  title: 'slow moments of the server itself are not recorded',
  rationale:
    'With latency-monitor-threshold 0, the default, forks, fsyncs and expiries that took long leave no trace, and LATENCY DOCTOR has nothing to say afterwards.',
  source: 'redis.conf, LATENCY MONITOR; latency.c:createLatencyReport',
  fix: 'Set latency-monitor-threshold 100.',
  fixtures: {
    fails: 'test/audit/fixtures/latency-monitor-off/fails',
    nearMiss: 'test/audit/fixtures/latency-monitor-off/near-miss',
  },
  needs: (node) => ({ threshold: node.setting('latency-monitor-threshold') }),
  check: ({ threshold }) =>
    numberOf(threshold, 0) === 0
      ? [
          {
            message: 'latency-monitor-threshold 0: slow forks and fsyncs leave no trace',
            at: spotOf(threshold),
            changes: [{ ...spotOf(threshold), now: 'latency-monitor-threshold 100' }],
          },
        ]
      : [],
});

export const nofileLimit = defineRule({
  id: 'nofile-limit',
  class: 'performance',
  severity: 'warning',
  scope: 'redis',
  title: 'the server may open fewer files than its maxclients needs',
  rationale:
    'A server that may not open maxclients + 32 files lowers maxclients by itself and says so in one line of its log. On the day when the clients of a failed node arrive, they are refused.',
  source: 'server.c:adjustOpenFilesLimit; "maxclients has been reduced", seen on 7.0.15',
  fix: 'Set LimitNOFILE=65535 in the unit (a limit in a shell profile is not read by a service), and restart the node.',
  fixtures: {
    fails: 'test/audit/fixtures/nofile-limit/fails',
    nearMiss: 'test/audit/fixtures/nofile-limit/near-miss',
  },
  needs: (node) => ({
    clients: node.setting('maxclients'),
    info: where(node.info, (info) => info.has('maxclients'), 'INFO of this version does not tell maxclients'),
  }),
  check: ({ clients, info }) => {
    const now = Number(info.get('maxclients'));
    const wanted = numberOf(clients, 10000);
    if (!(now < wanted)) return [];
    return [
      {
        message: `maxclients is ${now} in the process and ${wanted} by its file, as happens where the limit of open files is too low`,
        at: spotOf(clients),
      },
    ];
  },
});
