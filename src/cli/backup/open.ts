import { type CataloguedBackup, readCatalogue } from '../../backup/catalogue.js';
import { openRepository } from '../../backup/repository/open.js';
import type { BackupScope, Repository } from '../../backup/repository/repository.js';
import { acceptSigner, readTrust, type Trust } from '../../backup/trust.js';
import { RunbookError } from '../../errors.js';
import { backupSettings } from '../../inventory/build-backup.js';
import { loadInventory } from '../../inventory/load.js';
import type { Inventory } from '../../model/inventory.js';
import type { BackupSettings } from '../../model/retention.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { placeFlags } from './same-place.js';

/** The repository that a command works on, what fleet.yaml says of it, and whose signatures count. */
export interface OpenBackups {
  readonly repository: Repository;
  readonly settings: BackupSettings;
  readonly trust: Trust;
  /** Groups that the command is about: declared ones and those that have backups, narrowed by --group. */
  readonly scopes: readonly BackupScope[];
  /** Missing without a fleet file: then every group in the repository is meant. */
  readonly inventory?: Inventory;
}

/** Opens the repository that the flags or fleet.yaml name. Rejects with RunbookError `usage`, `no-repository`, `repository`, `no-fleet`, `fleet-file`, `unknown-signer`. */
export async function openBackups(flags: BackupFlags, context: Context): Promise<OpenBackups> {
  const { place, settings, inventory } = await backupPlace(flags, context);
  const repository = await openRepository(place, { make: false, now: context.now() });
  const scopes = await scopesOf(repository, inventory, flags.group);
  const before = await readTrust(repository, process.env);
  const found = { repository, settings, scopes, ...(inventory === undefined ? {} : { inventory }) };
  if (flags.acceptSigner === undefined) return { ...found, trust: before };
  return { ...found, trust: await accepting(flags.acceptSigner, found, before, context) };
}

/** Where backups are kept and what fleet.yaml says of them; nothing is opened. */
export async function backupPlace(
  flags: BackupFlags,
  context: Context,
): Promise<{ readonly place: string; readonly settings: BackupSettings; readonly inventory?: Inventory }> {
  const inventory = context.fleetFile === undefined ? undefined : await loadInventory(context.fleetFile);
  const settings = inventory?.backup ?? backupSettings({});
  const place = flags.repository ?? settings.repository;
  if (place !== undefined) return { place, settings, ...(inventory === undefined ? {} : { inventory }) };
  throw new RunbookError(
    'usage',
    inventory === undefined
      ? 'Neither a repository nor a fleet file is named.'
      : `${inventory.file} does not say where backups are kept.`,
    {
      next: [
        'in fleet.yaml: backup: { repository: /var/backups/redis-runbook }',
        `redis-runbook backup ${flags.sub} --repository DIRECTORY`,
      ],
    },
  );
}

async function scopesOf(
  repository: Repository,
  inventory: Inventory | undefined,
  group: string | undefined,
): Promise<readonly BackupScope[]> {
  const there = await repository.scopes();
  const mine = inventory === undefined ? there : there.filter(({ fleet }) => fleet === inventory.fleet);
  const declared = (inventory?.groups ?? []).map((name) => ({ fleet: inventory?.fleet ?? '', group: name }));
  const all = [...declared, ...mine.filter((scope) => !declared.some((one) => one.group === scope.group))];
  const wanted = group === undefined ? all : all.filter((scope) => scope.group === group);
  if (wanted.length > 0 || group === undefined) return wanted;
  throw new RunbookError('usage', `Neither the fleet nor ${repository.place} has a group ${group}.`, {
    next: [`add --group, one of ${all.map((scope) => scope.group).join(', ') || 'none'}`],
  });
}

async function accepting(
  wanted: string,
  { repository, scopes }: Pick<OpenBackups, 'repository' | 'scopes'>,
  trust: Trust,
  context: Context,
): Promise<Trust> {
  const seen = (await Promise.all(scopes.map((scope) => readCatalogue(repository, scope, trust))))
    .flat()
    .flatMap(({ signer }) => signer ?? []);
  const { accepted, trust: after } = await acceptSigner(wanted, seen, repository, trust, context.now());
  context.stderr(`${accepted.name} is trusted for this repository from now on; remembered in ${after.path}\n`);
  return after;
}

/** The one backup with this id (any case). Rejects with RunbookError `no-backup`. */
export async function findBackup(
  { repository, scopes, trust }: OpenBackups,
  id: string,
): Promise<{ readonly found: CataloguedBackup; readonly siblings: readonly CataloguedBackup[] }> {
  for (const scope of scopes) {
    const siblings = await readCatalogue(repository, scope, trust);
    const found = siblings.find(({ ref }) => ref.id === id.toUpperCase());
    if (found !== undefined) return { found, siblings };
  }
  const trashed = (await repository.trashed()).find(({ ref }) => ref.id === id.toUpperCase());
  throw new RunbookError('no-backup', `There is no backup ${JSON.stringify(id)} in ${repository.place}.`, {
    facts: trashed === undefined ? [] : [`it is in the trash since ${trashed.since}: trash/ of the repository`],
    next: ['redis-runbook backup list --all'],
  });
}

/** How the screens of these commands look. */
export function looksOf(context: Context, flags: Pick<BackupFlags, 'repository'>) {
  return {
    width: context.columns,
    colour: context.colour,
    utcOffsetMinutes: -context.now().getTimezoneOffset(),
    nowMs: context.now().getTime(),
    fleetFlag: placeFlags(context, flags),
  };
}
