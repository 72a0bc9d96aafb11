import type { Step } from '../scene.js';
import { checkConfigs, checkData } from './check.js';
import { failOver } from './fail-over.js';
import { holdRedis, holdSentinels } from './hold.js';
import { keepConfigs, keepData, keepFenced, saveRunning, verifyKept } from './keep.js';
import { noteLeftOut, noteRejoined } from './left-out.js';
import { lockFleet, unlockFleet } from './lock.js';
import { prove } from './prove.js';
import { placeBackup, sendBackup } from './restore.js';
import { rewriteRedis, rewriteSentinels } from './rewrite.js';
import { catchUp, fenceOthers, promote, repoint } from './role.js';
import { releaseRedis, startMaster, startReplicas, startSentinels } from './start.js';
import { stopRedis } from './stop.js';

/** The step library: the only words that a runbook may use. */
export const steps: readonly Step[] = [
  lockFleet,
  holdSentinels,
  holdRedis,
  saveRunning,
  keepData,
  keepConfigs,
  fenceOthers,
  keepFenced,
  catchUp,
  promote,
  repoint,
  failOver,
  stopRedis,
  sendBackup,
  placeBackup,
  rewriteRedis,
  rewriteSentinels,
  checkConfigs,
  checkData,
  startMaster,
  startReplicas,
  releaseRedis,
  startSentinels,
  prove,
  noteLeftOut,
  noteRejoined,
  verifyKept,
  unlockFleet,
];
