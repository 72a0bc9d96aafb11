import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/lab.js';

/** The lab's fleet file with one host behind an SSH port where nobody listens: out of reach, whatever runs on it. */
export function fleetWithout(lab: Lab, host: string): string {
  const text = readFileSync(lab.fleetFile, 'utf8');
  const dark = `  ${host}:\n    transport: ssh\n    ssh: { user: nobody, port: 1, known-hosts: /dev/null }\n`;
  if (!text.includes(`  ${host}:\n`)) throw new Error(`no ${host} in ${lab.fleetFile}`);
  const path = join(lab.directory, `fleet-without-${host}.yaml`);
  writeFileSync(path, text.replace(`  ${host}:\n`, dark));
  return path;
}
