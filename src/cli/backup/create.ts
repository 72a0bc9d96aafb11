import { hostname, userInfo } from 'node:os';
import { openRepository } from '../../backup/repository/open.js';
import { loadSigner } from '../../backup/signer-file.js';
import { backupGroup, type GroupOrder } from '../../backup/take/group.js';
import { closeReach, reachOver, redisOf } from '../../backup/take/reach.js';
import type { Taken } from '../../backup/take/take.js';
import { turnsOf } from '../../backup/take/turns.js';
import { readTrust } from '../../backup/trust.js';
import { exitStatus, RunbookError, worstOf } from '../../errors.js';
import { defaultLimits } from '../../hosts/host.js';
import type { Inventory } from '../../model/inventory.js';
import { toJson } from '../../model/json.js';
import { known } from '../../model/seen.js';
import type { Survey } from '../../model/survey.js';
import { createdText } from '../../report/backup-created.js';
import { surveyText } from '../../survey/saved.js';
import { settleInventory } from '../../survey/settle.js';
import { surveyFleet } from '../../survey/survey.js';
import { type Fleet, openFleet } from '../compose.js';
import type { Context } from '../context.js';
import { errorText } from '../print-error.js';
import { programVersion } from '../version.js';
import type { BackupFlags } from './flags.js';
import { backupPlace } from './open.js';
import { drillWhenDue, pinged } from './scheduled.js';

/** Groups that are worked on at once: the snapshots of the next ones are made while the data of the first ones comes. */
const MOST_GROUPS = 4;
/** Data of so many groups comes at once: it keeps two processors and some memory busy. */
const MOST_ARRIVING = 2;
const SNAPSHOT_LIMIT_MS = 60 * 60_000;
/** A timer has time: a recovery that is under way is waited for. */
const SCHEDULED_WAIT_MS = 30 * 60_000;

/** `backup create`: one backup of each group. Exit 0, or what kept the worst of them from being made. */
export async function backupCreate(flags: BackupFlags, context: Context): Promise<number> {
  refuseContradictions(flags);
  const { place, settings } = await backupPlace(flags, context);
  const show = (line: string) => (context.quiet ? undefined : context.stderr(`${line}\n`));
  if (!flags.scheduled) return create(place, flags, context, show);
  return pinged(settings, context, (told) =>
    create(place, flags, context, (line) => {
      told(line);
      show(line);
    }),
  );
}

function refuseContradictions(flags: BackupFlags): void {
  if (flags.engine === 'stream' && (flags.compress === 'zstd' || flags.compress === 'gzip'))
    throw new RunbookError('usage', 'What a node streams itself cannot be compressed on its host.', {
      next: ['redis-runbook backup create --engine stream', `redis-runbook backup create --compress ${flags.compress}`],
    });
  if (flags.engine === undefined || flags.kind === 'rdb') return;
  throw new RunbookError('usage', '--engine is for snapshots: append-only files are always copied from the disk.', {
    next: ['redis-runbook backup create --kind aof', `redis-runbook backup create --engine ${flags.engine}`],
  });
}

async function create(
  place: string,
  flags: BackupFlags,
  context: Context,
  tell: (line: string) => void,
): Promise<number> {
  const repository = await openRepository(place, { make: true, now: context.now() });
  const signer = await loadSigner(process.env);
  const trust = await readTrust(repository, process.env);
  const fleet = await openFleet(context, flags, 'every group');
  try {
    const wanted = wantedGroups(fleet.inventory, flags);
    const { inventory, order } = await orderFor(flags, fleet, context);
    const reach = reachOver(inventory, fleet.hosts, fleet.passwords, context.signal);
    const common = { repository, signer, trust, now: context.now };
    const turns = turnsOf(MOST_ARRIVING);
    const results = await inTurn([...wanted], MOST_GROUPS, async ([group, named]) => {
      const own = (line: string) => tell(`${group}: ${line}`);
      const taken = await backupGroup(order(group, named), {
        ...common,
        reach,
        turns,
        version: programVersion(),
        tell: own,
      });
      const drill = () => drillWhenDue(taken.ref, taken.ref, { ...common, signal: context.signal }, own);
      if (flags.scheduled) await turns.here(context.signal, drill);
      return taken;
    }).finally(() => closeReach(reach));
    return end(results, context);
  } finally {
    await fleet.close();
  }
}

type Result = { readonly taken: Taken } | { readonly error: unknown };

