// relay.cjs DIRECTORY NAME=ADDRESS:PORT...: a unix socket DIRECTORY/NAME for each, and what connects to it talks to
// ADDRESS:PORT as seen from this process' network namespace. A unix socket is reached from every namespace; so a test
// outside speaks to the machines inside, while every packet stays there. Prints `ready` when all of them listen.
const net = require('node:net');
const { join } = require('node:path');

const [directory, ...targets] = process.argv.slice(2);
let waiting = targets.length;
for (const target of targets) {
  const [, name, host, port] = /^(.+?)=(.+):(\d+)$/.exec(target);
  const server = net.createServer((near) => {
    const far = net.connect({ host, port: Number(port), noDelay: true });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(join(directory, name), () => {
    waiting -= 1;
    if (waiting === 0) process.stdout.write('ready\n');
  });
}
