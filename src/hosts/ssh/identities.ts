import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { reasonOf } from '../reading.js';
import { type KeyFile, keySays, readKeyFile, readPublicKey } from './key-files.js';
import type { AskSecret } from './secrets.js';
import type { SshHop } from './target.js';

/** A key that may be offered, with who can sign for it. */
export interface Identity {
  readonly publicKey: Buffer;
  readonly says: string;
  readonly file?: KeyFile;
}

type Agent = InstanceType<typeof ssh2.BaseAgent>;

const AGENT_TIMEOUT_MS = 5000;

/** The keys of an agent; an agent that does not answer has none. */
function agentKeys(agent: Agent): Promise<readonly ParsedKey[]> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve([]), AGENT_TIMEOUT_MS);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      resolve(error ? [] : ((keys ?? []) as ParsedKey[]).filter((key) => typeof key === 'object' && 'type' in key));
    });
  });
}

/**
 * The keys to offer, in OpenSSH's order (sshconnect2.c:pubkey_prepare): configured keys that the agent holds, the
 * agent's other keys unless only configured ones are allowed, key files that the agent does not hold.
 */
async function identitiesOf(hop: SshHop, agent: Agent | undefined): Promise<readonly Identity[]> {
  const [inAgent, files] = await Promise.all([
    agent === undefined ? [] : agentKeys(agent),
    Promise.all(hop.identities.map(async (file) => ({ key: await readKeyFile(file), file }))),
  ]);
  const blobs = inAgent.map((key) => ({
    publicKey: key.getPublicSSH(),
    says: `the agent's key ${key.comment || key.type}`,
  }));
  const configured = await Promise.all(
    files.map(async ({ key, file }) => key?.publicKey ?? (await readPublicKey(file))),
  );
  const held = configured.flatMap((wanted) => blobs.find(({ publicKey }) => wanted?.equals(publicKey)) ?? []);
  const others = hop.identitiesOnly ? [] : blobs.filter((blob) => !held.includes(blob));
  const own = files.flatMap(({ key }) =>
    key === undefined || blobs.some(({ publicKey }) => publicKey.equals(key.publicKey))
      ? []
      : [{ publicKey: key.publicKey, says: keySays(key), file: key }],
  );
  return [...held, ...others, ...own];
}

/** Signs with key files itself, and asks the agent for its own keys; the passphrase is asked when the host wants the key. */
class IdentityAgent extends ssh2.BaseAgent {
  readonly #identities: readonly Identity[];
  readonly #agent: Agent | undefined;
  readonly #ask: AskSecret | undefined;
  readonly #signal: AbortSignal;

  constructor(
    identities: readonly Identity[],
    agent: Agent | undefined,
    ask: AskSecret | undefined,
    signal: AbortSignal,
  ) {
    super();
    this.#identities = identities;
    this.#agent = agent;
    this.#ask = ask;
    this.#signal = signal;
  }

  override getIdentities(done: (error?: Error | null, keys?: Buffer[]) => void): void {
    done(
      null,
      this.#identities.map(({ publicKey }) => publicKey),
    );
  }

  override sign(
    key: string | Buffer | ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const [settings, answer] = typeof options === 'function' ? [{}, options] : [options, done];
    const blob = typeof key === 'object' && 'getPublicSSH' in key ? key.getPublicSSH() : undefined;
    const identity = this.#identities.find(({ publicKey }) => blob !== undefined && publicKey.equals(blob));
    if (identity?.file === undefined) {
      this.#agent?.sign(key, data, settings, answer ?? (() => undefined));
      return;
    }
    this.#signWith(identity.file, data, settings).then(
      (signature) => answer?.(null, signature),
      (error: unknown) => answer?.(new Error(reasonOf(error))),
    );
  }

  async #signWith(file: KeyFile, data: Buffer, { hash }: SigningRequestOptions): Promise<Buffer> {
    const key = await file.open(this.#ask, this.#signal);
    if (key === undefined) throw new Error(`${keySays(file)} was not opened`);
    const signature: unknown = key.sign(data, hash);
    if (signature instanceof Error) throw signature;
    return signature as Buffer;
  }
}

/** The keys for one login as an agent of ssh2, and what they are, for messages; undefined when there is none. */
export async function identityAgent(
  hop: SshHop,
  ask: AskSecret | undefined,
  signal: AbortSignal,
): Promise<{ readonly agent: Agent; readonly says: readonly string[] } | undefined> {
  const outer = hop.agent === undefined ? undefined : ssh2.createAgent(hop.agent);
  const identities = await identitiesOf(hop, outer);
  if (identities.length === 0) return undefined;
  return { agent: new IdentityAgent(identities, outer, ask, signal), says: identities.map(({ says }) => says) };
}
