import { backAgain } from './came-back.js';
import { emptyNodes } from './empty-nodes.js';
import { files } from './files.js';
import type { Incident } from './incident.js';
import { incidentOf } from './night.js';
import { oldServers } from './old-servers.js';
import { recordedIncidents } from './recorded.js';
import { splits } from './splits.js';
import { words } from './words.js';

/** The nights that were written down from facts and public reports. */
function writtenIncidents(): readonly Incident[] {
  return [...oldServers, ...emptyNodes, ...splits, ...files, ...backAgain, ...words].map(incidentOf);
}

/** Every incident: the recordings of real processes first. */
export function allIncidents(): readonly Incident[] {
  return [...recordedIncidents(), ...writtenIncidents()];
}
