import { setTimeout as pause } from 'node:timers/promises';
import type { Plan } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { ClientsAt, NodeClients, StillThere } from '../model/still-there.js';
import type { GroupSurvey } from '../model/survey.js';
import { fateOfClients } from '../plan/client-fate.js';
import { type ClientRow, clientsIn, commandsBetween, mayHaveWritten } from '../redis/clients.js';
import { answerOf, infoOf, withReader } from './node.js';
import type { Reach } from './tools.js';

const BETWEEN_MS = 1000;
/** More names of commands say nothing more about an address. */
const MOST_COMMANDS = 4;

interface Look {
  readonly atMs: number;
  readonly rows: readonly ClientRow[];
  readonly stats: ReadonlyMap<string, string>;
}

/**
 * Who is connected to the running redis nodes of a group, seen twice within a second. Only looks; a node that cannot be
 * asked says why. Undefined where no node runs.
 */
export async function stillThere(
  reach: Reach,
  group: GroupSurvey,
  plan: Plan,
  setAside: readonly string[],
  now: () => Date,
): Promise<StillThere | undefined> {
  const running = group.redis.flatMap((node) => {
    const role = known(node.running)?.role;
    return role === undefined ? [] : [{ node: node.node, role }];
  });
  if (running.length === 0) return undefined;
  const at = now().toISOString();
  const nodes = await Promise.all(
    running.map(async ({ node, role }): Promise<NodeClients> => {
      const otherwise = fateOfClients(plan, node, setAside);
      try {
        const first = await lookAt(reach, node);
        await pause(BETWEEN_MS, undefined, { signal: reach.signal });
        return { node, role, otherwise, ...comparedWith(role, first, await lookAt(reach, node)) };
      } catch (error) {
        reach.signal.throwIfAborted();
        return { node, role, otherwise, clients: [], notSeen: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return { schema: 'redis-runbook/still-there/1', at, betweenMs: BETWEEN_MS, nodes };
}

function lookAt(reach: Reach, node: string): Promise<Look> {
  return withReader(reach, node, async (reader) => {
    const list = await answerOf(reader, 'CLIENT LIST');
    const stats = await infoOf(reader, 'commandstats');
    return { atMs: performance.now(), rows: clientsIn(typeof list === 'string' ? list : ''), stats };
  });
}

function comparedWith(
  role: NodeClients['role'],
  first: Look,
  second: Look,
): Omit<NodeClients, 'node' | 'role' | 'otherwise'> {
  const seconds = Math.max(0.1, (second.atMs - first.atMs) / 1000);
  const clients = addressesOf(first.rows, second.rows, seconds);
  if (role === 'replica') return { clients };
  const { commands, writes } = commandsBetween(first.stats, second.stats);
  return { clients, commandsPerSecond: rate(commands, seconds), writesPerSecond: rate(writes, seconds) };
}

function rate(count: number, seconds: number): number {
  return Math.round(count / seconds);
}

/** Who comes and goes between the looks counts as well. Busiest first. */
function addressesOf(first: readonly ClientRow[], second: readonly ClientRow[], seconds: number): readonly ClientsAt[] {
  const all = [...first, ...second];
  const addresses = [...new Set(all.map(({ address }) => address))].map((address): ClientsAt => {
    const rows = all.filter((row) => row.address === address);
    const ids = new Set(rows.map(({ id }) => id));
    const writing = new Set(rows.filter(({ command }) => mayHaveWritten(command)).map(({ id }) => id));
    const commands = [...new Set(rows.map(({ command }) => command))].filter((name) => !['', 'null'].includes(name));
    const counted = countedBetween(first, second, ids);
    return {
      address,
      connections: ids.size,
      writing: writing.size,
      commands: commands.slice(0, MOST_COMMANDS),
      ...(counted === undefined ? {} : { perSecond: rate(counted, seconds) }),
    };
  });
  return addresses.sort((a, b) => b.writing - a.writing || b.connections - a.connections);
}

function countedBetween(
  first: readonly ClientRow[],
  second: readonly ClientRow[],
  ids: ReadonlySet<string>,
): number | undefined {
  const before = new Map(first.map(({ id, totalCommands }) => [id, totalCommands]));
  const counts = second.flatMap(({ id, totalCommands }) =>
    ids.has(id) && totalCommands !== undefined ? [totalCommands - (before.get(id) ?? 0)] : [],
  );
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + Math.max(0, count), 0);
}
