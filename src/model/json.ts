/**
 * The one JSON codec: `bigint` as a decimal string, everything else as JSON has it. Readers turn the decimal strings
 * of known fields back themselves (see `bigintFields`).
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item), indent);
}

/**
 * Parses JSON that `toJson` wrote. Fields whose name is in `bigintFields` and whose value is a string of decimal
 * digits become `bigint` again. Throws SyntaxError on malformed text.
 */
export function fromJson(text: string): unknown {
  return JSON.parse(text, (key, item) =>
    bigintFields.has(key) && typeof item === 'string' && /^-?\d+$/.test(item) ? BigInt(item) : item,
  );
}

/** Names of the fields that hold a `bigint`, wherever they stand. A new bigint field of the model is added here. */
const bigintFields: ReadonlySet<string> = new Set([
  'offset',
  'secondOffset',
  'requestOffset',
  'cut',
  'sizeBytes',
  'inode',
  'device',
  'configEpoch',
  'currentEpoch',
  'leaderEpoch',
  'epoch',
  'highestEpoch',
  'nextEpoch',
  'lagBytes',
  'ownBytes',
  'otherBytes',
  'backlogFirstOffset',
  'backlogLengthBytes',
  'appliedOffset',
  'keys',
  'expires',
  'wouldLoadKeys',
  'expectedKeys',
  'lengthBytes',
  'freeBytes',
  'writeCalls',
  'writes',
  'rest',
  'same',
  'expired',
  'tooLarge',
]);
