// Runs in the operator's namespace while a fleet is stopped and started. Writes one key to the master again and again and
// says, as JSON, the longest time (milliseconds) between two writes that were accepted; goes on until its input is closed.
import { createConnection } from 'node:net';

const { password, address, port } = JSON.parse(process.argv[2] ?? '');
const POLL_MS = 20;
const words = (...all) =>
  `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

let over = false;
const ended = new Promise((resolve) => {
  process.stdin.on('end', () => {
    over = true;
    resolve(false);
  });
});
process.stdin.resume();

/** One write on a connection of its own or the one that is kept; a paused one is answered when the pause ends. */
let socket;
function write() {
  return new Promise((resolve) => {
    if (socket === undefined) {
      socket = createConnection({ host: address, port, noDelay: true });
      socket.on('error', () => undefined);
      socket.write(words('AUTH', password));
    }
    const own = socket;
    let text = '';
    const done = (accepted) => {
      own.removeAllListeners('data');
      own.removeAllListeners('close');
      if (!accepted) {
        own.destroy();
        socket = undefined;
      }
      resolve(accepted);
    };
    own.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (/:\d+\r\n$/.test(text)) done(true);
      else if (/-[A-Z]+ [^\r\n]*\r\n$/.test(text)) done(false);
    });
    own.on('close', () => done(false));
    own.write(words('INCR', 'bench-probe'));
  });
}

let last;
let longest = 0;
while (!over) {
  const accepted = await Promise.race([write(), ended]);
  const now = performance.now();
  if (accepted) {
    if (last !== undefined) longest = Math.max(longest, now - last);
    last = now;
  }
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
console.log(JSON.stringify({ longestMs: Math.round(longest) }));
process.exit(0);
