import { describe, expect, it } from 'vitest';
import { fromJson } from '../../src/model/json.js';
import { consentSentences, renderCandidates, renderSetAside } from '../../src/report/candidates-text.js';
import { renderStatus, renderStatusJson } from '../../src/report/status-text.js';
import { seen, stopped, unseen } from './builders.js';
import { cascade, degraded, healthy, type Incident, split } from './incidents.js';

const incidents: Readonly<Record<string, () => Incident>> = { split, cascade, healthy, degraded };
const japan = { utcOffsetMinutes: 540, fleetFile: './fleet.yaml' };

function screens({ survey, diagnosis }: Incident, width: number, colour = false): Record<string, string> {
  const options = { ...japan, width, colour };
  return {
    status: renderStatus(survey, diagnosis, { ...options, why: false }),
    why: renderStatus(survey, diagnosis, { ...options, why: true }),
    'why-verbose': renderStatus(survey, diagnosis, { ...options, why: true, verbose: true }),
    candidates: renderCandidates(diagnosis, options),
    'set-aside': renderSetAside(diagnosis, options),
  };
}

function plain(text: string): string {
  return text.replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '');
}

describe.each(Object.keys(incidents))('%s', (name) => {
  const incident = (): Incident => (incidents[name] ?? healthy)();

  it.each([80, 160])('looks as reviewed at %d columns', async (width) => {
    for (const [screen, text] of Object.entries(screens(incident(), width))) {
      await expect(text).toMatchFileSnapshot(`golden/${name}-${screen}-${width}.txt`);
    }
  });

  it('is ASCII, fits in 80 columns and has no trailing blanks', () => {
    for (const text of Object.values(screens(incident(), 80))) {
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      for (const line of text.split('\n')) {
        expect(line.length, line).toBeLessThanOrEqual(80);
        expect(line).toBe(line.trimEnd());
      }
    }
  });

  it('says the same in colour', () => {
    const bare = screens(incident(), 80);
    for (const [screen, text] of Object.entries(screens(incident(), 80, true))) {
      if (text !== '') expect(text, screen).not.toBe(bare[screen]);
      const trimmed = plain(text)
        .split('\n')
        .map((line) => line.trimEnd());
      expect(trimmed.join('\n')).toBe(bare[screen]);
    }
  });

  it('is one JSON document with offsets as strings', () => {
    const { survey, diagnosis } = incident();
    const text = renderStatusJson(survey, diagnosis);
    expect(JSON.parse(text)).toMatchObject({ schema: 'redis-runbook/status/1', diagnosis: { group: 'stn-master' } });
    expect(fromJson(text)).toMatchObject({ diagnosis: { lineage: diagnosis.lineage } });
  });
});

describe('status', () => {
  it('drops columns, never names, offsets or counts, on a narrow terminal', () => {
    const { survey, diagnosis } = split();
    const text = renderStatus(survey, diagnosis, { ...japan, width: 60, colour: false, why: false });
    for (const value of ['pv1', 'pvha2', '93 871 220', '81 640 912', 'replica of pv2']) expect(text).toContain(value);
    expect(text).not.toContain('LOADS');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  it('repeats the fleet file in the commands to paste', () => {
    const { survey, diagnosis } = split();
    const options = { ...japan, width: 80, colour: false, why: false, fleetFile: "/srv/it's mine.yaml" };
    expect(renderStatus(survey, diagnosis, options)).toContain(
      "redis-runbook recover --fleet '/srv/it'\\''s mine.yaml'\n",
    );
  });

  it('never lets a string from a host move the cursor', () => {
    const { survey, diagnosis } = split();
    const hostile = '\u001b[2J\u202epv1\u0007\u009b31m';
    const group = survey.groups['stn-master'];
    const redis = [
      { ...stopped('pv1', hostile, '2026-11-20T17:07:44Z') },
      { ...stopped('pv2', undefined, '2026-11-20T17:07:44Z'), process: unseen('denied', hostile) },
    ];
    const bad = {
      ...survey,
      groups: { 'stn-master': { group: 'stn-master', sentinels: group?.sentinels ?? [], redis } },
    };
    const worse = {
      ...diagnosis,
      headline: [hostile],
      unknown: [hostile],
      claims: diagnosis.claims.map((claim) => ({ ...claim, says: hostile })),
      candidates: diagnosis.candidates.map((each) => ({ ...each, speaksFor: [hostile] })),
    };
    for (const text of Object.values(screens({ survey: bad, diagnosis: worse }, 80))) {
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    }
    expect(screens({ survey: bad, diagnosis: worse }, 80).status).toContain('\\x1b[2J\\u{202e}pv1\\x07');
  });

  it('does not call a node stopped when its processes could not be seen', () => {
    const { survey, diagnosis } = split();
    const group = survey.groups['stn-master'];
    const blind = { ...stopped('pv1', undefined, '2026-11-20T17:07:44Z'), process: unseen('denied', 'no list') };
    const bad = {
      ...survey,
      groups: { 'stn-master': { group: 'stn-master', sentinels: group?.sentinels ?? [], redis: [blind] } },
    };
    const text = renderStatus(bad, diagnosis, { ...japan, width: 80, colour: false, why: false });
    expect(text).toMatch(/^\? pv1 +unknown .*\n +no list$/m);
  });

  it('shows each sentinel when one of them is of another opinion', () => {
    const { survey, diagnosis } = healthy();
    const group = survey.groups['stn-master'];
    if (!group) throw new Error('no group');
    const [first, ...rest] = group.sentinels;
    if (!first?.view.ok) throw new Error('no view');
    const odd = { ...first, view: seen({ ...first.view.value, configEpoch: 1012n }) };
    const other = { ...survey, groups: { 'stn-master': { ...group, sentinels: [odd, ...rest] } } };
    const text = renderStatus(other, diagnosis, { ...japan, width: 80, colour: false, why: false });
    expect(text).toContain('1 012');
    expect(text).not.toContain('CKQUORUM ok on all');
  });

  it('says what the consents give up', () => {
    expect(consentSentences(split().diagnosis)).toEqual([
      'pv2 as master sets aside 417 808 bytes of pv1: it was written to after the split',
    ]);
  });
});
