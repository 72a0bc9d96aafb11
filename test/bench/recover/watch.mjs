// Runs in the operator's namespace while a fleet is recovered. Says, as JSON, when the master took its first write and
// when both replicas were linked to it (milliseconds since the epoch), and goes on until its input is closed.
import { createConnection } from 'node:net';

const { password, master, replicas, port } = JSON.parse(process.argv[2] ?? '');
const POLL_MS = 20;
const words = (...all) =>
  `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** One answer of a node to one command, on a connection that is kept; undefined when there is none within a second. */
function asker(address) {
  let socket;
  let text = '';
  let wake = () => undefined;
  const open = () => {
    socket = createConnection({ host: address, port, noDelay: true });
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      socket = undefined;
      wake();
    });
    socket.write(words('AUTH', password));
  };
  return async (isWhole, ...command) => {
    if (socket === undefined) open();
    const own = socket;
    text = '';
    own.write(words(...command));
    const end = Date.now() + 1000;
    while (socket === own && !isWhole(text) && Date.now() < end) {
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, POLL_MS);
      });
    }
    if (isWhole(text)) return text;
    own.destroy();
    socket = undefined;
    return undefined;
  };
}

const seen = {};
let over = false;
process.stdin.on('end', () => {
  over = true;
});
process.stdin.resume();

async function until(name, look) {
  while (!over && seen[name] === undefined) {
    if (await look()) seen[name] = Date.now();
    else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const toMaster = asker(master);
const isSet = (text) => /(?:^|\n)(?:\+OK|-[A-Z].*)\r\n$/.test(text);
const writable = until('writableAt', async () => {
  const info = await toMaster(
    (text) => /master_replid:/.test(text) || /-(LOADING|NOAUTH)/.test(text),
    'INFO',
    'replication',
  );
  if (info === undefined || !/role:master/.test(info)) return false;
  return (await toMaster(isSet, 'SET', 'bench-probe', '1'))?.endsWith('+OK\r\n') === true;
});
const linked = replicas.map((address) => {
  const ask = asker(address);
  const isLinked = async () => {
    const info = await ask(
      (text) => /master_replid:/.test(text) || /-(LOADING|NOAUTH)/.test(text),
      'INFO',
      'replication',
    );
    return info?.includes(`master_host:${master}`) && info.includes('master_link_status:up');
  };
  return until(address, isLinked);
});
await Promise.all([writable, ...linked]);
const linkedAt = Math.max(...replicas.map((address) => seen[address] ?? Number.NaN));
console.log(JSON.stringify({ writableAt: seen.writableAt, linkedAt }));
process.exit(0);
