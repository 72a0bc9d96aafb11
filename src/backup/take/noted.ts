import { z } from 'zod';
import type { BackupManifest } from '../../model/backup.js';
import { fromJson } from '../../model/json.js';
import type { Held } from './held-files.js';

/** What a backup keeps beside its parts so that a later run can go on with it: all that was decided before the first byte was sent. */
export interface Noted {
  readonly node: string;
  readonly held: Held;
  readonly manifest: Pick<
    BackupManifest,
    | 'engine'
    | 'source'
    | 'chosenBecause'
    | 'startedAt'
    | 'snapshotAt'
    | 'reason'
    | 'tags'
    | 'modules'
    | 'sentinel'
    | 'cost'
  >;
  /** Key counts of the node when the files were held; the data's own count is better where it can be had. */
  readonly nodeKeyspace: BackupManifest['keyspace']['databases'];
}

/** The codec turns the fields that it knows into `bigint`; the others are still decimal text. */
const big = z.union([z.bigint(), z.string().regex(/^\d{1,20}$/)]).transform(BigInt);
const keyspace = z.object({ database: z.number(), keys: big, expires: big });
const held = z.object({
  directory: z.string().regex(/^\/.*\/\.redis-runbook-backup-[0-9A-Z]{4}$/),
  files: z.array(
    z.object({
      path: z.string(),
      role: z.enum(['rdb', 'aof', 'aof-base', 'aof-incr', 'aof-manifest', 'config', 'seen']),
      from: z.string(),
      held: z.string(),
      how: z.enum(['link', 'reflink', 'copy']),
      sizeBytes: big,
      sha256: z.string().optional(),
      mode: z.number(),
      owner: z.string(),
      sequence: z.number().optional(),
    }),
  ),
});

/** The whole of it is judged once more when the manifest is sealed; here only what the run itself walks on. */
const noted = z.object({
  schema: z.literal('redis-runbook/backup-note/1'),
  node: z.string(),
  held,
  nodeKeyspace: z.array(keyspace),
  manifest: z.object({
    engine: z.enum(['bgsave', 'replica-stream', 'aof-link', 'aof-copy']),
    source: z.looseObject({ node: z.string(), runId: z.string(), offset: big.optional() }),
    startedAt: z.string(),
    snapshotAt: z.string(),
    tags: z.array(z.string()),
    modules: z.array(z.unknown()),
    chosenBecause: z.string(),
    reason: z.string(),
    sentinel: z.unknown().optional(),
    cost: z.looseObject({ copiedOnWriteBytes: big.optional(), forkMicros: big.optional() }).optional(),
  }),
});

/** As `BackupWriter.note` takes it. */
export function noteOf(value: Noted): unknown {
  return { schema: 'redis-runbook/backup-note/1', ...value };
}

/** The note of an earlier try; undefined when there is none or it is not ours. */
export function readNoted(value: unknown): Noted | undefined {
  if (value === undefined) return undefined;
  const parsed = noted.safeParse(fromJson(JSON.stringify(value)));
  return parsed.success ? (parsed.data as unknown as Noted) : undefined;
}
