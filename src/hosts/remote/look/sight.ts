import type { HostEntry } from '../../../model/inventory.js';
import type { RawFile } from '../../../model/raw-host.js';
import type { Channel } from '../../channel.js';
import type { Host, LookRequest } from '../../host.js';
import { stateFile } from '../../local-look.js';
import { leftOutPath, lockPath } from '../../local-state.js';
import type { LookContext } from '../../look-file.js';
import { stateTasks, type Task } from './command.js';
import type { Exchange } from './exchange.js';
import { uidOf } from './machine.js';
import { type NodeView, viewNode } from './node.js';
import { type RemoteScan, scanIn } from './processes.js';
import { type ReplayUser, replayOf } from './replay.js';

/** One look at one host, while it lasts. */
export interface Looking {
  readonly channel: Channel;
  readonly connect: Host['connect'];
  readonly entry: HostEntry;
  readonly request: LookRequest;
  readonly signal: AbortSignal;
  readonly began: number;
}

/** All that is known after some exchanges. */
export interface Sight {
  readonly exchanges: readonly Exchange[];
  readonly user: ReplayUser;
  readonly scan: RemoteScan;
  readonly views: readonly NodeView[];
  /** The lock, and who was left out. */
  readonly state: readonly RawFile[];
  readonly stateAgain: readonly Task[];
  /** Whether a second exchange could look as root. */
  readonly mayBecome: boolean;
}

function contextOf(looking: Looking): Omit<LookContext, 'files'> {
  return { entry: looking.entry, limits: looking.request.limits, signal: looking.signal };
}

/** What these exchanges have shown, the later ones first. `note`: why the last one brought nothing. */
export async function sightOf(looking: Looking, exchanges: readonly Exchange[], note = ''): Promise<Sight> {
  const { entry } = looking;
  const user: ReplayUser = { uid: exchanges.flatMap((each) => uidOf(each) ?? [])[0] ?? -1, note };
  const mayBecome = entry.become === 'sudo' && user.uid !== 0;
  const scan = scanIn(exchanges.map(({ records }) => records));
  const replayPart = (part: number) =>
    replayOf(
      exchanges
        .flatMap(({ parts, complete }) => {
          const evidence = parts.get(part);
          return evidence ? [complete ? evidence : { ...evidence, complete }] : [];
        })
        .reverse(),
      user,
    );
  const views = await Promise.all(
    entry.nodes.map((node, part) => {
      const replay = replayPart(part);
      return viewNode({
        entry,
        node,
        part,
        scan,
        replay,
        context: { ...contextOf(looking), files: replay },
        mayBecome,
      });
    }),
  );
  const host = replayPart(-1);
  const context = { ...contextOf(looking), files: host };
  const state = await Promise.all([
    stateFile(context, entry.name, 'lock', lockPath(entry)),
    stateFile(context, entry.name, 'left-out', leftOutPath(entry)),
  ]);
  const stateAgain = mayBecome && host.denied.size > 0 ? stateTasks(entry) : [];
  return { exchanges, user, scan, views, state, stateAgain, mayBecome };
}
