import { createHash, randomBytes } from 'node:crypto';
import { appendFile, link, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangedUnderneath, type WritableHost } from '../../src/hosts/host.js';
import { openOpensshChannel } from '../../src/hosts/openssh/channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { openHashed } from '../../src/hosts/resumed.js';
import { openSshChannel } from '../../src/hosts/ssh/channel.js';
import { hostKeyVerifier } from '../../src/hosts/ssh/verifier.js';
import type { HostEntry } from '../../src/model/inventory.js';
import { type OwnSshd, OwnSshds } from '../live/own-sshd.js';

const own = new OwnSshds();
afterAll(() => own.end());

const never = new AbortController().signal;
const SIZE_BYTES = 24 * 1024 * 1024;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.each(['ssh', 'openssh'] as const)('a file that is streamed over %s', (transport) => {
  let sshd: OwnSshd;
  let host: WritableHost;
  let path: string;
  const content = randomBytes(SIZE_BYTES);

  beforeEach(async () => {
    sshd = await own.start();
    own.know(sshd);
    const target = await own.target(sshd);
    const tools = { verify: hostKeyVerifier({}), configFile: own.configFile };
    const channel = transport === 'ssh' ? openSshChannel(target, tools) : openOpensshChannel(target, tools);
    const entry = { name: 'pv1', address: sshd.address, become: 'none', service: 'auto', transport, nodes: [] };
    host = openRemoteHost({ ...entry, state: sshd.directory, line: 1 } as unknown as HostEntry, channel);
    path = join(sshd.directory, 'dump.rdb');
    await writeFile(path, content);
    return () => host.close();
  });

  /** Reads it, and at each of these bytes does something once. */
  async function read(at: ReadonlyMap<number, () => void | Promise<void>>): Promise<{ bytes: number; sha256: string }> {
    const stream = openHashed(host, path, never);
    const left = new Map(at);
    const copy = createHash('sha256');
    let bytes = 0;
    for await (const chunk of stream.chunks) {
      copy.update(chunk);
      bytes += chunk.length;
      for (const [limit, act] of left) {
        if (bytes < limit) continue;
        left.delete(limit);
        await act();
      }
    }
    const sum = stream.sha256();
    expect(copy.digest('hex')).toBe(sum);
    expect([...left.keys()]).toEqual([]);
    return { bytes, sha256: sum };
  }

  it('goes on after each loss of the connection from the byte where it ended', async () => {
    const cuts = new Map([1, SIZE_BYTES / 3, SIZE_BYTES / 2].map((at) => [at, () => sshd.cut()]));
    expect(await read(cuts)).toEqual({ bytes: SIZE_BYTES, sha256: sha256(content) });
    // One login for each cut and the first: nothing was begun anew beside.
    expect(sshd.log().match(/Accepted publickey/g)?.length).toBe(4);
  });

  it('goes on when only its times changed or it got a longer end: what has come is compared', async () => {
    const more = randomBytes(1000);
    const act = async () => {
      await link(path, `${path}.kept`);
      await appendFile(path, more);
      sshd.cut();
    };
    expect(await read(new Map([[SIZE_BYTES / 4, act]]))).toEqual({
      bytes: SIZE_BYTES + 1000,
      sha256: sha256(Buffer.concat([content, more])),
    });
    await rm(`${path}.kept`);
  });

  it('ends when another file has taken its place', async () => {
    const act = async () => {
      await writeFile(`${path}.new`, randomBytes(SIZE_BYTES));
      await rename(`${path}.new`, path);
      expect((await stat(path)).size).toBe(SIZE_BYTES);
      sshd.cut();
    };
    await expect(read(new Map([[SIZE_BYTES / 4, act]]))).rejects.toBeInstanceOf(ChangedUnderneath);
  });

  it('ends with the loss when the host does not come back', async () => {
    const stopped = read(new Map([[SIZE_BYTES / 4, () => sshd.stop()]]));
    await expect(stopped).rejects.toThrow(/pv1|connection/);
  }, 60_000);
});
