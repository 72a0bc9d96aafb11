// What a client of a node feels while something is done to it.
import { createConnection } from 'node:net';

const EVERY_MS = 2;

/** Writes one key every two milliseconds while `work` runs; milliseconds of each answer: p50, p99, max, and how many. */
export async function latency(address, port, work) {
  const socket = createConnection({ host: address, port, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const took = [];
  const waiting = [];
  let over = false;
  socket.on('data', (chunk) => {
    const now = performance.now();
    // Every answer is +OK in five bytes.
    for (let n = chunk.length / 5; n >= 1; n -= 1) took.push(now - waiting.shift());
  });
  const writing = (async () => {
    for (let n = 0; !over; n += 1) {
      const key = `latency:${n % 1000}`;
      waiting.push(performance.now());
      socket.write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$5\r\nvalue\r\n`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  await work();
  over = true;
  await writing;
  while (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  socket.destroy();
  took.sort((a, b) => a - b);
  return {
    p50: took[took.length >> 1],
    p99: took[Math.floor(took.length * 0.99)],
    max: took.at(-1),
    count: took.length,
  };
}
