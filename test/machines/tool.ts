import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from './fleet.js';

const tree = fileURLToPath(new URL('../..', import.meta.url));
const HOME = 'usr/local/lib/redis-runbook';

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Installs this tree's build on a machine for all its users, with the Node that runs us: `redis-runbook` in its PATH. */
export function installTool(machine: Machine): void {
  const into = (path: string) => join(machine.root, HOME, path);
  mkdirSync(into('node_modules'), { recursive: true });
  for (const name of ['bin', 'dist', 'runbooks', 'package.json'])
    cpSync(join(tree, name), into(name), { recursive: true });
  for (const path of runtimePackages()) cpSync(join(tree, path), into(path), { recursive: true });
  cpSync(process.execPath, join(machine.root, 'usr/local/bin/node'));
  symlinkSync(`/${HOME}/bin/redis-runbook.js`, join(machine.root, 'usr/local/bin/redis-runbook'));
}

/** What the tool needs of node_modules to run, by package-lock.json. */
function runtimePackages(): readonly string[] {
  const lock = JSON.parse(readFileSync(join(tree, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const wanted = new Set<string>();
  const walk = (at: string) => {
    const { dependencies = {}, optionalDependencies = {} } = lock.packages[at] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const places = [`${at}/node_modules/${name}`, `node_modules/${name}`];
      const path = places.find((place) => lock.packages[place] !== undefined);
      if (path === undefined || wanted.has(path)) continue;
      wanted.add(path);
      walk(path);
    }
  };
  walk('');
  // An addon that could not be built is not there; nothing needs it.
  return [...wanted].filter((path) => !path.includes('cpu-features') && !path.endsWith('/nan'));
}
