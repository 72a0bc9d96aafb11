import type { LogEvent } from '../model/formats.js';

/** One life of a process: from its start line to the next one. Times are the log's own clock. */
export interface Life {
  readonly startedMs?: number;
  readonly lastMs?: number;
  /** The last save (BGSAVE or at the stop) of this life. */
  readonly savedMs?: number;
  /** The life ended with an orderly exit. */
  readonly clean: boolean;
  /** The orderly exit wrote the data set to the RDB file: the file is what the memory was (server.c:finishShutdown). */
  readonly finalSave: boolean;
  /** The role letter of the exit line: M master, S replica. */
  readonly exitRole?: string;
}

/** The same while the log is walked. */
export interface LifeWalk {
  startedMs?: number;
  lastMs?: number;
  savedMs?: number;
  clean: boolean;
  finalSave: boolean;
  stopping: boolean;
  savedAtStop: boolean;
  exitRole?: string;
  /** The role letter of its last line that is the server's own. */
  role?: 'M' | 'S';
  /** A link was up in it, or a replica was served: there is a backlog from then on. */
  counts: boolean;
}

export function newLife(startedMs?: number): LifeWalk {
  const life = { clean: false, finalSave: false, stopping: false, savedAtStop: false, counts: false };
  return startedMs === undefined ? life : { ...life, startedMs };
}

/** A save by the server itself after a stop was asked for; a child's (`C`) is a BGSAVE and may be of an earlier moment. */
export function noteStop(life: LifeWalk, event: LogEvent): void {
  switch (event.kind) {
    case 'shutdown-requested':
      life.stopping = true;
      life.savedAtStop = false;
      return;
    case 'saved':
      if (event.at.localMs !== undefined) life.savedMs = event.at.localMs;
      if (life.stopping && event.at.role !== 'C') life.savedAtStop = true;
      return;
    case 'save-failed':
      life.savedAtStop = false;
      return;
    case 'exited':
      life.clean = true;
      life.finalSave = life.savedAtStop;
      if (event.at.role !== undefined) life.exitRole = event.at.role;
      return;
    default:
      return;
  }
}
