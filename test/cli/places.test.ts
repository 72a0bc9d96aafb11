import { expect, test } from 'vitest';
import { troubles, withPlaces } from '../../src/cli/probe.js';
import type { Check, CheckId, CheckState } from '../../src/model/readiness.js';

function check(id: CheckId, host: string, state: CheckState, says = `${id} of ${host}`): Check {
  return { id, host, state, says };
}

test('the room and the right of a place are told once: as the plan tried them where it did, else as the probes did', () => {
  const probes = [
    check('disk', 'pv1', 'problem', '/var/lib/redis need up to 9 MB, free 5 MB'),
    check('writable', 'pv1', 'ok'),
    check('sudo', 'pv1', 'problem'),
    check('disk', 'pv2', 'unseen'),
    check('hold', 'pv2', 'ok'),
  ];
  const says = '/var/lib/redis may need 8000000 bytes, and 5000000 bytes are free';
  const all = withPlaces(probes, [
    { host: 'pv1', about: 'room', state: 'warning', says },
    { host: 'pv1', about: 'right', state: 'ok', says: '/etc/redis can be written' },
  ]);
  expect(all.filter(({ host, state }) => host === 'pv1' && state !== 'ok')).toEqual([
    check('sudo', 'pv1', 'problem'),
    check('disk', 'pv1', 'note', says),
  ]);
  expect(troubles(all)).toEqual([check('sudo', 'pv1', 'problem'), check('disk', 'pv2', 'unseen')]);
  expect(all.filter(({ says: text }) => text.includes('/var/lib/redis'))).toHaveLength(1);
});

test('what failed there is a problem, and nothing else is left out', () => {
  const probes = [check('login', 'pv1', 'ok'), check('disk', 'pv1', 'ok'), check('writable', 'pv1', 'problem')];
  const all = withPlaces(probes, [
    { host: 'pv1', about: 'right', state: 'failed', says: '/etc/redis cannot be written' },
  ]);
  expect(all).toEqual([
    check('login', 'pv1', 'ok'),
    check('writable', 'pv1', 'problem', '/etc/redis cannot be written'),
  ]);
});
