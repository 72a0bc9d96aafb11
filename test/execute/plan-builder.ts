import { type Inventory, type NodeEntry, nodesOf } from '../../src/model/inventory.js';
import type { Action, Batch, Condition, Described, FileIntent, Gate, Plan, Stage } from '../../src/model/plan.js';

const says: Described = { text: 'test', commands: [], expect: '', undo: '' };

type Omitted = 'id' | 'host' | 'node' | 'says';
type Spec = Action extends infer A ? (A extends Action ? Omit<A, Omitted> : never) : never;
type Waits = Condition extends infer C ? (C extends Condition ? Omit<C, 'id' | 'says' | 'limitMs'> : never) : never;

let counted = 0;

/** One action on a node or a host of the inventory. */
export function act(inventory: Inventory, node: string, spec: Spec): Action {
  counted += 1;
  const host = inventory.hosts.find((each) => each.name === node || each.nodes.some((one) => one.id === node));
  if (!host) throw new Error(`no ${node}`);
  return { ...spec, id: `test/${host.name}/${spec.kind}/${counted}`, host: host.name, node, says } as Action;
}

export function wait(spec: Waits, limitMs = 30_000): Condition {
  counted += 1;
  return { ...spec, id: `test/${spec.kind}/${counted}`, says: spec.kind, limitMs } as Condition;
}

/** Lanes by host, in the order of the actions. */
export function batch(actions: readonly Action[], then: readonly Condition[] = []): Batch {
  const lanes: Record<string, Action[]> = {};
  for (const action of actions) lanes[action.host] = [...(lanes[action.host] ?? []), action];
  return { lanes, then };
}

export function stage(
  id: string,
  batches: readonly Batch[],
  more: { gate?: Gate; needs?: Stage['needs'] } = {},
): Stage {
  const { gate, needs = [] } = more;
  return { id, title: id.toUpperCase(), why: '', needs, batches, now: `after ${id}`, ...(gate ? { gate } : {}) };
}

/** The stages with the lock taken first, where they do something and do not take it themselves: nothing is done without it. */
function lockedFirst(inventory: Inventory, stages: readonly Stage[]): readonly Stage[] {
  const kinds = stages.flatMap((one) => one.batches.flatMap(({ lanes }) => Object.values(lanes).flat())).map(kindOf);
  if (kinds.length === 0 || kinds.includes('lock.take')) return stages;
  return [
    stage('lock', [batch(inventory.hosts.map((host) => act(inventory, host.name, { kind: 'lock.take' })))]),
    ...stages,
  ];
}

function kindOf({ kind }: Action): Action['kind'] {
  return kind;
}

export function planOf(inventory: Inventory, stages: readonly Stage[], more: Partial<Plan> = {}): Plan {
  const redis = nodesOf(inventory, 'redis').map((node) => node.id);
  const master = more.master ?? redis[0] ?? '';
  return {
    schema: 'redis-runbook/plan/1',
    group: inventory.groups[0] ?? '',
    runbook: 'test',
    path: 'cold',
    master,
    replicas: redis.filter((node) => node !== master),
    sentinels: nodesOf(inventory, 'sentinel').map((node) => node.id),
    hosts: inventory.hosts.map((host) => host.name),
    leftOut: [],
    setAside: [],
    fingerprint: 'test',
    epoch: 1000n,
    downtimeSeconds: 1,
    stages: lockedFirst(inventory, stages),
    scripts: [],
    ...more,
  };
}

