import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { loadInventory } from '../../src/inventory/load.js';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import { known } from '../../src/model/seen.js';
import { answerQuestions } from '../../src/survey/aof-compare.js';
import { interpret } from '../../src/survey/interpret.js';
import { loadSurvey, saveSurvey } from '../../src/survey/saved.js';
import { surveyFleet } from '../../src/survey/survey.js';

const signal = new AbortController().signal;
let lab: Lab;

beforeAll(async () => {
  lab = await labUp({ ownerPid: process.pid, persistence: 'aof', seed: 11 });
  await lab.write();
});
afterAll(async () => {
  await lab?.down({ remove: true });
});

async function look() {
  const inventory = await loadInventory(lab.fleetFile);
  const hosts = inventory.hosts.map((entry) => openLocalHost(entry));
  const request = { groups: inventory.groups, passwords: new Map(), limits: defaultLimits };
  const seen = await surveyFleet(inventory, hosts, request, () => new Date(), signal);
  return { inventory, hosts, ...seen };
}

async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a survey of a live fleet', () => {
  it('sees eight nodes and can be saved without a secret', async () => {
    await look();
    const { inventory, raw, survey } = await look();
    const group = survey.groups[lab.group];
    expect(group?.redis.map((node) => known(node.running)?.role)).toEqual(['master', 'replica', 'replica']);
    expect(group?.sentinels.every((sentinel) => sentinel.view.ok)).toBe(true);

    const directory = await mkdtemp(join(tmpdir(), 'survey-live-'));
    try {
      const file = join(directory, 'saved.json');
      await saveSurvey(file, raw, inventory);
      const saved = await readFile(file, 'utf8');
      for (const form of [lab.password, JSON.stringify(lab.password).slice(1, -1), encodeURIComponent(lab.password)]) {
        expect(saved).not.toContain(form);
      }
      const back = await loadSurvey(file);
      expect(interpret(back.inventory, back.raws)).toEqual(survey);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('proves the end of a crashed master contained in its successor, and finds one write that is not', async () => {
    const former = await lab.master();
    if (former === undefined) throw new Error('no master');
    await lab.kill(former, 'redis', 'SIGKILL');
    await until('another master', 30_000, async () => ![undefined, former].includes(await lab.master()));
    const successor = await lab.master();
    if (successor === undefined) throw new Error('no successor');
    await lab.write();

    const first = await look();
    const node = first.survey.groups[lab.group]?.redis.find((each) => each.node === former);
    expect(node?.process).toMatchObject({ ok: true, value: null });
    const question = [{ kind: 'aof-contained' as const, of: former, within: successor }];
    const [contained] = await answerQuestions(question, first.survey, first.hosts, signal);
    expect(contained).toMatchObject({ of: former, within: successor, result: { ok: true, value: 'contained' } });
    expect(contained && 'comparedBytes' in contained ? contained.comparedBytes : 0).toBeGreaterThan(1000);

    const incr = known(node?.aof)?.files.findLast((file) => file.type === 'incr');
    if (!incr) throw new Error('no incremental file');
    await appendFile(incr.path, '*3\r\n$3\r\nSET\r\n$8\r\nonly:old\r\n$1\r\n1\r\n');
    const second = await look();
    const [other] = await answerQuestions(question, second.survey, second.hosts, signal);
    expect(other).toMatchObject({ result: { ok: true, value: 'not-contained' } });

    const unknown = [{ kind: 'aof-contained' as const, of: former, within: 'nobody' }];
    const [third] = await answerQuestions(unknown, second.survey, second.hosts, signal);
    expect(third).toMatchObject({ result: { ok: false, why: 'not-asked' }, comparedBytes: 0 });
  });
});
