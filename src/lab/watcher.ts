import { spawn } from 'node:child_process';
import { startedAt } from './processes.js';
import type { LabState } from './state.js';

/**
 * A program of its own, given to node as text so that it needs no file: it looks twice a second whether the owner lives,
 * and ends the lab's processes (those in its directory and on its addresses, nobody else's) once it does not, even when
 * another lab has taken the dead owner's claim over meanwhile. It ends by itself when the claim of a living owner is gone.
 */
const program = `
const fs = require('node:fs');
const [dir, block, claim, token, pid, ticks, remove] = process.argv.slice(1);
function started(p) {
  try {
    const stat = fs.readFileSync('/proc/' + p + '/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch { return undefined; }
}
function mine(p) {
  try {
    if (!/[/](redis|valkey)[^/]*$/.test(fs.readlinkSync('/proc/' + p + '/exe'))) return false;
    if (!(fs.readlinkSync('/proc/' + p + '/cwd') + '/').startsWith(dir + '/')) return false;
    return fs.readFileSync('/proc/' + p + '/cmdline', 'utf8').includes(' ' + block + '.');
  } catch { return false; }
}
function held() {
  try { return JSON.parse(fs.readFileSync(claim, 'utf8')).token === token; } catch { return false; }
}
function end() {
  const found = fs.readdirSync('/proc').filter((p) => /^[0-9]+$/.test(p) && started(p) !== undefined && mine(p));
  for (const p of found) { try { process.kill(Number(p), 'SIGKILL'); } catch {} }
  return found.length === 0;
}
const timer = setInterval(() => {
  const dead = started(pid) !== ticks;
  if (!dead && !held()) return clearInterval(timer);
  if (!dead || !end()) return;
  clearInterval(timer);
  if (remove === 'yes') { try { fs.rmSync(dir, { recursive: true, force: true }); } catch {} }
  if (held()) { try { fs.unlinkSync(claim); } catch {} }
}, 500);
`;

/** Starts the watcher that ends the lab when the process `ownerPid` is gone; `remove`: with its directory. */
export function startWatcher(
  state: Pick<LabState, 'directory' | 'claim'>,
  ownerPid: number,
  remove: boolean,
): { readonly pid: number; readonly startTicks: string } | undefined {
  const { block, file, token } = state.claim;
  const ticks = startedAt(ownerPid) ?? 'gone';
  const words = [state.directory, block, file, token, String(ownerPid), ticks, remove ? 'yes' : 'no'];
  const child = spawn(process.execPath, ['-e', program, ...words], { detached: true, stdio: 'ignore', cwd: '/' });
  child.unref();
  const pid = child.pid;
  const startTicks = pid === undefined ? undefined : startedAt(pid);
  return pid === undefined || startTicks === undefined ? undefined : { pid, startTicks };
}