/** The seven steps for a whole inventory, as a recovery of a dead fleet would have them. */
export function coldPlan(inventory: Inventory, master: string, more: Partial<Plan> = {}): Plan {
  const redis = nodesOf(inventory, 'redis');
  const sentinels = nodesOf(inventory, 'sentinel');
  const all = [...redis, ...sentinels];
  const bare = planOf(inventory, [], { master, ...more });
  const target = redis.find((node) => node.id === master);
  if (!target) throw new Error(`no ${master}`);
  const intents = new Map<string, FileIntent>(
    all.map((node) => [
      node.id,
      node.kind === 'sentinel'
        ? {
            kind: 'sentinel.conf',
            group: bare.group,
            master: { host: target.address, port: target.port },
            epoch: bare.epoch,
            forget: [],
          }
        : node.id === master
          ? { kind: 'redis.conf', set: [], drop: ['replicaof'] }
          : {
              kind: 'redis.conf',
              set: [{ directive: 'replicaof', value: [target.address, String(target.port)] }],
              drop: [],
            },
    ]),
  );
  const each = (nodes: readonly NodeEntry[], spec: (node: NodeEntry) => Spec) =>
    nodes.map((node) => act(inventory, node.id, spec(node)));
  const config = (kind: 'config.rewrite' | 'config.check') =>
    each(all, (node) => {
      const intent = intents.get(node.id);
      if (!intent) throw new Error('no intent');
      return { kind, path: node.config, intent };
    });
  const stages = [
    stage(
      'hold',
      [
        batch(inventory.hosts.map((host) => act(inventory, host.name, { kind: 'lock.take' }))),
        batch(
          [
            ...each(all, () => ({ kind: 'service.hold' })),
            ...each(sentinels, () => ({ kind: 'service.stop', mode: 'save' })),
          ],
          [wait({ kind: 'stopped', nodes: sentinels.map((node) => node.id) })],
        ),
      ],
      { gate: 'hold-keep' },
    ),
    stage('keep', [
      batch(each(redis, () => ({ kind: 'data.save' }))),
      batch([
        ...each(redis, () => ({ kind: 'data.keep', moment: 'before-stop', alsoHere: false })),
        ...each(all, (node) => ({ kind: 'config.keep', path: node.config })),
      ]),
    ]),
    stage(
      'stop',
      [
        batch(
          each(redis, () => ({ kind: 'service.stop', mode: 'save' })),
          [wait({ kind: 'stopped', nodes: redis.map((node) => node.id) })],
        ),
        batch(each(redis, () => ({ kind: 'data.keep', moment: 'after-stop', alsoHere: false }))),
      ],
      { gate: 'stop-rewrite-check' },
    ),
    stage('rewrite', [batch(config('config.rewrite'))]),
    stage('check', [
      batch(config('config.check')),
      batch(
        each(redis, (node) => ({
          kind: 'data.check',
          as: node.id === master ? 'master' : 'replica',
          ...(more.expectedKeys === undefined ? {} : { expectedKeys: more.expectedKeys }),
        })),
      ),
    ]),
    stage(
      'start',
      [
        batch(
          [
            act(inventory, master, { kind: 'service.release' }),
            act(inventory, master, { kind: 'service.start', as: 'master' }),
            act(inventory, master, { kind: 'fence.raise' }),
          ],
          [wait({ kind: 'is-master', node: master }), wait({ kind: 'data-loaded', node: master })],
        ),
        batch([act(inventory, master, { kind: 'aof.rewrite' }), act(inventory, master, { kind: 'fence.lift' })]),
        ...bare.replicas.map((node) =>
          batch(
            [
              act(inventory, node, { kind: 'service.release' }),
              act(inventory, node, { kind: 'service.start', as: 'replica' }),
            ],
            [wait({ kind: 'linked-to', node, master }), wait({ kind: 'caught-up-with', node, master })],
          ),
        ),
        batch(
          sentinels.flatMap((node) => [
            act(inventory, node.id, { kind: 'service.release' }),
            act(inventory, node.id, { kind: 'service.start', as: 'sentinel' }),
          ]),
        ),
      ],
      { gate: 'start' },
    ),
    stage('prove', [
      batch(
        [],
        [
          wait({ kind: 'is-master', node: master }),
          wait({
            kind: 'sentinels-agree',
            group: bare.group,
            master,
            sentinels: bare.sentinels,
            replicas: bare.replicas,
          }),
          wait({ kind: 'quorum', group: bare.group, sentinels: bare.sentinels }),
          wait({ kind: 'files-as-planned', nodes: all.map((node) => node.id) }),
          wait({ kind: 'nothing-held', nodes: all.map((node) => node.id) }),
        ],
      ),
      batch(inventory.hosts.map((host) => act(inventory, host.name, { kind: 'lock.release' }))),
    ]),
  ];
  return { ...bare, stages };
}

/** The same plan with every action and condition passed through; an action that gives undefined is left out. */
export function changed(
  plan: Plan,
  change: { action?: (action: Action) => Action | undefined; condition?: (condition: Condition) => Condition },
): Plan {
  const { action = (one) => one, condition = (one) => one } = change;
  const stages = plan.stages.map((each) => ({
    ...each,
    batches: each.batches.map(({ lanes, then }) =>
      batch(
        Object.values(lanes)
          .flat()
          .map(action)
          .filter((one) => one !== undefined),
        then.map(condition),
      ),
    ),
  }));
  return { ...plan, stages };
}
