import { RunbookError } from '../errors.js';
import { actionsOf, type Plan } from '../model/plan.js';
import { entryOf } from './node.js';
import type { Tools } from './tools.js';

/**
 * A plan names only hosts and nodes of the inventory, and only paths that belong to them; an action that does not is
 * refused before anything begins. Throws RunbookError('blocked').
 */
export function checkShape(plan: Plan, tools: Tools): void {
  const wrong = actionsOf(plan).flatMap((action) => {
    const host = tools.hosts.get(action.host);
    if (!host) return [`${action.id}: ${action.host} is no host of this run`];
    if (action.node === action.host && !('path' in action)) return [];
    const entry = entryOf(tools, action.node);
    if (!entry || entry.host !== action.host) return [`${action.id}: ${action.node} is no node of ${action.host}`];
    const does = action.kind === 'undo' ? action.of : action;
    return 'path' in does ? pathProblem(action.id, does.path, entry.config) : [];
  });
  if (wrong.length > 0) throw new RunbookError('blocked', 'The plan does not fit the fleet.', { facts: wrong });
}

/** Config actions touch the node's own config file or a file that it includes, never anything relative. */
function pathProblem(id: string, path: string, config: string): readonly string[] {
  if (path === config) return [];
  return path.startsWith('/') && !path.split('/').includes('..') ? [] : [`${id}: ${path} is no absolute path`];
}
