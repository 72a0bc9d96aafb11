import type { WritableHost } from '../hosts/host.js';
import type { HostEntry } from '../model/inventory.js';

/** Opens the machines of one command: what was asked for one login is not asked for the next. */
export interface HostOpener {
  open(entry: HostEntry): Promise<WritableHost>;
  /** Waits until no question is open; whether any was asked since this was called last. */
  questionsAnswered(): Promise<boolean>;
}
