import { crash, interruptedCopy, loseBacklog, promote, resume, save, stall, start, stop } from './events.js';
import { cutLink, type Fleet, follow, type Node, rewriteAof, write } from './fleet.js';

/** One thing that is done to one node, by name: what happens to the model, and to real processes, is told in these. */
export type Deed =
  | { readonly what: 'write'; readonly node: string; readonly bytes: number }
  | { readonly what: 'follow' | 'interrupted-copy'; readonly node: string; readonly master: string }
  | { readonly what: 'start'; readonly node: string; readonly as: 'master' | 'replica' }
  | { readonly what: 'promote'; readonly node: string; readonly elect: boolean }
  | {
      readonly what: 'crash' | 'stop' | 'save' | 'cut-link' | 'stall' | 'resume' | 'rewrite-aof' | 'lose-backlog';
      readonly node: string;
    };

/** Does a deed to the model; one that cannot be done there (a dead node's save) does nothing. */
export function carry(fleet: Fleet, deed: Deed): void {
  const node = nodeOf(fleet, deed.node);
  switch (deed.what) {
    case 'write':
      write(fleet, node, deed.bytes);
      break;
    case 'follow':
      follow(fleet, node, nodeOf(fleet, deed.master));
      break;
    case 'interrupted-copy':
      interruptedCopy(fleet, node, nodeOf(fleet, deed.master));
      break;
    case 'start':
      start(fleet, node, deed.as);
      break;
    case 'promote':
      promote(fleet, node, deed.elect);
      break;
    case 'crash':
      crash(fleet, node);
      break;
    case 'stop':
      stop(fleet, node);
      break;
    case 'save':
      save(fleet, node);
      break;
    case 'cut-link':
      cutLink(fleet, node);
      break;
    case 'stall':
      stall(node);
      break;
    case 'resume':
      resume(fleet, node);
      break;
    case 'rewrite-aof':
      rewriteAof(fleet, node);
      break;
    case 'lose-backlog':
      loseBacklog(fleet, node);
      break;
  }
}

/** What a deed is done to: the model when left out. */
export type Act = (deed: Deed) => void;

/** A sound fleet: the first node is master, the others follow it, AOFs written. */
export function assemble(fleet: Fleet, act: Act = (deed) => carry(fleet, deed)): void {
  const [master, ...others] = fleet.nodes;
  if (!master) return;
  for (const { name } of fleet.nodes) act({ what: 'start', node: name, as: 'master' });
  for (const { name } of others) {
    act({ what: 'follow', node: name, master: master.name });
    act({ what: 'rewrite-aof', node: name });
  }
  fleet.elected = master;
}

/** The node of that name. Throws when there is none. */
function nodeOf(fleet: Fleet, name: string): Node {
  const node = fleet.nodes.find((each) => each.name === name);
  if (!node) throw new Error(`no node ${name}`);
  return node;
}
