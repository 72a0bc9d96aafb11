import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const seeds = new URL('../fixtures/seeds/', import.meta.url).pathname;

/** A config of an article, `printed` as it stands there or `corrected`, with the lines that stop its server, as `LINE rule`. */
export interface SeedFile {
  readonly name: string;
  readonly kind: 'redis' | 'sentinel';
  readonly text: string;
  readonly expected: readonly string[];
}

/** By printed file, in the order in which 7.0 complains. The corrected ones and the rest start. */
const expectations: Readonly<Record<string, readonly string[]>> = {
  'article-1/printed/master.conf': ['6 inline-comment'],
  'article-1/printed/slave.conf': ['7 inline-comment', '6 inline-comment'],
  'article-1/printed/sentinel-recovered.conf': ['2 inline-comment', '6 inline-comment'],
  'article-1/printed/sentinel.conf': ['6 inline-comment', '8 inline-comment', '10 inline-comment'],
  'article-3/printed/slave.conf': ['1 inline-comment'],
  'article-3/printed/sentinel.conf': ['1 inline-comment'],
  'article-4/printed/master.conf': ['2 inline-comment'],
  'article-4/printed/sentinel-1.conf': ['7 placeholder-value', '7 sentinel-unknown-master-name'],
  'article-4/printed/sentinel-2.conf': ['7 placeholder-value', '7 sentinel-unknown-master-name'],
  'article-4/printed/sentinel-3.conf': ['7 placeholder-value', '7 sentinel-unknown-master-name'],
  'article-4/printed/slave.conf': ['8 placeholder-value', '11 placeholder-value'],
};

/** Every config of the articles. */
export function seedFiles(): readonly SeedFile[] {
  return readdirSync(seeds, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => ({
      name,
      kind: name.includes('sentinel') ? 'sentinel' : 'redis',
      text: readFileSync(join(seeds, name), 'utf8'),
      expected: expectations[name] ?? [],
    }));
}
