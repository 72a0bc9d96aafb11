import type { Step } from '../scene.js';
import { checkConfigs, checkData } from './check.js';
import { holdRedis, holdSentinels } from './hold.js';
import { keepConfigs, keepData, saveRunning, verifyKept } from './keep.js';
import { noteLeftOut, noteRejoined } from './left-out.js';
import { lockFleet, unlockFleet } from './lock.js';
import { prove } from './prove.js';
import { rewriteRedis, rewriteSentinels } from './rewrite.js';
import { startMaster, startReplicas, startSentinels } from './start.js';
import { stopRedis } from './stop.js';

/** The step library: the only words that a runbook may use. */
export const steps: readonly Step[] = [
  lockFleet,
  holdSentinels,
  holdRedis,
  saveRunning,
  keepData,
  keepConfigs,
  stopRedis,
  rewriteRedis,
  rewriteSentinels,
  checkConfigs,
  checkData,
  startMaster,
  startReplicas,
  startSentinels,
  prove,
  noteLeftOut,
  noteRejoined,
  verifyKept,
  unlockFleet,
];
