import type { Action, ActionKind, ActionOf } from '../../model/plan.js';
import type { Acted, ActionModule, At, Found, Looked, WhenFinished } from '../tools.js';
import { aofRewrite } from './aof-rewrite.js';
import { configCheck } from './config-check.js';
import { configKeep } from './config-keep.js';
import { configRewrite } from './config-rewrite.js';
import { dataAside } from './data-aside.js';
import { dataCheck } from './data-check.js';
import { dataCompare } from './data-compare.js';
import { dataKeep } from './data-keep.js';
import { dataPlace } from './data-place.js';
import { dataSave } from './data-save.js';
import { dataSend } from './data-send.js';
import { dataVerify } from './data-verify.js';
import { fenceLift } from './fence-lift.js';
import { fenceRaise } from './fence-raise.js';
import { leftOutDone } from './left-out-done.js';
import { leftOutNote } from './left-out-note.js';
import { lockRelease } from './lock-release.js';
import { lockTake } from './lock-take.js';
import { roleFollow } from './role-follow.js';
import { roleLead } from './role-lead.js';
import { sentinelFailover } from './sentinel-failover.js';
import { serviceHold } from './service-hold.js';
import { serviceRelease } from './service-release.js';
import { serviceStart } from './service-start.js';
import { serviceStop } from './service-stop.js';

type Forward = Exclude<ActionKind, 'undo'>;

const modules: { readonly [K in Forward]: ActionModule<K> } = {
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
  'data.verify': dataVerify,
  'fence.raise': fenceRaise,
  'fence.lift': fenceLift,
  'aof.rewrite': aofRewrite,
  'role.lead': roleLead,
  'sentinel.failover': sentinelFailover,
  'role.follow': roleFollow,
  'data.send': dataSend,
  'data.place': dataPlace,
  'data.aside': dataAside,
  'data.compare': dataCompare,
  'left-out.note': leftOutNote,
  'left-out.done': leftOutDone,
};

/** One action with its kind's module, ready to be looked at and done. */
export interface Bound {
  readonly changes: boolean;
  readonly until: readonly string[];
  whenFinished(found: Found): WhenFinished;
  look(at: At): Promise<Looked>;
  act(at: At): Promise<Acted>;
}

/** Binds an action to the module of its kind; one that goes back, to the inverse of what it undoes. */
export function actionModule(action: Action): Bound {
  if (action.kind !== 'undo') return bind(action.kind, action as ActionOf<typeof action.kind>);
  const { of, found } = action;
  if (of.kind === 'undo') throw new Error('what was undone is not done again: recover plans anew');
  return bindInverse(of.kind, of as ActionOf<typeof of.kind>, found);
}

/** How an action is taken back, in words; undefined where nothing of it is. */
export function undoSays(action: Action): string | undefined {
  if (action.kind === 'undo') return undefined;
  const { undo } = modules[action.kind];
  return 'none' in undo ? undefined : undo.says;
}

function bind<K extends Forward>(kind: K, action: ActionOf<K>): Bound {
  const module: ActionModule<K> = modules[kind];
  const { whenFinished = 'look' } = module;
  return {
    changes: module.changes,
    until: module.until ?? [],
    whenFinished: (found) => (typeof whenFinished === 'function' ? whenFinished(found) : whenFinished),
    look: (at) => module.look(action, at),
    act: (at) => module.act(action, at),
  };
}

function bindInverse<K extends Forward>(kind: K, action: ActionOf<K>, found: Found): Bound {
  const { undo }: ActionModule<K> = modules[kind];
  if ('none' in undo) throw new Error(`nothing takes ${kind} back: ${undo.none}`);
  return {
    changes: true,
    until: undo.until ?? [],
    whenFinished: () => 'look',
    look: (at) => undo.look(action, at, found),
    act: (at) => undo.act(action, at, found),
  };
}
