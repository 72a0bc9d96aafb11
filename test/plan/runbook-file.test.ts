import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { parseRunbook, runbookSchema } from '../../src/plan/runbook-file.js';
import { steps } from '../../src/plan/steps/index.js';

const good = `runbook: mine
version: "1.0"
title: A runbook
path: cold
stages:
  - stage: HOLD
    gate: hold-keep
    why: because
    now: held
    steps:
      - lock-fleet
      - keep-data: { moment: before-stop }
`;

function refused(text: string): { message: string; facts: string } {
  try {
    parseRunbook('my.yaml', text);
  } catch (error) {
    if (!(error instanceof RunbookError)) throw error;
    expect(error).toMatchObject({ word: 'runbook-file', exit: 2 });
    return { message: error.message, facts: error.facts.join('\n') };
  }
  throw new Error('it was taken');
}

describe('a runbook', () => {
  test('is read with the defaults of its steps filled in', () => {
    const { stages, path } = parseRunbook('my.yaml', good);
    expect(path).toBe('cold');
    expect(stages[0]?.steps.map((step) => step.name)).toEqual(['lock-fleet', 'keep-data']);
    expect(stages[0]?.steps[1]?.parameters).toMatchObject({ moment: 'before-stop' });
  });

  test('built in, uses only steps of the library, and each of them is used', async () => {
    const directory = new URL('../../runbooks/', import.meta.url);
    const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml'));
    const texts = await Promise.all(files.map((name) => readFile(new URL(name, directory), 'utf8')));
    const used = texts.flatMap((text, index) =>
      parseRunbook(files[index] ?? '', text).stages.flatMap((stage) => stage.steps.map((step) => step.name)),
    );
    expect([...new Set(used)].sort()).toEqual(steps.map((step) => step.name).sort());
  });

  test.each([
    ['an unknown key', good.replace('title:', 'titel:'), /titel/],
    ['an unknown path', good.replace('path: cold', 'path: quick'), /my\.yaml:4:\d+: path/],
    ['a gate that does not exist', good.replace('hold-keep', 'whenever'), /my\.yaml:7:\d+: stages\.0\.gate/],
    ['no stage at all', 'runbook: mine\nversion: "1"\ntitle: t\npath: cold\nstages: []\n', /stages/],
  ])('with %s is refused at its line', (_, text, facts) => {
    expect(refused(text).facts).toMatch(facts);
  });

  test.each([
    ['a step that does not exist', good.replace('lock-fleet', 'rm-rf'), /^my\.yaml:11:\d+: there is no step "rm-rf"/],
    [
      'a parameter that does not exist',
      good.replace('moment:', 'when:'),
      /^my\.yaml:12:\d+: step keep-data has no parameter "when"/,
    ],
    [
      'a word that the parameter does not know',
      good.replace('before-stop', 'later'),
      /^my\.yaml:12:.*is one of .*not "later"/,
    ],
    ['a key twice', `${good}path: live\n`, /^my\.yaml:13:1: /],
    ['an alias', good.replace('because', '&w because').replace('now: held', 'now: *nobody'), /^my\.yaml:9:/],
  ])('with %s is refused at its line', (_, text, message) => {
    expect(refused(text).message).toMatch(message);
  });

  test('has a JSON Schema that forbids what the reader forbids', () => {
    expect(runbookSchema()).toMatchObject({ type: 'object', additionalProperties: false });
  });
});
