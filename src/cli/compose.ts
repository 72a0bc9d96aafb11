import { RunbookError } from '../errors.js';
import { defaultLimits, type LookRequest, type WritableHost } from '../hosts/host.js';
import { loadInventory } from '../inventory/load.js';
import { checkTlsFiles } from '../inventory/node-reach.js';
import { resolvePasswords } from '../inventory/passwords.js';
import type { Diagnosis } from '../model/diagnosis.js';
import type { Inventory, Passwords } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { Answer, Survey } from '../model/survey.js';
import { answerQuestions } from '../survey/aof-compare.js';
import { interpret } from '../survey/interpret.js';
import { settleInventory } from '../survey/settle.js';
import { surveyFleet } from '../survey/survey.js';
import { createAsk } from './ask.js';
import type { Context } from './context.js';
import type { SelectFlags } from './flags.js';
import { hostOpener } from './open-host.js';

/** The fleet of this command: what is declared, and the hosts that reach it. */
export interface Fleet {
  readonly inventory: Inventory;
  readonly passwords: Passwords;
  readonly hosts: readonly WritableHost[];
  readonly group: string;
  /** Waits until no question about a login is open; whether any was asked since this was called last. */
  questionsAnswered(): Promise<boolean>;
  close(): Promise<void>;
}

/** What was seen of a fleet at one moment, and what that means for one group. */
export interface Judged {
  /** Every node as it is reached, by what its own config file says. */
  readonly inventory: Inventory;
  readonly raw: readonly RawHost[];
  readonly survey: Survey;
  readonly diagnosis: Diagnosis;
  /** Comparisons of files that the diagnosis asked for and took into account. */
  readonly answers?: readonly Answer[];
}

/** Opens the fleet that the flags name. Throws RunbookError `no-fleet`, `fleet-file`, `usage`. */
export async function openFleet(context: Context, flags: SelectFlags, which?: 'every group'): Promise<Fleet> {
  const file = context.fleetFile;
  if (file === undefined)
    throw new RunbookError('no-fleet', 'There is no fleet.yaml here, and no --fleet was given.', {
      next: [
        'redis-runbook status HOST          finds the fleet from one of its machines; recover HOST repairs it',
        'redis-runbook status --fleet FILE',
        'redis-runbook init HOST            writes a fleet.yaml from what is found',
      ],
    });
  const inventory = await loadInventory(file);
  const group = which === undefined ? groupOf(inventory, flags.group) : (inventory.groups[0] ?? '');
  await checkTlsFiles(inventory);
  const passwords = await resolvePasswords(inventory, (question) => createAsk(context).secret(question));
  const opener = context.opener ?? hostOpener(context);
  const hosts = await Promise.all(inventory.hosts.map(opener.open));
  return {
    inventory,
    passwords,
    hosts,
    group,
    questionsAnswered: opener.questionsAnswered,
    close: async () => {
      await Promise.all(hosts.map((host) => host.close()));
    },
  };
}

function groupOf(inventory: Inventory, wanted: string | undefined): string {
  const [first, ...more] = inventory.groups;
  if (wanted === undefined && first !== undefined && more.length === 0) return first;
  if (wanted !== undefined && inventory.groups.includes(wanted)) return wanted;
  const names = inventory.groups.join(', ');
  throw new RunbookError(
    'usage',
    wanted === undefined ? `${inventory.file} has several groups.` : `${inventory.file} has no group ${wanted}.`,
    { next: [`add --group, one of ${names}`] },
  );
}

/** What was seen of the fleet that the flags name, or what a saved survey holds, without a judgement; for every group. */
export async function look(context: Context, flags: SelectFlags): Promise<Seen> {
  if (flags.survey !== undefined) {
    const { inventory, raws } = await (await import('../survey/saved.js')).loadSurvey(flags.survey);
    return { inventory, raws, passwords: new Map() };
  }
  const fleet = await openFleet(context, flags, 'every group');
  try {
    const { inventory, passwords, hosts } = fleet;
    const request: LookRequest = { groups: inventory.groups, passwords, limits: defaultLimits };
    const { raw } = await surveyFleet(inventory, hosts, request, context.now, context.signal);
    return { inventory, raws: raw, passwords };
  } finally {
    await fleet.close();
  }
}

export interface Seen {
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
  /** Empty for a saved survey. */
  readonly passwords: Passwords;
}

/** Loaded when a look is under way: the hosts take longer. */
const judging = () => import('../diagnosis/diagnose.js');

/** Who is the freshest may change with the answers, and with it what else is asked. */
const MOST_ROUNDS = 3;

/**
 * Looks at every host at once and judges; questions that only another look answers are answered, and judged again.
 * `meanwhile` is called once the look is under way.
 */
export async function lookAndJudge(fleet: Fleet, context: Context, meanwhile?: () => void): Promise<Judged> {
  const request: LookRequest = {
    groups: fleet.inventory.groups,
    passwords: fleet.passwords,
    limits: defaultLimits,
  };
  const look = () => surveyFleet(fleet.inventory, fleet.hosts, request, context.now, context.signal);
  const looking = look();
  const judge = judging();
  meanwhile?.();
  const [seen, { diagnose }] = await Promise.all([looking, judge]);
  // A look has a time limit, a person who types a password has none: what was answered late is looked at again.
  const { raw, survey } = (await fleet.questionsAnswered()) ? await look() : seen;
  const inventory = settleInventory(fleet.inventory, raw);
  const answers: Answer[] = [];
  let diagnosis = diagnose(survey, fleet.group);
  for (let round = 0; round < MOST_ROUNDS && diagnosis.questions.length > 0; round++) {
    answers.push(...(await answerQuestions(diagnosis.questions, survey, fleet.hosts, context.signal)));
    diagnosis = diagnose(survey, fleet.group, answers);
  }
  return { inventory, raw, survey, diagnosis, answers };
}

/** Judges a saved survey; nothing is looked at, so questions stay open. */
async function judgeSaved(file: string, flags: SelectFlags): Promise<Judged> {
  const [{ loadSurvey }, { diagnose }] = await Promise.all([import('../survey/saved.js'), judging()]);
  const { inventory, raws } = await loadSurvey(file);
  const survey = interpret(inventory, raws);
  const settled = settleInventory(inventory, raws);
  return { inventory: settled, raw: raws, survey, diagnosis: diagnose(survey, groupOf(inventory, flags.group)) };
}

/**
 * The saved survey when one is named, else a look at the fleet. The fleet, when there is one, stays open for `use`.
 * `meanwhile` is called once the look is under way.
 */
export async function withJudged<T>(
  context: Context,
  flags: SelectFlags,
  use: (judged: Judged, fleet: Fleet | undefined) => Promise<T>,
  meanwhile?: () => void,
): Promise<T> {
  if (flags.survey !== undefined) return use(await judgeSaved(flags.survey, flags), undefined);
  const fleet = await openFleet(context, flags);
  try {
    return await use(await lookAndJudge(fleet, context, meanwhile), fleet);
  } finally {
    await fleet.close();
  }
}