function end(results: readonly Result[], context: Context): number {
  const taken = results.flatMap((result) => ('taken' in result ? [result.taken] : []));
  const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
  if (taken.length === 0 && errors.length === 1) throw errors[0];
  const backups = taken.map(({ ref, manifest }) => ({ name: ref.name, ...manifest }));
  if (context.json) {
    const failed = errors.map((error) => (error instanceof Error ? error.message : String(error)));
    context.stdout(`${toJson({ schema: 'redis-runbook/backup-create/1', backups, failed }, 2)}\n`);
  } else for (const one of taken) context.stdout(createdText(one, context.columns));
  for (const error of errors) {
    if (!(error instanceof RunbookError)) throw error;
    context.stderr(errorText(error));
  }
  return worstOf(errors.map((error) => (error instanceof RunbookError ? error.exit : exitStatus.bug)));
}

/** Groups by name, each with the nodes of it that were named. Throws RunbookError `usage` for a word that is neither. */
function wantedGroups(inventory: Inventory, flags: BackupFlags): ReadonlyMap<string, readonly string[]> {
  const wanted = new Map<string, readonly string[]>();
  const all = flags.group === undefined ? inventory.groups : [flags.group];
  for (const word of flags.args.length > 0 ? flags.args : all) {
    const group = inventory.groups.find((name) => name === word) ?? groupOfNode(inventory, word);
    if (group === undefined)
      throw new RunbookError('usage', `${inventory.file} has no group and no redis node ${word}.`, {
        facts: [`groups: ${inventory.groups.join(', ')}`],
        next: ['redis-runbook status'],
      });
    const before = wanted.get(group) ?? [];
    wanted.set(group, inventory.groups.includes(word) ? before : [...before, word]);
  }
  return wanted;
}

function groupOfNode(inventory: Inventory, word: string): string | undefined {
  return inventory.groups.find((group) => redisOf(inventory, group).some(({ id }) => id === word));
}

async function orderFor(flags: BackupFlags, fleet: Fleet, context: Context) {
  const request = { groups: fleet.inventory.groups, passwords: fleet.passwords, limits: defaultLimits };
  const look = () => surveyFleet(fleet.inventory, fleet.hosts, request, context.now, context.signal);
  const first = await look();
  const { raw, survey } = (await fleet.questionsAnswered()) ? await look() : first;
  const inventory = settleInventory(fleet.inventory, raw);
  const text = surveyText(raw, inventory);
  const order = (group: string, named: readonly string[]): GroupOrder => ({
    scope: { fleet: inventory.fleet, group },
    kind: flags.kind,
    way: flags.engine,
    compress: flags.compress,
    named,
    reason: flags.scheduled ? 'schedule' : 'manual',
    tags: flags.tags,
    withSecrets: flags.withSecrets,
    bytesPerSecond: rateOf(flags.limitRate),
    snapshotLimitMs: SNAPSHOT_LIMIT_MS,
    waitMs: flags.wait === undefined && flags.scheduled ? SCHEDULED_WAIT_MS : secondsOf(flags.wait) * 1000,
    sentinel: sentinelOf(survey, group),
    survey: text,
    seen: survey,
    who: `${userInfo().username}@${hostname()}`,
  });
  return { inventory, order };
}

function sentinelOf(survey: Survey, group: string): GroupOrder['sentinel'] {
  const view = survey.groups[group]?.sentinels
    .map((sentinel) => known(sentinel.view))
    .find((each) => each !== undefined);
  return view === undefined ? undefined : { master: view.master, quorum: view.quorum };
}

export function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,9})([kMG]?)$/.exec(text) ?? [];
  const rate = Number(digits) * ({ '': 1, k: 1e3, M: 1e6, G: 1e9 }[unit] ?? 1);
  if (digits !== undefined && rate > 0) return rate;
  throw new RunbookError('usage', `--limit-rate ${text} is no rate.`, {
    next: ['--limit-rate 20M   is 20 MB a second'],
  });
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new RunbookError('usage', `--wait ${text} is no number of seconds.`, { next: ['--wait 600'] });
}

/** Works on all items, at most `limit` at once; the error of one ends no other. */
async function inTurn<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<Taken>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = items.map((item, index) => ({ item, index }));
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { item, index } = next;
      results[index] = await work(item).then(
        (taken) => ({ taken }),
        (error: unknown) => ({ error }),
      );
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
