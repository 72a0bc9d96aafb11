import type { Diagnosis } from '../model/diagnosis.js';
import { printable } from './escape.js';
import { grouped } from './quantities.js';

/** Ports, process ids, times, versions and parts of names are no counts. */
const longNumber = /(?<![\w:.\-/]|\bport |\bpid )\d{5,}(?![\w:/-]|\.\d)/g;

/**
 * A sentence of the diagnosis as screens show it: printable, long numbers in groups of three, and each replication
 * history by its letter where the sentence names it by its id or the first eight digits of it.
 */
export function said(text: string, diagnosis: Diagnosis): string {
  return diagnosis.lineage.histories
    .reduce((shown, { replid, letter }) => named(shown, replid, letter), printable(text))
    .replace(longNumber, grouped);
}

function named(text: string, replid: string, letter: string): string {
  if (!/^[0-9a-f]{40}$/.test(replid)) return text;
  return text.replace(new RegExp(`\\b${replid.slice(0, 8)}(?:${replid.slice(8)})?\\b`, 'g'), letter);
}
