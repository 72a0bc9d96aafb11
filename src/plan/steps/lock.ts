import { RunbookError } from '../../errors.js';
import type { HostEntry } from '../../model/inventory.js';
import { word } from '../commands.js';
import { action, type Scene, type Step, sideBySide } from '../scene.js';

/**
 * Takes the fleet's lock on every host that is touched and on more than half of the fleet, so that no two runs can have
 * it. In one order for everybody: between two who take it at once the first host decides, before the others are asked.
 */
export const lockFleet: Step = {
  name: 'lock-fleet',
  summary: 'take the lock on every host that is touched, and on more than half of the fleet',
  parameters: {},
  plan: (scene) => {
    const [first, ...others] = lockedHosts(scene).map((host) => take(scene, host));
    return first === undefined ? [] : [...sideBySide([first]), ...sideBySide(others)];
  },
};

/** Gives the lock back, last of all. */
export const unlockFleet: Step = {
  name: 'unlock-fleet',
  summary: 'give the lock back on every host',
  parameters: {},
  plan: (scene) => sideBySide(lockedHosts(scene).map((host) => release(scene, host))),
};

function take(scene: Scene, host: HostEntry) {
  return action(scene, { host: host.name, node: host.name }, 'lock.take', lockOver(scene, host.name), {
    text: `take the lock on ${host.name}`,
    commands: [
      `install -d -m 0700 ${word(host.state)}`,
      `set -C; echo '{"run":"HAND","token":"by-hand-by-hand","who":"somebody","since":"now"}' > ${word(`${host.state}/lock.json`)}`,
    ],
    expect: 'nobody else holds it',
    undo: 'the lock is given back',
  });
}

/** A run that left this host out ended without it: its lock there is nobody's any more. */
function lockOver({ back }: Scene, host: string): { readonly over?: readonly string[] } {
  const over = back.filter((one) => one.host === host).map(({ run }) => run);
  return over.length === 0 ? {} : { over };
}

function release(scene: Scene, host: HostEntry) {
  return action(
    scene,
    { host: host.name, node: host.name },
    'lock.release',
    {},
    {
      text: `give the lock on ${host.name} back`,
      commands: [`rm ${word(`${host.state}/lock.json`)}`],
      expect: 'nobody holds it',
      undo: 'nothing to undo',
    },
  );
}

/** The hosts that are touched, and as many others of those that were reached as make more than half. Throws RunbookError `blocked`. */
function lockedHosts(scene: Scene): readonly HostEntry[] {
  const { inventory, survey, decision } = scene;
  const reached = new Set(survey.hosts.filter((host) => host.reached.ok).map((host) => host.host));
  const givenUp = (decision.givenUp ?? []).filter((host) => !reached.has(host));
  const count = inventory.hosts.length - givenUp.length;
  const touched = byName(scene.hosts);
  const others = byName(inventory.hosts.filter((host) => reached.has(host.name) && !touched.includes(host)));
  const missing = Math.floor(count / 2) + 1 - touched.length;
  const locked = [...touched, ...others.slice(0, Math.max(0, missing))];
  if (locked.length * 2 <= count) throw tooFew(scene, locked.length, count, reached);
  return byName(locked);
}

function byName(hosts: readonly HostEntry[]): readonly HostEntry[] {
  return [...hosts].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tooFew({ inventory }: Scene, locked: number, count: number, reached: ReadonlySet<string>): RunbookError {
  const away = inventory.hosts.flatMap((host) => (reached.has(host.name) ? [] : [host.name]));
  return new RunbookError(
    'blocked',
    `The lock would stand on ${locked} of ${count} hosts: that is not more than half.`,
    {
      facts: [
        `out of reach: ${away.join(', ')}`,
        'somebody who reaches those and not these could work on the same fleet at the same moment',
      ],
      next: [
        'redis-runbook doctor   which hosts are out of reach, and why',
        `redis-runbook recover ${away.map((host) => `--without ${host}`).join(' ')} --reason "..."`,
      ],
    },
  );
}
