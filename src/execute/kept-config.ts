import type { Host } from '../hosts/host.js';

/** Where a run keeps the copy of a config file on its host: the whole path in one name, so that two files never meet. */
export function keptConfigPath(host: Host, run: string, path: string): string {
  return `${host.entry.state}/${run}/${path.replace(/^\//, '').replaceAll('%', '%25').replaceAll('/', '%2F')}`;
}
