import { stringify } from 'yaml';
import { commandOf, marker, type ScheduleOrder, unitName } from './order.js';

/** A CronJob manifest for one fleet: fleet.yaml from a ConfigMap, secrets from a Secret, backups on a claim; all of one name. */
export function cronJobManifest(order: ScheduleOrder, image: string): string {
  const name = unitName(order.fleet).toLowerCase().replaceAll('_', '-').slice(0, 52).replace(/-+$/, '');
  const inside: ScheduleOrder = {
    ...order,
    program: [],
    fleetFile: '/etc/redis-runbook/fleet.yaml',
    repository: '/backups',
  };
  const manifest = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, labels: { 'app.kubernetes.io/name': 'redis-runbook', 'app.kubernetes.io/component': 'backup' } },
    spec: {
      schedule: order.at,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: { backoffLimit: 1, activeDeadlineSeconds: 43_200, template: { spec: podSpec(name, image, inside) } },
      },
    },
  };
  return `${marker}\n${stringify(manifest)}`;
}

function podSpec(name: string, image: string, order: ScheduleOrder): object {
  const container = (what: string, ...words: readonly string[]) => ({
    name: what,
    image,
    args: [...commandOf(order, ...words)],
    env: [
      { name: 'HOME', value: '/state' },
      { name: 'XDG_CONFIG_HOME', value: '/state/config' },
      { name: 'XDG_STATE_HOME', value: '/state' },
      { name: 'CREDENTIALS_DIRECTORY', value: '/run/credentials' },
    ],
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'fleet', mountPath: '/etc/redis-runbook', readOnly: true },
      { name: 'credentials', mountPath: '/run/credentials', readOnly: true },
      { name: 'backups', mountPath: '/backups' },
      { name: 'state', mountPath: '/state' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  });
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(order.prunes
      ? {
          initContainers: [container('create', 'create', '--scheduled')],
          containers: [container('prune', 'prune', '--apply')],
        }
      : { containers: [container('create', 'create', '--scheduled')] }),
    volumes: [
      { name: 'fleet', configMap: { name, defaultMode: 0o444 } },
      { name: 'credentials', secret: { secretName: name, defaultMode: 0o440 } },
      { name: 'backups', persistentVolumeClaim: { claimName: name } },
      { name: 'state', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}
