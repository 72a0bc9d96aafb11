// One dead fleet of five booted machines that can be put back to its first state as often as it is recovered.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] }).toString();

/** Ansible wants Python on the machines, which Redis does not: the packages that it needs are unpacked, from apt. */
function pythonTree() {
  const directory = mkdtempSync(join(tmpdir(), 'runbook-python-'));
  const debs = join(directory, 'debs');
  const tree = join(directory, 'tree');
  mkdirSync(debs);
  const names = [
    'python3',
    'python3-minimal',
    'python3.11',
    'python3.11-minimal',
    'libpython3.11-minimal',
    'libpython3.11-stdlib',
  ];
  execFileSync('apt-get', ['-q', 'download', ...names], { cwd: debs, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const deb of readdirSync(debs)) run('dpkg', '-x', join(debs, deb), tree);
  return { directory, tree };
}

/** Copies Python to every machine, which must be off. */
export function givePython(machines) {
  const { directory, tree } = pythonTree();
  for (const machine of machines.hosts) run('cp', '-a', `${tree}/usr/.`, `${machine.root}/usr`);
  rmSync(directory, { recursive: true });
}

/** Notes the disks of machines that are off; the answer puts them back as they were. */
export function keepDisks(machines) {
  const of = (machine, name) => join(machine.directory, name);
  const options = new Map();
  for (const machine of machines.hosts) {
    const [, found] = new RegExp(` ${machine.root} overlay (\\S+)`).exec(run('cat', '/proc/mounts')) ?? [];
    options.set(machine.name, found);
    run('umount', machine.root);
    run('cp', '-a', '--reflink=auto', of(machine, 'disk'), of(machine, 'disk.first'));
  }
  return () => {
    for (const machine of machines.hosts) {
      if (run('cat', '/proc/mounts').includes(` ${machine.root} `)) run('umount', machine.root);
      for (const name of ['disk', 'work']) rmSync(of(machine, name), { recursive: true, force: true });
      run('cp', '-a', '--reflink=auto', of(machine, 'disk.first'), of(machine, 'disk'));
      mkdirSync(of(machine, 'work'));
      run('mount', '-t', 'overlay', '-o', options.get(machine.name), 'overlay', machine.root);
    }
  };
}

/** Tells when the master of a fleet takes a write and when both replicas are linked; `end` resolves with both times. */
export function watch(machines, master) {
  const address = (name) => machines.hosts.find((machine) => machine.name === name).address;
  const replicas = machines.hosts.filter(({ runs, name }) => runs.includes('redis') && name !== master);
  const asked = {
    password: machines.password,
    master: address(master),
    replicas: replicas.map((one) => one.address),
    port: 6379,
  };
  const namespace = machines.fleet.operatorNamespace;
  const words = ['netns', 'exec', namespace, process.execPath, here('watch.mjs'), JSON.stringify(asked)];
  const child = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    end: async () => {
      child.stdin.end();
      await ended;
      return JSON.parse(said);
    },
  };
}

/** The ways to recover the fleet: the tool, the playbook, the script. Each resolves when it is done, or throws what it said. */
export function ways(machines, master) {
  const { fleet } = machines;
  const of = (name) => fleet.machines.find((machine) => machine.name === name);
  const redis = fleet.machines.filter(({ runs }) => runs.includes('redis')).map(({ name }) => name);
  const replicas = redis.filter((name) => name !== master);
  const sentinels = fleet.machines.map(({ name }) => name);
  const inventory = join(fleet.directory, 'operator', 'ansible.yaml');
  writeFileSync(inventory, JSON.stringify(ansibleInventory(machines, master, replicas)));
  const ansible = {
    ANSIBLE_PIPELINING: 'True',
    ANSIBLE_SSH_ARGS: `-F ${fleet.sshConfig} -o ControlMaster=auto -o ControlPersist=60s`,
    ANSIBLE_FORKS: '10',
    ANSIBLE_HOST_KEY_CHECKING: 'True',
    ANSIBLE_HOME: join(fleet.directory, 'operator', 'ansible'),
    ANSIBLE_SSH_CONTROL_PATH_DIR: join(fleet.directory, 'operator', 'cp'),
    ANSIBLE_NOCOLOR: '1',
    LC_ALL: 'C.UTF-8',
  };
  const byHand = {
    CONFIG: fleet.sshConfig,
    MASTER: master,
    MASTER_ADDRESS: of(master).address,
    REPLICAS: replicas.join(' '),
    SENTINELS: sentinels.join(' '),
    GROUP: fleet.group,
    QUORUM: '2',
    PASSWORD: fleet.password,
  };
  const limit = { timeoutMs: 600_000 };
  return {
    'redis-runbook': () =>
      mustEnd(machines.runbook(['recover', '--yes', '--plain'], { login: 'ops', ...limit }), [0, 10]),
    ansible: () =>
      mustEnd(
        machines.asOperator(['ansible-playbook', '-i', inventory, here('playbook.yaml')], { env: ansible, ...limit }),
        [0],
      ),
    'by hand': () => mustEnd(machines.asOperator(['bash', here('by-hand.sh')], { env: byHand, ...limit }), [0]),
  };
}

function ansibleInventory(machines, master, replicas) {
  const { fleet } = machines;
  const entries = fleet.machines.map(({ name, address, runs }) => {
    const units = runs.map((node) => (node === 'redis' ? 'redis-server' : 'redis-sentinel'));
    return [name, { ansible_host: address, ansible_user: 'ops', units }];
  });
  const only = (names) => ({ hosts: Object.fromEntries(names.map((name) => [name, {}])) });
  return {
    all: {
      hosts: Object.fromEntries(entries),
      vars: {
        master,
        master_address: fleet.machines.find(({ name }) => name === master).address,
        group_watched: fleet.group,
        quorum: 2,
        password: { __ansible_unsafe: fleet.password },
        ansible_python_interpreter: '/usr/bin/python3',
      },
      children: {
        sentinels: only(fleet.machines.map(({ name }) => name)),
        redis: only([master, ...replicas]),
        replicas: only(replicas),
      },
    },
  };
}

async function mustEnd(work, good) {
  const { status, stdout, stderr } = await work;
  if (!good.includes(status)) throw new Error(`ended with ${status}\n${stdout}${stderr}`);
}
