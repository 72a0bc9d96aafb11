import { RunbookError } from '../../errors.js';
import type { Batch, RestoredFile, RestorePlace } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import { cli, word } from '../commands.js';
import { action, placeOf, type RedisNode, type Restore, type Scene, type Step, sideBySide } from '../scene.js';

/** Brings the backup to the master's machine while the group still serves: nothing loads it there. */
export const sendBackup: Step = {
  name: 'send-backup',
  summary: 'bring the files of the backup beside the data of the node that becomes master, read back with their hash',
  parameters: {},
  plan: (scene) => {
    const { restore, master } = needed(scene);
    const { place, files, backup } = restore;
    const into = `${place.dir}/.redis-runbook-RUN/restore`;
    return sideBySide([
      action(
        scene,
        placeOf(master),
        'data.send',
        { place, files },
        {
          text: `bring backup ${backup.id} to ${master.entry.id}: ${files.map(({ to }) => to).join(', ')}`,
          commands: files.map((file) => sendCommand(scene, master, file, into, backup)),
          expect: `read back from its disk with the sha256 of the manifest; nothing loads it in ${into}`,
          undo: 'nothing to undo: a copy in a directory that no server reads',
        },
      ),
    ]);
  },
};

/** The master's own data moves away, the backup takes its place. Everything is stopped by now. */
export const placeBackup: Step = {
  name: 'place-backup',
  summary: 'move the data files of the node that becomes master away, kept, and put the backup in their place',
  parameters: {},
  plan: (scene) => {
    const { restore, master } = needed(scene);
    const { place, files, backup } = restore;
    const { dir } = place;
    const own = `${dir}/.redis-runbook-RUN`;
    return sideBySide([
      action(
        scene,
        placeOf(master),
        'data.place',
        { place, files },
        {
          text: `put backup ${backup.id} where ${master.entry.id} loads its data from; what is there now moves away, kept`,
          commands: [
            ...asideCommands(place),
            ...files.map(({ to }) => `ln ${word(`${own}/restore/${to}`)} ${word(`${dir}/${to}`)}`),
          ],
          expect: 'each file has the sha256 of the manifest; no other data file is left that it would load',
          undo: `the files of the backup go, those in ${own}/replaced come back`,
          hazard: `what ${master.entry.id} held is served no more from here on; it is kept`,
        },
      ),
    ]);
  },
};

/** The actions after the start of a restored master, behind its fence. */
export function afterRestoredStart(scene: Scene, master: RedisNode): Batch['lanes'][string] {
  const { restore } = scene;
  if (restore === undefined) return [];
  const { backup } = restore;
  const keys = backup.databases?.reduce((sum, row) => sum + row.keys, 0n);
  const compare = action(
    scene,
    placeOf(master),
    'data.compare',
    backup.databases === undefined ? {} : { databases: backup.databases },
    {
      text: `count the keys of ${master.entry.id} against those of the backup`,
      commands: [cli(master.entry, 'INFO', 'keyspace')],
      expect:
        keys === undefined
          ? 'nothing could count the backup before: what it holds is told'
          : `${keys} keys, less those whose time to live has ended since`,
      undo: 'nothing to undo: it only counts; a node that holds anything else is stopped again',
    },
  );
  if (backup.kind === 'rdb') return [compare];
  const rewrite = action(
    scene,
    placeOf(master),
    'aof.rewrite',
    {},
    {
      text: `${master.entry.id} rewrites its AOF: the backup may end inside a transaction`,
      commands: [cli(master.entry, 'BGREWRITEAOF'), cli(master.entry, 'INFO', 'persistence')],
      expect: 'aof_last_bgrewrite_status:ok',
      undo: 'nothing to undo: the files of the backup are in the repository',
    },
  );
  return [compare, rewrite];
}

/** What a replica held is of another history now: it moves away, and the replica copies its master from nothing. */
export function asideBeforeStart(scene: Scene, node: RedisNode): Batch['lanes'][string] {
  const place = restorePlaceOf(node);
  if (scene.restore === undefined || place === undefined) return [];
  const says = {
    text: `move the data of ${node.entry.id} away, kept: it copies ${scene.decision.master} from nothing`,
    commands: asideCommands(place),
    expect: 'no data file is left that it would load',
    undo: `the files in ${place.dir}/.redis-runbook-RUN/replaced come back`,
  };
  return [action(scene, placeOf(node), 'data.aside', { place }, says)];
}

/** What a node's config says it will look for; undefined when it could not be read. */
export function restorePlaceOf({ entry, seen }: Pick<RedisNode, 'entry' | 'seen'>): RestorePlace | undefined {
  const config = known(seen.config);
  if (config === undefined) return undefined;
  const { dbfilename, appendonly, appendfilename, appenddirname } = config;
  const base = entry.config.slice(0, entry.config.lastIndexOf('/'));
  const dir = config.dir.startsWith('/') ? config.dir : `${base}/${config.dir}`;
  return { dir, dbfilename, appendonly, appendfilename, appenddirname };
}

function needed(scene: Scene): { readonly restore: Restore; readonly master: RedisNode } {
  const { restore } = scene;
  const master = scene.redis.find((node) => node.isMaster);
  if (restore !== undefined && master !== undefined) return { restore, master };
  throw new RunbookError('usage', 'This runbook brings a backup back, and none is named.', {
    next: ['redis-runbook backup list', 'redis-runbook backup restore ID --dry-run   shows what it would do'],
  });
}

function asideCommands({ dir, dbfilename, appendfilename, appenddirname }: RestorePlace): readonly string[] {
  const into = word(`${dir}/.redis-runbook-RUN/replaced`);
  return [
    `mkdir -p -m 0700 ${into}`,
    `for f in ${[dbfilename, appendfilename, appenddirname].map((name) => word(`${dir}/${name}`)).join(' ')}; do [ -e "$f" ] && mv "$f" ${into}/; done`,
  ];
}

function sendCommand(
  scene: Scene,
  master: RedisNode,
  { from, to }: RestoredFile,
  into: string,
  { repository, fleet, group, name }: Restore['backup'],
): string {
  const target = word(`${into}/${to}`);
  if ('text' in from) return `printf %s ${word(from.text)} > ${target}`;
  const stored = word(`${repository}/${fleet}/${group}/${name}/${from.stored}`);
  const local = scene.inventory.hosts.find((host) => host.name === master.host.name)?.transport === 'local';
  return local ? `install -D -m 0600 ${stored} ${target}` : `scp ${stored} ${word(master.host.address)}:${target}`;
}
