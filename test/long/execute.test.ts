import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJournal } from '../../src/execute/journal.js';
import { pastOf, resumptionOf } from '../../src/execute/past.js';
import type { Action, Condition } from '../../src/model/plan.js';
import type { RunEvent } from '../../src/model/run.js';
import { act, batch, changed, coldPlan, planOf, stage, wait } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from '../live/execute-lab.js';

function configOf(bench: Bench, node: string): string {
  const found = bench.inventory.hosts.flatMap((host) => host.nodes).find((each) => each.id === node);
  if (!found) throw new Error(`no ${node}`);
  return found.config;
}

function addressOf(bench: Bench, name: string): string {
  const host = bench.inventory.hosts.find((each) => each.name === name);
  if (!host) throw new Error(`no ${name}`);
  return host.address;
}

/** A client of its own: sends one command and waits for one line of answer, or for the time to be over. */
function client(bench: Bench, name: string, words: readonly string[], limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: addressOf(bench, name), port: 6379 });
    let text = '';
    const end = (answer: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end('no answer'), limitMs);
    socket.on('error', (error) => end(error.message));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const lines = text.split('\r\n');
      if (lines.length > 2) end(lines[1] ?? '');
    });
    for (const each of [['AUTH', bench.lab.password], words]) {
      socket.write(`*${each.length}\r\n${each.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    }
  });
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function locks(bench: Bench): Promise<readonly Record<string, unknown>[]> {
  const texts = await Promise.all(
    bench.inventory.hosts.map((host) => readFile(join(host.state, 'lock.json'), 'utf8').catch(() => undefined)),
  );
  return texts.filter((text) => text !== undefined).map((text) => JSON.parse(text));
}

/** How many actions a plan of these tests has for its locks. */
function lockedHosts(bench: Bench): number {
  return bench.inventory.hosts.length;
}

/** What ended, but for the locks. */
function endedOf(events: readonly RunEvent[]) {
  return events.flatMap((event) => (event.type === 'action-ended' && !event.id.includes('/lock.') ? [event] : []));
}

/** Stops the run right before the n-th action. */
function before(n: number): { step: (action: Action) => Promise<'go' | 'stop'> } {
  let seen = 0;
  return {
    step: async () => {
      seen += 1;
      return seen >= n ? 'stop' : 'go';
    },
  };
}

describe('the seven steps, RDB', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await benchUp({ redis: 3, sentinels: 3 });
    await bench.lab.write();
  });
  afterAll(() => bench.end());

  it('move the master, keep everything, prove it; no secret is written anywhere', async () => {
    const plan = coldPlan(bench.inventory, 'pv2', { expectedKeys: 1n });
    const { result, events, directory } = await runPlan(bench, plan);
    expect(result).toMatchObject({ outcome: 'done', open: 0, unknown: 0, changedAnything: true });
    expect(result.proof.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    expect(result.servingSince).toMatch(/^\d{4}-/);
    expect(await bench.lab.master()).toBe('pv2');
    expect(await bench.lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(await locks(bench)).toEqual([]);
    const journal = await readJournal(directory.path);
    expect(journal.brokenAt ?? journal.torn).toBeUndefined();
    const intents = journal.lines.filter((line) => line.phase === 'intent').map((line) => line.action);
    const results = journal.lines.filter((line) => line.phase === 'result').map((line) => line.action);
    expect([...intents].sort()).toEqual([...results].sort());
    const written = await Promise.all((await filesBelow(bench.runs)).map((path) => readFile(path, 'utf8')));
    const all = [...written, JSON.stringify(events), JSON.stringify(result)].join('\n');
    const { password } = bench.lab;
    for (const form of [password, Buffer.from(password).toString('base64'), encodeURIComponent(password)]) {
      expect(all).not.toContain(form);
    }
    const kept = (await filesBelow(bench.lab.directory)).filter((path) =>
      path.includes(`.redis-runbook-${result.run}/`),
    );
    expect(kept.filter((path) => path.endsWith('/before-stop/dump.rdb'))).toHaveLength(3);
    expect(kept.filter((path) => path.endsWith('/after-stop/dump.rdb'))).toHaveLength(3);
    const states = bench.inventory.hosts.map((host) => join(host.state, result.run));
    const onHosts = (await Promise.all(states.map(filesBelow))).flat();
    expect(onHosts.filter((path) => path.endsWith('.conf'))).toHaveLength(6);
    for (const path of onHosts) expect((await stat(path)).mode & 0o077).toBe(0);
    const record = onHosts.filter((path) => !path.endsWith('.conf'));
    for (const path of record) expect(await readFile(path, 'utf8'), path).not.toContain(password);
  });

  it('converge from wherever a run was cut off, with nothing lost', async () => {
    for (const [index, cut] of [8, 30, 45, 52].entries()) {
      const master = index % 2 === 0 ? 'pv1' : 'pv3';
      await bench.lab.write({ count: 10 });
      const first = await runPlan(
        bench,
        coldPlan(bench.inventory, master, { epoch: 2000n + BigInt(index) * 10n }),
        before(cut),
      );
      expect(first.result).toMatchObject({ outcome: 'stopped', changedAnything: true });
      expect(await locks(bench)).toMatchObject([{ pid: 0 }, { pid: 0 }, { pid: 0 }]);
      const plan = coldPlan(bench.inventory, master, { epoch: 2005n + BigInt(index) * 10n, expectedKeys: 1n });
      const second = await runPlan(bench, plan);
      expect([cut, second.result.outcome, second.result.stoppedWhy]).toEqual([cut, 'done', undefined]);
      expect(await bench.lab.master()).toBe(master);
      expect(await bench.lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    }
  });

  it('fence writes from the start of the master until its data was checked', async () => {
    let during: readonly string[] = [];
    let pending: Promise<string> | undefined;
    const { result } = await runPlan(bench, coldPlan(bench.inventory, 'pv1', { epoch: 3000n }), {
      step: async (action) => {
        if (action.kind === 'fence.lift') {
          pending = client(bench, 'pv1', ['SET', 'fenced', 'x'], 20_000);
          const read = await client(bench, 'pv1', ['GET', 'nothing'], 2000);
          const write = await client(bench, 'pv1', ['DEL', 'nothing-either'], 6500);
          during = [read, write];
        }
        return 'go';
      },
    });
    expect(during).toEqual(['$-1', 'no answer']);
    expect(await pending).toBe('+OK');
    expect(result.outcome).toBe('done');
    expect(await client(bench, 'pv1', ['DEL', 'fenced'], 2000)).toBe(':1');
  });

  it('leave no fence behind when the run stops under it', async () => {
    const { result, events } = await runPlan(bench, coldPlan(bench.inventory, 'pv1', { epoch: 3100n }), {
      step: async (action) => (action.kind === 'fence.lift' ? 'stop' : 'go'),
    });
    expect(result.outcome).toBe('stopped');
    expect(events.filter((event) => event.type === 'note')).toEqual([
      { type: 'note', text: 'pv1: the fence on writes is no longer renewed: it ends by itself within 5 s' },
    ]);
    expect(await client(bench, 'pv1', ['DEL', 'nothing'], 8000)).toBe(':0');
    const again = await runPlan(bench, coldPlan(bench.inventory, 'pv1', { epoch: 3110n }));
    expect(again.result.outcome).toBe('done');
  });

  it('stop when somebody changes a file under the run, and say whose line it is', async () => {
    const path = configOf(bench, 'pv2');
    const text = await readFile(path, 'utf8');
    const { result } = await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 3200n }), {
      gate: async (gate) => {
        if (gate === 'stop-rewrite-check') await appendFile(path, 'maxmemory 1gb\nmasterauth other-secret\n');
        return 'go';
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', stoppedIn: 'REWRITE' });
    expect(result.stoppedWhy).toContain('maxmemory 1gb');
    expect(result.stoppedWhy).not.toContain('other-secret');
    expect(await bench.lab.running()).toEqual([]);
    await writeFile(path, text);
    expect((await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 3210n }))).result.outcome).toBe('done');
  });

  it('stop before the start when the master would load nothing', async () => {
    const { result } = await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 3300n, expectedKeys: 40n }), {
      step: async (action) => {
        const data = join(configOf(bench, 'pv3'), '../data');
        if (action.kind === 'data.check' && action.node === 'pv3')
          execFileSync('mv', [`${data}/dump.rdb`, `${data}/away`]);
        return 'go';
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', stoppedIn: 'CHECK' });
    expect(result.stoppedWhy).toContain('an empty master');
    const data = join(configOf(bench, 'pv3'), '../data');
    execFileSync('mv', [`${data}/away`, `${data}/dump.rdb`]);
    expect((await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 3310n }))).result.outcome).toBe('done');
    expect(await bench.lab.checkWrites()).toMatchObject({ missing: [] });
  });

  it('refuse to begin while another run holds the lock, and take over what a dead one left', async () => {
    const plan = coldPlan(bench.inventory, 'pv3', { epoch: 3400n });
    let refused: unknown;
    const { result } = await runPlan(bench, plan, {
      gate: async (gate) => {
        if (gate === 'hold-keep') return 'go';
        refused = await runPlan(bench, coldPlan(bench.inventory, 'pv3')).catch((error: unknown) => error);
        return 'stop';
      },
    });
    expect(result).toMatchObject({ outcome: 'stopped', changedAnything: true });
    expect(refused).toMatchObject({ name: 'RunbookError', word: 'locked' });
    expect((refused as Error).message).toContain(result.run);
    const after = await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 3410n }));
    expect(after.result.outcome).toBe('done');
    expect(JSON.stringify(after.events)).toContain(`taken over from run ${result.run}`);
  });

  it('do nothing when the fleet is not as it was looked at', async () => {
    const master = await bench.lab.master();
    if (master === undefined) throw new Error('no master');
    const first = stage('hold', [batch([act(bench.inventory, 'pv1', { kind: 'service.hold' })])], {
      needs: [
        { node: master, fact: 'run-id', value: '0'.repeat(40) },
        { node: master, fact: 'role', value: 'replica' },
        { node: master, fact: 'answers', value: 'yes' },
        { node: 'pv2', fact: 'process', value: 'none' },
        { node: 'pv3', fact: 'process', value: 'running' },
        { node: 'pv1/sentinel', fact: 'answers', value: 'no' },
      ],
    });
    const refused = await runPlan(bench, planOf(bench.inventory, [first])).catch((error: unknown) => error);
    expect(refused).toMatchObject({ word: 'changed' });
    expect((refused as { facts: string[] }).facts).toEqual([
      expect.stringMatching(new RegExp(`^${master}: run-id was 0{40}, is [0-9a-f]{40}$`)),
      `${master}: role was replica, is master`,
      'pv2: process was none, is running',
      'pv1/sentinel: answers was no, is yes',
    ]);
    expect(await locks(bench)).toEqual([]);
    expect(await readdir(join(configOf(bench, 'pv1'), '../state/hold')).catch(() => [])).toEqual([]);
  });

  it('change nothing when the first question is declined', async () => {
    const { result } = await runPlan(bench, coldPlan(bench.inventory, 'pv1'), { gate: async () => 'stop' });
    expect(result).toMatchObject({ outcome: 'stopped', changedAnything: false, done: 0 });
    expect(await locks(bench)).toEqual([]);
  });

  it('wait for the action under way at the first Ctrl-C, and leave it as unknown at the second', async () => {
    const frozen = bench.lab
      .running()
      .find((one) => one.kind === 'sentinel' && one.address === addressOf(bench, 'pv1'));
    if (!frozen) throw new Error('no sentinel');
    process.kill(frozen.pid, 'SIGSTOP');
    const [first, second] = [new AbortController(), new AbortController()];
    const plan = planOf(bench.inventory, [
      stage('hold', [batch([act(bench.inventory, 'pv1/sentinel', { kind: 'service.stop', mode: 'save' })])]),
    ]);
    const begun = performance.now();
    setTimeout(() => first.abort(), 300);
    setTimeout(() => second.abort(), 900);
    const { result } = await runPlan(bench, plan, { signal: first.signal, now: second.signal });
    expect(performance.now() - begun).toBeGreaterThan(800);
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(result).toMatchObject({ outcome: 'unknown', unknown: 1, done: lockedHosts(bench), changedAnything: true });
    process.kill(frozen.pid, 'SIGCONT');
    await bench.lab.kill('pv1', 'sentinel', 'SIGKILL');
    await bench.lab.start('pv1', 'sentinel');
  });
});

describe('waiting, watching, stopping', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1 });
    await bench.lab.write();
    await bench.lab.kill('pv1', 'sentinel', 'SIGKILL');
  });
  afterAll(() => bench.end());

  it('waits on at the first Ctrl-C and leaves the wait as unknown at the second', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const then = [wait({ kind: 'stopped', nodes: ['pv1'] }), wait({ kind: 'stopped', nodes: ['pv2'] })];
    const plan = planOf(bench.inventory, [stage('stop', [batch([], then)])]);
    setTimeout(() => first.abort(), 200);
    setTimeout(() => second.abort(), 900);
    const begun = performance.now();
    const { result } = await runPlan(bench, plan, { signal: first.signal, now: second.signal });
    expect(performance.now() - begun).toBeGreaterThan(850);
    expect(result).toMatchObject({ outcome: 'unknown', done: 0, unknown: 1, open: 1, changedAnything: false });
  });

  it('says how long it waited in vain, and what it saw last', async () => {
    const then = [wait({ kind: 'linked-to', node: 'pv1', master: 'pv2' }, 300)];
    const { result, events } = await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([], then)])]));
    expect(result).toMatchObject({
      outcome: 'failed',
      stoppedIn: 'START',
      proof: [{ ok: false, says: 'role master' }],
    });
    expect(result.stoppedWhy).toBe('linked-to: not seen within 0 s; last seen: role master');
    expect(events.filter((event) => event.type === 'condition-ended')).toMatchObject([{ outcome: 'failed' }]);
  });

  it('goes on when the terminal is gone', async () => {
    const plan = planOf(bench.inventory, [
      stage('hold', [
        batch([act(bench.inventory, 'pv1', { kind: 'service.hold' })], [wait({ kind: 'is-master', node: 'pv1' })]),
      ]),
      stage('release', [batch([act(bench.inventory, 'pv1', { kind: 'service.release' })])]),
    ]);
    const { result } = await runPlan(bench, plan, {
      onEvent: () => {
        throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
      },
    });
    expect(result).toMatchObject({ outcome: 'done', done: 3 + lockedHosts(bench) });
  });

  it('lets the other lanes finish their action when one fails, and begins no other', async () => {
    const data = join(configOf(bench, 'pv2'), '../data');
    await rename(`${data}/dump.rdb`, `${data}/away`).catch(() => undefined);
    const plan = planOf(bench.inventory, [
      stage('keep', [
        batch([
          act(bench.inventory, 'pv1', { kind: 'data.save' }),
          act(bench.inventory, 'pv1', { kind: 'data.keep', moment: 'before-stop', alsoHere: false }),
          act(bench.inventory, 'pv2', { kind: 'data.check', as: 'master', expectedKeys: 5n }),
          act(bench.inventory, 'pv2', { kind: 'data.save' }),
        ]),
      ]),
    ]);
    const { result, events } = await runPlan(bench, plan);
    const ended = endedOf(events).map((event) => [event.node, event.outcome]);
    expect(ended.sort()).toEqual([
      ['pv1', 'done'],
      ['pv2', 'failed'],
    ]);
    expect(result).toMatchObject({ outcome: 'failed', done: 1 + lockedHosts(bench), open: 3 });
    await rename(`${data}/away`, `${data}/dump.rdb`).catch(() => undefined);
  });

  it('says what the log of a node says when its save fails', async () => {
    const file = join(configOf(bench, 'pv2'), '../data/dump.rdb');
    await rename(file, `${file}.away`).catch(() => undefined);
    await mkdir(`${file}/in-the-way`, { recursive: true });
    const save = act(bench.inventory, 'pv2', { kind: 'data.save' });
    const { result, events } = await runPlan(bench, planOf(bench.inventory, [stage('save', [batch([save])])]));
    expect(result.outcome).toBe('failed');
    expect(JSON.stringify(events)).toMatch(/BGSAVE ended with status err; its log ends: .*Error moving temp DB file/);
    await rm(file, { recursive: true });
    await rename(`${file}.away`, file).catch(() => undefined);
  });

  it('stops a suspect node without touching its file, and a good one with all that it held', async () => {
    const file = (node: string) => readFile(join(configOf(bench, node), '../data/dump.rdb'));
    const one = (
      node: string,
      spec: { kind: 'data.save' } | { kind: 'service.stop'; mode: 'save' | 'without-saving' },
    ) => planOf(bench.inventory, [stage('stop', [batch([act(bench.inventory, node, spec)])])]);
    expect((await runPlan(bench, one('pv2', { kind: 'data.save' }))).result.outcome).toBe('done');
    const saved = await file('pv2');
    expect(await client(bench, 'pv1', ['SET', 'later', 'x'], 2000)).toBe('+OK');
    expect((await runPlan(bench, one('pv2', { kind: 'service.stop', mode: 'without-saving' }))).result.outcome).toBe(
      'done',
    );
    expect((await file('pv2')).equals(saved)).toBe(true);
    expect(await client(bench, 'pv1', ['CONFIG', 'SET', 'save', ''], 2000)).toBe('+OK');
    const stopped = [
      act(bench.inventory, 'pv1', { kind: 'service.stop', mode: 'save' }),
      act(bench.inventory, 'pv1', { kind: 'data.keep', moment: 'after-stop', alsoHere: false }),
      act(bench.inventory, 'pv1', { kind: 'data.check', as: 'master', expectedKeys: 6n }),
      act(bench.inventory, 'pv1', { kind: 'data.verify' }),
    ];
    const { result, events } = await runPlan(bench, planOf(bench.inventory, [stage('stop', [batch(stopped)])]));
    expect(result.outcome).toBe('done');
    expect(JSON.stringify(events)).toMatch(/stopped and saved, \d+ keys, offset \d+/);
    expect(JSON.stringify(events)).toMatch(/would load the \d+ keys that it held when it was stopped/);
    expect((await file('pv1')).includes('later')).toBe(true);
    const beside = join(configOf(bench, 'pv1'), `../data/.redis-runbook-${result.run}/after-stop`);
    const [kept, verified] = await Promise.all(
      ['kept.json', 'verified.json'].map(async (name) => JSON.parse(await readFile(join(beside, name), 'utf8'))),
    );
    const sha256 = createHash('sha256')
      .update(await file('pv1'))
      .digest('hex');
    expect([kept, verified]).toMatchObject([[{ how: 'link', sha256: '' }], [{ how: 'link', sha256 }]]);
    const again = await runPlan(bench, one('pv1', { kind: 'service.stop', mode: 'save' }));
    expect(endedOf(again.events)).toMatchObject([{ outcome: 'skipped' }]);
    expect(again.result).toMatchObject({ outcome: 'done', changedAnything: false });
  });

  it('does not count a kept file as verified whose end no server would load', async () => {
    const file = join(configOf(bench, 'pv1'), '../data/dump.rdb');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, -9));
    const kept = [
      act(bench.inventory, 'pv1', { kind: 'data.keep', moment: 'after-stop', alsoHere: false }),
      act(bench.inventory, 'pv1', { kind: 'data.verify' }),
    ];
    const { result, events } = await runPlan(bench, planOf(bench.inventory, [stage('keep', [batch(kept)])]));
    await writeFile(file, whole);
    const says = endedOf(events).find(({ id }) => id.includes('data.verify'))?.text;
    expect([result.outcome, says]).toEqual([
      'done',
      expect.stringMatching(/^0 of 1 kept file verified; dump\.rdb is kept as it was and cannot be loaded: /),
    ]);
  });

  it('does not go on with the file of an older save when its node died while it was to save', async () => {
    const started = act(bench.inventory, 'pv1', { kind: 'service.start', as: 'master' });
    const start = await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([started])])]));
    const pid = /pid (\d+)/.exec(endedOf(start.events)[0]?.text ?? '')?.[1] ?? '';
    await expect.poll(() => client(bench, 'pv1', ['SET', 'newest', 'x'], 2000), { timeout: 20_000 }).toBe('+OK');
    const inTheWay = join(configOf(bench, 'pv1'), `../data/temp-${pid}.rdb`);
    await mkdir(inTheWay);
    const stop = act(bench.inventory, 'pv1', { kind: 'service.stop', mode: 'save' });
    const plan = planOf(bench.inventory, [
      stage('stop', [batch([stop], [wait({ kind: 'stopped', nodes: ['pv1'] }, 1000)])]),
    ]);
    const first = await runPlan(bench, plan);
    expect(first.result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringContaining('still running') });
    process.kill(Number(pid), 'SIGKILL');
    await rmdir(inTheWay);

    const past = pastOf((await readJournal(first.directory.path)).lines);
    const resumption = resumptionOf(plan, past);
    const { result } = await runPlan(bench, plan, { resumption });

    expect(result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringMatching(/stopped, but .*dump\.rdb/) });
  });

  it('goes on where the run itself moved away what its node left', async () => {
    const started = act(bench.inventory, 'pv1', { kind: 'service.start', as: 'master' });
    await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([started])])]));
    await expect.poll(() => client(bench, 'pv1', ['SET', 'moved', 'x'], 2000), { timeout: 20_000 }).toBe('+OK');
    const place = {
      dir: join(configOf(bench, 'pv1'), '../data'),
      dbfilename: 'dump.rdb',
      appendonly: false,
      appendfilename: 'appendonly.aof',
      appenddirname: 'appendonlydir',
    };
    const aside = act(bench.inventory, 'pv1', { kind: 'data.aside', place });
    const plan = planOf(bench.inventory, [
      stage('exchange', [batch([act(bench.inventory, 'pv1', { kind: 'service.stop', mode: 'save' }), aside])]),
    ]);
    const first = await runPlan(bench, plan);
    expect(first.result.outcome).toBe('done');
    const past = pastOf((await readJournal(first.directory.path)).lines);
    const cutOff = { ...past, stands: new Map([...past.stands, [aside.id, 'begun' as const]]) };

    const { result } = await runPlan(bench, plan, { resumption: resumptionOf(plan, cutOff) });

    expect(result.outcome).toBe('done');
  });
});

describe('a torn append-only file', () => {
  it('is loaded, rewritten before clients may write, and swallows no later write', async () => {
    const bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1, persistence: 'aof' });
    try {
      await bench.lab.write();
      for (const host of bench.inventory.hosts) {
        if (host.nodes.some((node) => node.kind === 'sentinel')) await bench.lab.kill(host.name, 'sentinel', 'SIGKILL');
      }
      await bench.lab.kill('pv2', 'redis', 'SIGKILL');
      await bench.lab.kill('pv1', 'redis', 'SIGKILL');
      const directory = join(configOf(bench, 'pv1'), '../data/appendonlydir');
      const incr =
        (await readdir(directory))
          .filter((name) => name.endsWith('.incr.aof'))
          .sort()
          .at(-1) ?? '';
      await appendFile(
        join(directory, incr),
        '*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\nx\r\n*3\r\n$3\r\nSE',
      );
      const { result, directory: run } = await runPlan(bench, coldPlan(bench.inventory, 'pv1', { expectedKeys: 1n }));
      expect([result.outcome, result.stoppedWhy]).toEqual(['done', undefined]);
      const texts = (await readJournal(run.path)).lines.map((line) => line.text);
      expect(texts.some((text) => /its end is open-multi/.test(text))).toBe(true);
      expect(texts).toContain('append-only file rewritten');
      await bench.lab.write({ count: 20 });
      await bench.lab.powerCycle({ stop: 'crash' });
      expect(await bench.lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    } finally {
      await bench.end();
    }
  });
});

describe('the proof', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await benchUp({ redis: 3, sentinels: 5 });
  });
  afterAll(() => bench.end());

  function agreeWithin(limitMs: number) {
    return (condition: Condition) => (condition.kind === 'sentinels-agree' ? { ...condition, limitMs } : condition);
  }

  it('fails when four of five sentinels were never started, though CKQUORUM is content', async () => {
    const absent = ['pv2/sentinel', 'pv3/sentinel', 'pvha1/sentinel', 'pvha2/sentinel'];
    const plan = changed(coldPlan(bench.inventory, 'pv2'), {
      action: (action) => (action.kind === 'service.start' && absent.includes(action.node) ? undefined : action),
      condition: agreeWithin(4000),
    });
    const { result } = await runPlan(bench, plan);
    expect(result).toMatchObject({ outcome: 'failed', stoppedIn: 'PROVE' });
    expect(result.proof.at(-1)).toMatchObject({ check: 'sentinels-agree', ok: false });
    expect(result.stoppedWhy).toContain('pvha1/sentinel');
    const alone = planOf(bench.inventory, [
      stage('prove', [
        batch(
          [],
          [
            wait(
              {
                kind: 'sentinels-agree',
                group: plan.group,
                master: 'pv2',
                sentinels: ['pv1/sentinel'],
                replicas: plan.replicas,
              },
              1500,
            ),
          ],
        ),
      ]),
    ]);
    expect((await runPlan(bench, alone)).result.outcome).toBe('failed');
  });

  it('fails when one sentinel keeps the old address at the same epoch', async () => {
    const old = { host: addressOf(bench, 'pv1'), port: 6379 };
    const plan = changed(coldPlan(bench.inventory, 'pv3', { epoch: 5000n }), {
      action: (action) =>
        'intent' in action && action.intent.kind === 'sentinel.conf' && action.node === 'pvha2/sentinel'
          ? { ...action, intent: { ...action.intent, master: old } }
          : action,
      condition: agreeWithin(6000),
    });
    const { result } = await runPlan(bench, plan);
    expect(result).toMatchObject({ outcome: 'failed', stoppedIn: 'PROVE' });
    expect(result.stoppedWhy).toContain(`pvha2/sentinel: says that ${old.host}:6379 is master`);
  });

  it('holds once all are started again with one address and one epoch', async () => {
    const { result } = await runPlan(bench, coldPlan(bench.inventory, 'pv3', { epoch: 6000n }));
    expect(result.outcome).toBe('done');
  });
});
