import { word } from '../commands.js';
import { action, type Scene, type Step, sideBySide } from '../scene.js';

/** Writes on every host in reach which hosts are left out: from here on what they hold is no longer the newest. */
export const noteLeftOut: Step = {
  name: 'note-left-out',
  summary: 'write on every host which hosts are left out, so that every look says it until they are rejoined',
  parameters: {},
  plan: (scene) => {
    const leaves = scene.unreached;
    if (leaves.length === 0) return [];
    const names = leaves.map(({ host }) => host).join(', ');
    return sideBySide(
      scene.hosts.map((host) =>
        action(
          scene,
          { host: host.name, node: host.name },
          'left-out.note',
          { leaves },
          {
            text: `note on ${host.name} that ${names} ${leaves.length === 1 ? 'is' : 'are'} left out`,
            commands: [`\${EDITOR:-vi} ${word(`${host.state}/left-out.json`)}   # by hand: tell the next shift`],
            expect: `status says so until ${names} ${leaves.length === 1 ? 'was' : 'were'} rejoined`,
            undo: 'nothing to undo: the note is true until the host took part again',
          },
        ),
      ),
    );
  },
};

/** Marks the hosts that take part again as no longer left out. */
export const noteRejoined: Step = {
  name: 'note-rejoined',
  summary: 'mark the hosts that take part again as no longer left out',
  parameters: {},
  plan: (scene) => (scene.back.length === 0 ? [] : sideBySide(scene.hosts.map((host) => markDone(scene, host)))),
};

function markDone(scene: Scene, host: Scene['hosts'][number]) {
  const names = [...new Set(scene.back.map((one) => one.host))].join(', ');
  return action(
    scene,
    { host: host.name, node: host.name },
    'left-out.done',
    { back: scene.back },
    {
      text: `note on ${host.name} that ${names} is no longer left out`,
      commands: [`\${EDITOR:-vi} ${word(`${host.state}/left-out.json`)}   # by hand: take the entry out`],
      expect: 'status says nothing of it any more',
      undo: 'nothing to undo: what the note asked for is done',
    },
  );
}
