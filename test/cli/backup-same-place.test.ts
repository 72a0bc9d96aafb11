import { expect, test } from 'vitest';
import { placeFlags, withPlace } from '../../src/cli/backup/same-place.js';
import { RunbookError } from '../../src/errors.js';

test('what is to be pasted means the same fleet file and the same repository', () => {
  const next = [
    'redis-runbook backup create   once more',
    'redis-runbook backup restore F0F5 --yes',
    'redis-runbook backup list --repository /elsewhere',
    'redis-runbook doctor',
    'df -h /var/backups',
  ];
  const error = new RunbookError('backup-failed', 'The snapshot failed.', { facts: ['why'], next });
  const given = { repository: '/var/our backups' };
  const said = withPlace(error, { fleetFile: '/etc/fleet.yaml' }, given);
  expect(said).toMatchObject({ word: 'backup-failed', message: 'The snapshot failed.', facts: ['why'] });
  expect(said.next).toEqual([
    "redis-runbook backup create --fleet /etc/fleet.yaml --repository '/var/our backups'   once more",
    "redis-runbook backup restore --fleet /etc/fleet.yaml --repository '/var/our backups' F0F5 --yes",
    'redis-runbook backup list --fleet /etc/fleet.yaml --repository /elsewhere',
    'redis-runbook doctor',
    'df -h /var/backups',
  ]);
  expect(placeFlags({ fleetFile: 'fleet.yaml' }, { repository: undefined })).toBe('');
});
