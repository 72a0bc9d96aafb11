import type { Action, ActionKind, ActionOf } from '../../model/plan.js';
import type { Acted, ActionModule, At, Looked } from '../tools.js';
import { aofRewrite } from './aof-rewrite.js';
import { configCheck } from './config-check.js';
import { configKeep } from './config-keep.js';
import { configRewrite } from './config-rewrite.js';
import { dataCheck } from './data-check.js';
import { dataKeep } from './data-keep.js';
import { dataSave } from './data-save.js';
import { fenceLift } from './fence-lift.js';
import { fenceRaise } from './fence-raise.js';
import { leftOutDone } from './left-out-done.js';
import { leftOutNote } from './left-out-note.js';
import { lockRelease } from './lock-release.js';
import { lockTake } from './lock-take.js';
import { serviceHold } from './service-hold.js';
import { serviceRelease } from './service-release.js';
import { serviceStart } from './service-start.js';
import { serviceStop } from './service-stop.js';

const modules: { readonly [K in ActionKind]: ActionModule<K> } = {
  'lock.take': lockTake,
  'lock.release': lockRelease,
  'service.hold': serviceHold,
  'service.release': serviceRelease,
  'service.stop': serviceStop,
  'service.start': serviceStart,
  'data.save': dataSave,
  'data.keep': dataKeep,
  'config.keep': configKeep,
  'config.rewrite': configRewrite,
  'config.check': configCheck,
  'data.check': dataCheck,
  'fence.raise': fenceRaise,
  'fence.lift': fenceLift,
  'aof.rewrite': aofRewrite,
  'left-out.note': leftOutNote,
  'left-out.done': leftOutDone,
};

/** One action with its kind's module, ready to be looked at and done. */
export interface Bound {
  readonly changes: boolean;
  readonly undo: string;
  look(at: At): Promise<Looked>;
  act(at: At): Promise<Acted>;
}

/** Binds an action to the module of its kind. */
export function actionModule(action: Action): Bound {
  return bind(action.kind, action as ActionOf<typeof action.kind>);
}

function bind<K extends ActionKind>(kind: K, action: ActionOf<K>): Bound {
  const module: ActionModule<K> = modules[kind];
  return {
    changes: module.changes,
    undo: module.undo,
    look: (at) => module.look(action, at),
    act: (at) => module.act(action, at),
  };
}
