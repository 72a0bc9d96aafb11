import { RunbookError } from '../../errors.js';
import { codeOf } from '../../hosts/reading.js';

/**
 * What ended a backup, for a person. The reason of an ended signal wins over what it broke off; what a node, a host or a
 * disk said becomes `backup-failed`; a mistake of this program stays one.
 */
export function failureOf(error: unknown, node: string, signal: AbortSignal): unknown {
  if (signal.aborted) {
    if (signal.reason instanceof RunbookError) return signal.reason;
    return new RunbookError('stopped', `The backup of ${node} was stopped.`, {
      next: ['redis-runbook backup create'],
    });
  }
  if (error instanceof RunbookError || !isOfTheWorld(error)) return error;
  return new RunbookError('backup-failed', `The backup of ${node} was not made: ${wordsOf(error)}.`, {
    next: ['redis-runbook status', 'redis-runbook backup create'],
  });
}

/** A connection that broke while it only read leaves nothing in doubt. */
function wordsOf(error: Error): string {
  return error.message.replace(/: whether .* is not known\.?$/, '').replace(/\.$/, '');
}

/** Said by a node, a host, a connection or a disk. TypeError and the like are ours. */
function isOfTheWorld(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return (
    error.constructor === Error || codeOf(error) !== '' || ['ChannelLost', 'Unsure', 'AbortError'].includes(error.name)
  );
}
