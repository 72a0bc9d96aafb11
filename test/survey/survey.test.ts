import { describe, expect, it } from 'vitest';
import { defaultLimits, type Host } from '../../src/hosts/host.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { surveyFleet } from '../../src/survey/survey.js';
import { hostEntry, inventory, rawHost, redisNode, sentinelNode, unseen } from './raws.js';

/** A host that can only be looked at, in the way given. */
function host(name: string, look: Host['look']): Host {
  const never = () => Promise.reject(new Error('only looked at'));
  const only: Host = {
    entry: hostEntry([], { name }),
    look,
    read: async () => unseen('not-asked'),
    // biome-ignore lint/correctness/useYield: a stream that only fails
    packed: async function* () {
      throw new Error('only looked at');
    },
    // biome-ignore lint/correctness/useYield: a stream that only fails
    stream: async function* () {
      throw new Error('only looked at');
    },
    stat: async () => unseen('not-asked'),
    list: async () => unseen('not-asked'),
    hash: async () => unseen('not-asked'),
    rights: never,
    probe: never,
    find: never,
    connect: never,
    vouch: async () => unseen('not-asked'),
    named: () => only,
    close: async () => undefined,
  };
  return only;
}

const names = ['pv1', 'pv2', 'pv3', 'pv4'];
const fleet = inventory(
  names.map((name) =>
    hostEntry([redisNode({ id: name, host: name }), sentinelNode({ id: `${name}/sentinel`, host: name })], { name }),
  ),
);
const request = (lookTimeoutMs: number) => ({
  groups: ['stn-master'],
  passwords: new Map(),
  limits: { ...defaultLimits, lookTimeoutMs },
});
const now = () => new Date();

describe('a survey of the fleet', () => {
  it('goes on without a host whose look throws, hangs or was never made', async () => {
    const aborted: unknown[] = [];
    const hosts = [
      host('pv1', async () => rawHost({ host: 'pv1' })),
      host('pv2', async () =>
        Promise.reject(Object.assign(new Error('connect EHOSTUNREACH'), { code: 'EHOSTUNREACH' })),
      ),
      host('pv3', (_request, signal) => {
        signal.addEventListener('abort', () => aborted.push(signal.aborted));
        return new Promise<RawHost>(() => undefined);
      }),
    ];
    const began = performance.now();
    const { raw, survey } = await surveyFleet(fleet, hosts, request(200), now, new AbortController().signal);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(aborted).toEqual([true]);
    expect(raw.map((each) => each.reached.ok)).toEqual([true, false, false]);
    expect(survey.hosts.map(({ reached }) => (reached.ok ? 'ok' : reached.why))).toEqual([
      'ok',
      'timeout',
      'timeout',
      'not-asked',
    ]);
    const group = survey.groups['stn-master'];
    expect(group?.redis.map((node) => node.process.ok)).toEqual([true, false, false, false]);
    expect(group?.sentinels.map((node) => (node.held.ok ? 'ok' : node.held.why))).toEqual([
      'not-asked',
      'timeout',
      'timeout',
      'not-asked',
    ]);
    for (const node of group?.redis ?? []) {
      const readings = [node.rdb, node.rdbStat, node.aof, node.log, node.config, node.running];
      if (node.node !== 'pv1') expect(readings.some((each) => !each.ok && each.why === 'absent')).toBe(false);
    }
  });

  it('leaves a host time to give what it has before the limit', async () => {
    let given = 0;
    const slow = host('pv1', async (own) => {
      given = own.limits.lookTimeoutMs;
      return rawHost();
    });
    await surveyFleet(fleet, [slow], request(10_000), now, new AbortController().signal);
    expect(given).toBe(9750);
  });

  it('ends at once with the reason of its signal', async () => {
    const stop = new AbortController();
    const hanging = host('pv1', () => new Promise<RawHost>(() => undefined));
    const survey = surveyFleet(fleet, [hanging], request(60_000), now, stop.signal);
    stop.abort(new Error('Ctrl-C'));
    await expect(survey).rejects.toThrow('Ctrl-C');
  });
});
