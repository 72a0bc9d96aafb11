import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import { findFleetFile } from '../../src/inventory/find.js';

let home = '';
let project = '';
let inside = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbook-find-'));
  project = join(home, 'project');
  inside = join(project, 'inside');
  await mkdir(inside, { recursive: true });
  await mkdir(join(home, '.config/redis-runbook'), { recursive: true });
  for (const path of ['.config/redis-runbook/shop.yaml', 'project/fleet.yaml', 'project/other.yml']) {
    await writeFile(join(home, path), 'name: x\n');
  }
});
afterAll(async () => {
  await rm(home, { recursive: true });
});

describe('which fleet file is meant', () => {
  it('is the flag before the environment before the directory', () => {
    const env = { HOME: home, REDIS_RUNBOOK_FLEET: 'shop' };
    expect(findFleetFile('other.yml', env, project)).toBe('other.yml');
    expect(findFleetFile(undefined, env, project)).toBe(join(home, '.config/redis-runbook/shop.yaml'));
    expect(findFleetFile(undefined, { HOME: home }, project)).toBe('./fleet.yaml');
    expect(findFleetFile('./fleet.yaml', env, project)).toBe('./fleet.yaml');
  });

  it('is never one of a parent directory', () => {
    expect(findFleetFile(undefined, { HOME: home }, inside)).toBeUndefined();
    expect(findFleetFile(undefined, { HOME: home, REDIS_RUNBOOK_FLEET: '' }, inside)).toBeUndefined();
  });

  it.each(['nowhere', 'none.yaml', './shop', '../../etc/passwd', '-x', 'a b'])(
    'must exist when it is named: %s',
    (name) => {
      for (const find of [
        () => findFleetFile(name, { HOME: home }, inside),
        () => findFleetFile(undefined, { HOME: home, REDIS_RUNBOOK_FLEET: name }, inside),
      ]) {
        expect(find).toThrow(RunbookError);
        expect(find).toThrow(expect.objectContaining({ word: 'no-fleet' }));
      }
    },
  );
});
