/** What an answer to BGSAVE means for whoever waits for a snapshot of his own. */
export type BgsaveAnswer =
  | { readonly means: 'started' }
  /** Will be begun when the rewrite of the AOF has ended (BGSAVE SCHEDULE). */
  | { readonly means: 'scheduled' }
  /** A save or a rewrite is under way, or data is loaded: ask again when it has ended. */
  | { readonly means: 'busy'; readonly with: string }
  | { readonly means: 'refused'; readonly why: string };

/**
 * Reads the answer to BGSAVE, 2.8 to 8.0 and Valkey (rdb.c:bgsaveCommand). A bare `ERR` is what Redis says when fork(2)
 * failed: the reason is only in its log.
 */
export function readBgsaveAnswer(answer: string | { readonly error: string }): BgsaveAnswer {
  if (typeof answer === 'string') return /scheduled/i.test(answer) ? { means: 'scheduled' } : { means: 'started' };
  const { error } = answer;
  if (/save already in progress/i.test(error)) return { means: 'busy', with: 'a save of somebody else' };
  if (/rewriting in progress|child process is active/i.test(error))
    return { means: 'busy', with: 'a rewrite of the append-only file' };
  if (/^LOADING/.test(error)) return { means: 'busy', with: 'the load of its data' };
  if (/^BUSY/.test(error)) return { means: 'busy', with: 'a script' };
  if (/^ERR\s*$/.test(error))
    return { means: 'refused', why: 'it could not fork: too little memory, see vm.overcommit_memory and its log' };
  if (/unknown command/i.test(error))
    return { means: 'refused', why: 'it does not know BGSAVE: the command was renamed or taken away in its config' };
  return { means: 'refused', why: error };
}

/**
 * Why a snapshot that was begun did not come about, from INFO persistence afterwards; undefined when it did. `vanished`:
 * nothing says that it failed. A status that was `err` before says nothing of this save: one that a full sync ends leaves
 * it as it was (rdb.c:backgroundSaveDoneHandlerDisk, seen on 7.0.15).
 */
export function saveTrouble(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): 'failed' | 'vanished' | undefined {
  if (hasNewSave(before, after)) return undefined;
  const status = (info: ReadonlyMap<string, string>) => info.get('rdb_last_bgsave_status');
  return status(after) !== 'ok' && status(before) === 'ok' ? 'failed' : 'vanished';
}

/**
 * `rdb_saves` counts from 7.0 on. Before, only the time of the last save moves, in whole seconds: the caller waits until
 * that second is over before it asks for a save.
 */
function hasNewSave(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): boolean {
  if (after.get('rdb_last_bgsave_status') !== 'ok') return false;
  const field = after.has('rdb_saves') ? 'rdb_saves' : 'rdb_last_save_time';
  return Number(after.get(field)) > Number(before.get(field));
}
