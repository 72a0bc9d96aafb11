import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { identitySchema, type ProcessIdentity } from '../hosts/process-identity.js';
import { saveInRun } from './run-directory.js';

/** Who asked for a run to be handed over, and to whom. */
export interface HandoverAsked {
  /** A user's name, or `user@machine`. */
  readonly to: string;
  /** `user@machine`; undefined where it was asked through a lock. */
  readonly by?: string | undefined;
  /** What he says to the next one. */
  readonly says?: string | undefined;
}

/** How a run under way learns that it is to be handed over: it ends between two actions, and its locks name the next one. */
export interface Handover {
  asked(): HandoverAsked | undefined;
  /** The first one counts. */
  ask(asked: HandoverAsked): void;
}

const FILE = 'handover.json';
const LOOK_EVERY_MS = 300;

const schema = z.object({
  to: z.string().min(1).max(100),
  by: z.string().max(200),
  says: z.string().max(1000).optional(),
  for: identitySchema,
});

/** Asks the process that carries a run out on this machine to hand it over; another process of the same run is not meant. */
export async function askForHandover(
  directory: string,
  { to, by, says }: HandoverAsked & { readonly by: string },
  meant: ProcessIdentity,
): Promise<void> {
  await saveInRun(directory, FILE, { to, by, ...(says === undefined ? {} : { says }), for: meant });
}

/** Watches a run's directory for a request that means this process, and takes it away. The caller ends the watch. */
export function watchForHandover(
  directory: string,
  me: ProcessIdentity,
  ask: (asked: HandoverAsked) => void,
): { end(): void } {
  const path = join(directory, FILE);
  let busy = false;
  const look = async () => {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    const asked = text === undefined ? undefined : requestIn(text);
    if (asked === undefined || asked.for.pid !== me.pid || asked.for.startTicks !== me.startTicks) return;
    await rm(path, { force: true }).catch(() => undefined);
    ask({ to: asked.to, by: asked.by, says: asked.says });
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look().finally(() => {
      busy = false;
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  return { end: () => clearInterval(timer) };
}

function requestIn(text: string): z.infer<typeof schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
