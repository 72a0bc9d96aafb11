import type { Condition } from '../../model/plan.js';
import type { At, ConditionModule, Sight } from '../tools.js';
import { asBefore } from './as-before.js';
import { caughtUpWith } from './caught-up-with.js';
import { dataLoaded } from './data-loaded.js';
import { failedOver } from './failed-over.js';
import { filesAsPlanned } from './files-as-planned.js';
import { isMaster } from './is-master.js';
import { linkedTo } from './linked-to.js';
import { noSentinelTalks } from './no-sentinel-talks.js';
import { notRestarted } from './not-restarted.js';
import { nothingHeld } from './nothing-held.js';
import { quorum } from './quorum.js';
import { sentinelsAgree } from './sentinels-agree.js';
import { stopped } from './stopped.js';

type Kind = Condition['kind'];

const modules: { readonly [K in Kind]: ConditionModule<K> } = {
  stopped,
  'is-master': isMaster,
  'data-loaded': dataLoaded,
  'linked-to': linkedTo,
  'caught-up-with': caughtUpWith,
  'sentinels-agree': sentinelsAgree,
  quorum,
  'nothing-held': nothingHeld,
  'files-as-planned': filesAsPlanned,
  'no-sentinel-talks': noSentinelTalks,
  'not-restarted': notRestarted,
  'failed-over': failedOver,
  'as-before': asBefore,
};

/** Looks at a condition once. Rejects only with what could not be seen at all, in words. */
export function seeCondition(condition: Condition, at: At): Promise<Sight> {
  return see(condition.kind, condition, at);
}

function see<K extends Kind>(kind: K, condition: Condition, at: At): Promise<Sight> {
  const module: ConditionModule<K> = modules[kind];
  return module.see(condition as Extract<Condition, { kind: K }>, at);
}

/** Why a condition does not come to hold by waiting; undefined where nothing says so. */
export function whyHopeless(condition: Condition, at: At): Promise<string | undefined> {
  return hopeless(condition.kind, condition, at).catch(() => undefined);
}

async function hopeless<K extends Kind>(kind: K, condition: Condition, at: At): Promise<string | undefined> {
  const module: ConditionModule<K> = modules[kind];
  return module.hopeless?.(condition as Extract<Condition, { kind: K }>, at);
}
