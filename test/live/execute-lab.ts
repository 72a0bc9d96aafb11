import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../../src/execute/engine.js';
import { openJournal } from '../../src/execute/journal.js';
import { makeRunDirectory, type RunDirectory } from '../../src/execute/run-directory.js';
import type { ExecuteOptions, Tools } from '../../src/execute/tools.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { loadInventory } from '../../src/inventory/load.js';
import type { Lab } from '../../src/lab/lab.js';
import { type LabOptions, labUp } from '../../src/lab/up.js';
import type { Inventory } from '../../src/model/inventory.js';
import type { Plan } from '../../src/model/plan.js';
import type { RunEvent, RunResult } from '../../src/model/run.js';

/** A lab, its inventory, and a place for runs; `end` takes all of it away. */
export interface Bench {
  readonly lab: Lab;
  readonly inventory: Inventory;
  readonly runs: string;
  end(): Promise<void>;
}

export async function benchUp(options: LabOptions = {}): Promise<Bench> {
  const lab = await labUp({ ownerPid: process.pid, ...options });
  const inventory = await loadInventory(lab.fleetFile);
  const runs = await mkdtemp(join(tmpdir(), 'redis-runbook-runs-'));
  return {
    lab,
    inventory,
    runs,
    end: async () => {
      await lab.down({ remove: true });
      await rm(runs, { recursive: true, force: true });
    },
  };
}

/** Tools of a new run. */
export async function toolsFor(bench: Bench): Promise<{ tools: Tools; directory: RunDirectory }> {
  const directory = await makeRunDirectory(bench.runs, 'lab', new Date());
  const now = () => new Date();
  const tools: Tools = {
    hosts: new Map(bench.inventory.hosts.map((entry) => [entry.name, openLocalHost(entry)])),
    inventory: bench.inventory,
    passwords: new Map(),
    journal: await openJournal(directory.path, directory.run, now),
    directory: directory.path,
    run: directory.run,
    who: 'tester@here',
    now,
  };
  return { tools, directory };
}

export interface Ran {
  readonly result: RunResult;
  readonly events: readonly RunEvent[];
  readonly directory: RunDirectory;
}

/** Carries a plan out and says yes to every gate, unless told otherwise. */
export async function runPlan(bench: Bench, plan: Plan, options: Partial<ExecuteOptions> = {}): Promise<Ran> {
  const { tools, directory } = await toolsFor(bench);
  const events: RunEvent[] = [];
  const never = new AbortController().signal;
  const onEvent = (event: RunEvent) => {
    events.push(event);
    options.onEvent?.(event);
  };
  try {
    const result = await execute(plan, tools, {
      gate: async () => 'go',
      signal: never,
      now: never,
      ...options,
      onEvent,
    });
    return { result, events, directory };
  } finally {
    await tools.journal.close();
  }
}
