// An RDB file of about the size asked for, made of bytes that no compression makes smaller.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

const VALUE_BYTES = 700;
const POOL_BYTES = 4 * 1024 * 1024;

/** Version 10, database 0, strings of 700 random bytes; without a checksum, as `rdbchecksum no` writes it. */
export function writeRdb(path, mib) {
  const file = openSync(path, 'wx');
  try {
    writeSync(file, Buffer.from('REDIS0010\xfe\x00', 'latin1'));
    let key = 0;
    for (let left = mib * 1024 * 1024; left > 0; ) {
      const parts = [];
      const pool = randomBytes(POOL_BYTES);
      for (let at = 0; at + VALUE_BYTES <= pool.length; at += VALUE_BYTES) {
        parts.push(entry(`key:${String(key).padStart(10, '0')}`, pool.subarray(at, at + VALUE_BYTES)));
        key += 1;
      }
      const bytes = Buffer.concat(parts);
      writeSync(file, bytes);
      left -= bytes.length;
    }
    writeSync(file, Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 0]));
  } finally {
    closeSync(file);
  }
}

/** Type string, a 6-bit length, the key, a 14-bit length, the value. */
function entry(key, value) {
  const long = [0x40 | (value.length >> 8), value.length & 0xff];
  return Buffer.concat([Buffer.from([0, key.length]), Buffer.from(key), Buffer.from(long), value]);
}
