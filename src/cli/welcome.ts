import { join } from 'node:path';
import type { Context } from './context.js';

/** `redis-runbook` without a command: what to type in an outage, and which fleet it would be about. */
export async function welcomeCommand(context: Context): Promise<number> {
  context.stdout(
    [
      ...(await unfinished(context)),
      'Recovers fleets of Redis with Sentinel. It changes nothing before it has shown',
      'what it will do and asked.',
      '',
      'In an outage           redis-runbook recover',
      'Just look              redis-runbook status',
      'Practise on a lab      redis-runbook lab demo',
      '',
      `All commands: redis-runbook help       ${await fleetLine(context)}`,
      '',
    ].join('\n'),
  );
  return 0;
}

/** Whoever opens this at night must not begin anew beside a run that is half way. */
async function unfinished({ stateDirectory, fleetFile }: Context): Promise<readonly string[]> {
  const { openRunLines } = await import('./open-run-lines.js');
  const lines = await openRunLines(join(stateDirectory, 'runs'), fleetFile);
  return lines.length === 0 ? [] : [...lines, ''];
}

async function fleetLine({ fleetFile }: Context): Promise<string> {
  if (fleetFile === undefined) {
    return 'Fleet: none here (./fleet.yaml)';
  }
  const { loadInventory } = await import('../inventory/load.js');
  const { printableProse } = await import('../report/escape.js');
  const says = await loadInventory(fleetFile).then(
    (inventory) => `${inventory.fleet}, ${inventory.hosts.length} host${inventory.hosts.length === 1 ? '' : 's'}`,
    () => 'not usable: status says why',
  );
  return `Fleet: ${printableProse(fleetFile)} (${says})`;
}
