import { atLeast } from '../../../redis/versions.js';
import { each, where, whereThere } from '../../need.js';
import { defineRule } from '../../rule.js';
import type { AnyNode } from '../../view.js';

/** A slow disk; a snapshot of small keys is bound by the processor to about as much. */
const bytesPerSecond = 50 * 1024 * 1024;

function systemdUnit(node: AnyNode) {
  return whereThere(node.unit, ({ manager }) => manager === 'systemd', 'the service manager sets no such limit');
}

export const stopTimeoutShort = defineRule({
  id: 'stop-timeout-short',
  class: 'recovery',
  severity: 'warning',
  scope: 'redis',
  title: 'a stop may be killed before everything is saved',
  rationale:
    'A server with save points writes its whole dataset when it is stopped, and from 7.0 on waits for its replicas before. systemd kills it when TimeoutStopSec is over: what was written since the last snapshot is then lost by an orderly stop. (Counted here with 50 MB a second, and 10 s for the replicas.)',
  source:
    'server.c:prepareForShutdown, finishShutdown; systemd.service(5); a final save killed after 90 s, 1 of 151 keys left, seen on 7.0.15',
  fix: 'Set TimeoutStopSec=infinity in a drop-in of the unit, as the packages of Debian do.',
  fixtures: {
    fails: 'test/audit/fixtures/stop-timeout-short/fails',
    nearMiss: 'test/audit/fixtures/stop-timeout-short/near-miss',
  },
  needs: (node) => ({
    gives: where(node.gives, ({ save }) => save.length > 0, 'the node has no save points, a stop saves nothing'),
    info: node.info,
    unit: systemdUnit(node),
  }),
  check: ({ info, unit }, { target }) => {
    const usedBytes = Number(info.get('used_memory') ?? Number.NaN);
    const limitSeconds = spanSeconds(unit.properties.TimeoutStopUSec ?? '');
    const waitSeconds = atLeast(target.compatible, '7.0.0') ? 10 : 0;
    const neededSeconds = Math.ceil(usedBytes / bytesPerSecond) + waitSeconds;
    if (!(neededSeconds > limitSeconds)) return [];
    return [
      {
        message: `${unit.unit} is killed ${limitSeconds} s after it was told to stop; to save its data may take longer`,
      },
    ];
  },
});

/** Seconds of a time span as systemctl show prints it (`1min 30s`, `infinity`); infinite where it is none of that. */
function spanSeconds(text: string): number {
  const seconds = { w: 604800, d: 86400, h: 3600, min: 60, s: 1, ms: 0.001, us: 0.000001 } as const;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(w|d|h|min|ms|us|s)\b/g)];
  if (parts.length === 0) return Number.POSITIVE_INFINITY;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * seconds[unit as keyof typeof seconds], 0);
}

export const restartPolicyFightsRunbook = defineRule({
  id: 'restart-policy-fights-runbook',
  class: 'recovery',
  severity: 'info',
  scope: 'host',
  title: 'the service manager starts again what was stopped by hand',
  rationale:
    'With Restart=always a server that was ended by SHUTDOWN or by a signal is back within seconds, with the config and the data that somebody is just exchanging. A recovery of this program holds its units; one by hand must stop them by systemctl.',
  source: 'systemd.service(5), Restart=; Restart=always in the units of Debian 5:7.0.15',
  fix: 'Stop nodes by `systemctl stop`, never by SHUTDOWN or kill; do not mask a running unit.',
  fixtures: {
    fails: 'test/audit/fixtures/restart-policy-fights-runbook/fails',
    nearMiss: 'test/audit/fixtures/restart-policy-fights-runbook/near-miss',
  },
  needs: (host) => ({
    units: each(
      [...host.redis, ...host.sentinels].map((node) => node.unit).filter((unit) => unit.ok || unit.why !== 'absent'),
      'node under a service manager',
    ),
  }),
  check: ({ units }) =>
    units
      .filter(({ properties }) => ['always', 'on-success'].includes(properties.Restart ?? ''))
      .map(({ unit, properties }) => ({
        message: `${unit} has Restart=${properties.Restart}: ended by SHUTDOWN, it is started again at once`,
      })),
});
