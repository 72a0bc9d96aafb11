import type { Host, LookRequest } from '../hosts/host.js';
import { missedBy } from '../hosts/reading.js';
import type { HostEntry, Inventory } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { NotSeen } from '../model/seen.js';
import type { Survey } from '../model/survey.js';
import { interpret } from './interpret.js';

/**
 * Looks at all hosts at once and says what was seen. A host whose look throws or does not end within
 * `request.limits.lookTimeoutMs` becomes one that was not reached; nothing waits longer than that. Writes nothing.
 * Rejects only with the signal's reason when the signal ended.
 */
export async function surveyFleet(
  inventory: Inventory,
  hosts: readonly Host[],
  request: LookRequest,
  now: () => Date,
  signal: AbortSignal,
): Promise<{ readonly raw: RawHost[]; readonly survey: Survey }> {
  signal.throwIfAborted();
  const raw = await Promise.all(hosts.map((host) => lookAt(host, request, now, signal)));
  signal.throwIfAborted();
  return { raw, survey: interpret(inventory, raw) };
}

/** A host's own limit is a little shorter than ours, so that what it has seen by then is not thrown away. */
function ownRequest(request: LookRequest): LookRequest {
  const { lookTimeoutMs } = request.limits;
  const shorter = lookTimeoutMs - Math.min(250, Math.ceil(lookTimeoutMs / 10));
  return { ...request, limits: { ...request.limits, lookTimeoutMs: shorter } };
}

async function lookAt(host: Host, request: LookRequest, now: () => Date, signal: AbortSignal): Promise<RawHost> {
  const began = now();
  const own = new AbortController();
  const elapsed = () => now().getTime() - began.getTime();
  let end: (raw: RawHost) => void = () => undefined;
  const over = new Promise<RawHost>((resolve) => {
    end = resolve;
  });
  const give = (detail: string) => {
    own.abort();
    end(unreachedHost(host.entry, began, elapsed(), { why: 'timeout', detail }));
  };
  const stop = () => give('stopped');
  const timer = setTimeout(() => give(`no answer in ${request.limits.lookTimeoutMs} ms`), request.limits.lookTimeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([over, tried(host, request, began, elapsed, own.signal)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function tried(
  host: Host,
  request: LookRequest,
  began: Date,
  elapsed: () => number,
  signal: AbortSignal,
): Promise<RawHost> {
  try {
    return await host.look(ownRequest(request), signal);
  } catch (error) {
    return unreachedHost(host.entry, began, elapsed(), missedBy(error, { host: host.entry.name, source: 'look' }));
  }
}

/** What is known of a host that could not be looked at: nothing, and why. */
function unreachedHost(
  entry: Pick<HostEntry, 'name' | 'address'>,
  began: Date,
  elapsedMs: number,
  reason: Pick<NotSeen, 'why' | 'detail'>,
): RawHost {
  const at = began.toISOString();
  const missing: NotSeen = {
    ok: false,
    why: reason.why === 'absent' ? 'refused' : reason.why,
    detail: reason.detail,
    from: { host: entry.name, source: 'look' },
    at,
  };
  return {
    host: entry.name,
    address: entry.address,
    at,
    elapsedMs,
    reached: missing,
    clockOffsetMs: missing,
    diskFreeBytes: missing,
    processes: missing,
    files: [],
    answers: [],
  };
}
