/** What a timer is to do, wherever it runs. Paths are absolute. */
export interface ScheduleOrder {
  readonly fleet: string;
  readonly fleetFile: string;
  readonly repository: string;
  readonly metrics?: string;
  /** Program and script: `/usr/bin/node /usr/lib/node_modules/redis-runbook/bin/redis-runbook.js`. */
  readonly program: readonly string[];
  readonly user: string;
  /** As the timer writes it: a calendar of systemd.time(7), or five fields of crontab(5). */
  readonly at: string;
  /** Whether fleet.yaml says what to keep; without that prune would refuse every night. */
  readonly prunes: boolean;
  /** Secrets by name: files that root reads and hands over (LoadCredential=). */
  readonly credentials: readonly { readonly name: string; readonly path: string }[];
}

/** The first line of every file that `schedule install` writes: nothing else is ever replaced or removed. */
export const marker = '# Made by: redis-runbook backup schedule install';

/** Where the timer's own user keeps its signing key, trust and state. */
export const stateDirectory = '/var/lib/redis-runbook-backup';

/** The words of one command of the tool, without a shell. */
export function commandOf(
  { program, fleetFile, repository }: ScheduleOrder,
  ...words: readonly string[]
): readonly string[] {
  return [...program, 'backup', ...words, '--no-input', '--plain', '--fleet', fleetFile, '--repository', repository];
}

/** The commands of one round: make, prune; then, whatever they came to, the metrics. */
export function roundOf(order: ScheduleOrder): {
  readonly work: readonly (readonly string[])[];
  readonly after: readonly string[];
} {
  const prune = order.prunes ? [commandOf(order, 'prune', '--apply')] : [];
  const status = order.metrics === undefined ? ['status'] : ['status', '--metrics', order.metrics];
  return {
    work: [commandOf(order, 'create', '--scheduled'), ...prune],
    after: commandOf(order, ...status),
  };
}

/** A name for files and units: what a fleet's name has beside letters, digits and - becomes _. */
export function unitName(fleet: string): string {
  return `redis-runbook-backup-${fleet.replace(/[^A-Za-z0-9-]/g, '_')}`;
}
