import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { typescript } from './typescript.mjs';

const rounds = Number(process.argv[2] ?? 3),
  mib = Number(process.argv[3] ?? 1024);
const only = process.argv[4]?.split(',');
const client = fileURLToPath(new URL('stream-client.mjs', import.meta.url));
const ts = await typescript();
const { OwnSshds } = await ts.load('test/live/own-sshd.ts');
const directory = mkdtempSync(join(tmpdir(), 'runbook-stream-'));
const own = new OwnSshds();
function sh(line) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const child = spawn('/bin/bash', ['-c', `set -o pipefail; ${line}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (c) => {
      out += c;
    });
    child.on('close', (status) =>
      status === 0
        ? resolve({ ms: Number(process.hrtime.bigint() - began) / 1e6, out })
        : reject(new Error(`${line}: ${status}`)),
    );
  });
}
try {
  const sshd = await own.start(['Subsystem sftp internal-sftp']);
  own.know(sshd);
  const path = join(directory, 'dump.rdb');
  await sh(`head -c ${mib}M /dev/urandom > ${path}; sync`);
  const o = `-F ${own.configFile} -i ${own.identity} -o UserKnownHostsFile=${own.knownHosts} -o StrictHostKeyChecking=yes`;
  const at = `${own.user}@${sshd.address}`;
  const want = (await sh(`sha256sum ${path}`)).out.split(' ')[0];
  const ask = (transport) =>
    `${process.execPath} ${process.env.NODEFLAGS ?? ''} ${client} '${JSON.stringify({ transport, address: sshd.address, ssh: own.settings(), configFile: own.configFile, path })}'`;
  const gcm = '-c aes128-gcm@openssh.com';
  const variants = {
    'ssh cat|sum': `ssh ${o} -p ${sshd.port} ${at} cat ${path} | sha256sum`,
    'ssh gcm cat|sum': `ssh ${gcm} ${o} -p ${sshd.port} ${at} cat ${path} | sha256sum`,
    'ssh cat>null': `ssh ${o} -p ${sshd.port} ${at} cat ${path} > /dev/null`,
    'gcm cat>null': `ssh ${gcm} ${o} -p ${sshd.port} ${at} cat ${path} > /dev/null`,
    'gcm cat|openssl': `ssh ${gcm} ${o} -p ${sshd.port} ${at} cat ${path} | openssl dgst -sha256 -r`,
    scp: `scp -q ${o} -P ${sshd.port} ${at}:${path} ${directory}/copy && rm ${directory}/copy`,
    rsync: `rsync -e "ssh ${o} -p ${sshd.port}" ${at}:${path} ${directory}/copy && rm ${directory}/copy`,
    ssh2: ask('ssh'),
    openssh: ask('openssh'),
  };
  const times = {};
  for (let r = 0; r < rounds; r++)
    for (const [name, line] of Object.entries(variants)) {
      if (only && !only.includes(name)) continue;
      const { ms, out } = await sh(line);
      times[name] ??= [];
      times[name].push(ms);
      const extra = name.startsWith('ssh2') || name === 'openssh' ? JSON.parse(out) : undefined;
      console.log(
        name.padEnd(16),
        (((mib * 1.048576) / ms) * 1000).toFixed(0),
        'MB/s',
        extra
          ? `${(extra.rssBytes / 1e6).toFixed(0)} MB rss cpu ${JSON.stringify(extra.cpu)} ${extra.sha256 === want}`
          : out.startsWith(want),
      );
    }
} finally {
  await own.end();
  rmSync(directory, { recursive: true, force: true });
  await ts.close();
}
