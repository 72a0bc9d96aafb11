import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupBench } from './backup-lab.js';
import type { OwnSshd, OwnSshds } from './own-sshd.js';
import { runbook } from './recovery.js';

/** A server on each host of a lab, by the host's name; their keys are known. */
export async function sshdOnEach(bench: BackupBench, sshds: OwnSshds): Promise<Map<string, OwnSshd>> {
  const servers = new Map<string, OwnSshd>();
  for (const host of bench.lab.hosts) {
    const sshd = await sshds.start([], { at: host.address });
    sshds.know(sshd);
    servers.set(host.name, sshd);
  }
  return servers;
}

/** The same fleet, whose machines are reached over ssh. */
export async function overSsh(bench: BackupBench, sshds: OwnSshds, transport: 'ssh' | 'openssh'): Promise<BackupBench> {
  const text = await readFile(bench.lab.fleetFile, 'utf8');
  const { user, port, identity, knownHosts } = sshds.settings();
  const ssh = `ssh: { user: "${user}", port: ${port}, identity: "${identity}", known-hosts: "${knownHosts}" }`;
  const fleetFile = join(bench.lab.directory, `fleet-${transport}.yaml`);
  await writeFile(fleetFile, text.replace('transport: local', `transport: ${transport}\n  ${ssh}`));
  const lab = { ...bench.lab, fleetFile };
  const backup = (args: readonly string[]) =>
    runbook(lab, ['backup', ...args, '--repository', bench.repository], bench.env);
  return { ...bench, lab, backup };
}
