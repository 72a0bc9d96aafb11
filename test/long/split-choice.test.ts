import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { labUp } from '../../src/lab/up.js';
import { removeLab } from '../live/dead-fleet.js';
import { inTerminal } from '../live/terminal.js';

it('a person at a terminal names the side of a split that goes on, is told what that sets aside in keys, and finds it kept', async () => {
  // This seed turns everything off at the end.
  const lab = await labUp({ seed: 7, ownerPid: process.pid });
  try {
    const said: string[] = [];
    await lab.break({ scenario: 'split-brain' }, (line) => said.push(line));
    const [, old = '', next = ''] = /(pv\d) cut off; the sentinels elected (pv\d)/.exec(said.join('\n')) ?? [];
    const terminal = inTerminal(lab, ['recover']);
    await terminal.sees('Which node becomes master,');
    terminal.type('\r');
    await terminal.sees('goes on; what the other side alone holds is set aside');
    terminal.type(`${next}\r`);
    await terminal.sees('copies of data files must come to this machine');
    await terminal.sees('Copy and compare?');
    terminal.type('y\r');
    await terminal.sees(`that only ${old} has are set aside`);
    await terminal.sees('Type the name of the node whose data is set aside');
    terminal.type(`${next}\r`);
    await terminal.sees(`That is not ${old}. Nothing was done.`);
    terminal.type(`${old}\r`);
    await terminal.sees('Why (one line, goes into the report)');
    terminal.type('it was cut off\r');
    await terminal.sees('Stages 1 HOLD, 2 KEEP on');
    terminal.type('a\r');
    await terminal.sees(`serves again since`);
    await terminal.sees('redis-runbook salvage show');
    expect(await terminal.ended(), terminal.screen()).toBe(10);
    expect(await lab.master()).toBe(next);
    const runs = join(lab.directory, 'operator', 'redis-runbook', 'runs');
    const [run = ''] = readdirSync(runs);
    expect(readdirSync(join(runs, run, 'salvage', old)).sort()).toEqual(['keys.jsonl', 'manifest.json']);
  } finally {
    await removeLab(lab);
  }
});
