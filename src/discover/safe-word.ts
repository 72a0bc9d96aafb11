/** Whether a word may stand in fleet.yaml as a name, an address or a group: the same letters as its schema takes. */
export function isSafeWord(word: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._:%-]{0,252}$/.test(word);
}
