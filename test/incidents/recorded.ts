import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Inventory } from '../../src/model/inventory.js';
import { fromJson } from '../../src/model/json.js';
import type { RawHost } from '../../src/model/raw-host.js';
import type { Answer } from '../../src/model/survey.js';
import { readSavedSurvey } from '../../src/survey/saved-schema.js';
import type { Incident, Right } from './incident.js';

const directory = new URL('../fixtures/incidents/recorded/', import.meta.url);

/** By the record of writes alone: every node's data was loaded by its own server and compared with it, key by key. */
interface Truth {
  readonly acknowledged: number;
  /** How many of the acknowledged writes each node holds, and how many of them no other node does. */
  readonly holds: Readonly<Record<string, number>>;
  readonly onlyOn: Readonly<Record<string, number>>;
  /** The nodes that hold all that any node holds; none: the data is divided. */
  readonly holdAll: readonly string[];
  /** Writes that Redis promised to keep, and that no node holds. */
  readonly promisedAndNowhere: number;
}

interface Document {
  readonly server: string;
  readonly scenario: string;
  readonly persistence: string;
  readonly stop: string;
  readonly drawn: readonly string[];
  readonly truth: Truth;
  readonly survey: unknown;
  readonly answers: readonly Answer[];
}

/** Where the evidence of the night does not prove what the record of writes knows: refusing is right then, too. */
const mayRefuse: Readonly<Record<string, string>> = {};

/** Every recording, in the order of the names of the files. */
export function recordedIncidents(): readonly Incident[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.json.gz'));
  return files.sort().map((file) => incidentOf(file.replace('.json.gz', ''), documentIn(file)));
}

function documentIn(file: string): Document {
  return fromJson(gunzipSync(readFileSync(new URL(file, directory))).toString('utf8')) as Document;
}

function incidentOf(name: string, document: Document): Incident {
  const { inventory, raws } = surveyOf(name, document);
  const { scenario, persistence, stop, server, answers } = document;
  const reason = mayRefuse[name];
  return {
    name,
    source: `recording of ${server}: the lab's scenario ${scenario}, ${persistence}, ${stop}; ${document.drawn.join('; ')}`,
    server,
    inventory,
    raws,
    answers,
    right: { ...rightOf(document.truth), ...(reason === undefined ? {} : { mayRefuse: reason }) },
  };
}

function surveyOf(name: string, { survey }: Document): { inventory: Inventory; raws: readonly RawHost[] } {
  const read = readSavedSurvey(survey);
  if ('mistake' in read) throw new Error(`${name}: ${read.mistake}`);
  return { inventory: read.inventory, raws: read.hosts };
}

function rightOf({ acknowledged, holds, onlyOn, holdAll, promisedAndNowhere }: Truth): Right {
  const counts = Object.entries(holds).map(([node, count]) => `${node} holds ${count}`);
  const alone = Object.entries(onlyOn).flatMap(([node, count]) => (count > 0 ? [`${count} only on ${node}`] : []));
  const why = `of ${acknowledged} acknowledged writes ${[...counts, ...alone].join(', ')}; promised and nowhere: ${promisedAndNowhere}`;
  if (holdAll.length === 0) {
    const names = Object.entries(onlyOn).flatMap(([node, count]) => (count > 0 ? [node] : []));
    return { winners: [], refused: ['split', 'incomparable', 'shrunk'], names, why };
  }
  return { winners: holdAll, ...(promisedAndNowhere > 0 ? { refused: ['on-no-disk', 'incomparable'] } : {}), why };
}
