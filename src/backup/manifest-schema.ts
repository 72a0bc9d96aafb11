import { z } from 'zod';
import { backupKinds } from '../model/backup.js';

const most = 18_446_744_073_709_551_615n;
/** A decimal string, as the codec writes a `bigint`; nothing above 2^64. */
const big = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/, { message: 'expected a decimal number as text' })
  .transform(BigInt)
  .refine((value) => value <= most, { message: 'expected a number below 2^64' });
const text = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u, { message: 'expected text without control characters' });
const instant = z.iso.datetime({ message: 'expected a time like 2026-11-23T03:14:07Z' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { message: 'expected 64 lower-case hex digits' });
const idSchema = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{4}$/, { message: 'expected four letters or digits' });
export const nameSchema = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:%-]*$/, { message: 'expected a name as fleet.yaml allows it' });

const keyspace = z.strictObject({ database: z.int().min(0).max(1_000_000), keys: big, expires: big });

const file = z.strictObject({
  path: z.string().min(1).max(600),
  role: z.enum(['rdb', 'aof', 'aof-base', 'aof-incr', 'aof-manifest', 'config', 'seen']),
  sizeBytes: big,
  sha256,
  from: text(4096).optional(),
  mode: z.int().min(0).max(0o7777).optional(),
  owner: text(64).optional(),
  sequence: z.int().min(0).optional(),
  compressed: z.strictObject({ how: z.enum(['zstd', 'gzip']), plainBytes: big, plainSha256: sha256 }).optional(),
});

const source = z.strictObject({
  host: nameSchema,
  node: nameSchema.or(text(300)),
  address: text(253),
  port: z.int().min(0).max(65535),
  role: z.enum(['master', 'replica']),
  runId: text(64),
  server: z.enum(['redis', 'valkey']),
  version: text(64),
  replicationId: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  offset: big.optional(),
});

/** manifest.json of this format: every key known, every text bounded. What it says of paths is judged apart. */
export const manifestSchema = z.strictObject({
  schema: z.literal('redis-runbook/backup-manifest/1'),
  tool: z.strictObject({ name: text(64), version: text(64) }),
  id: idSchema,
  fleet: nameSchema,
  group: nameSchema,
  kind: z.enum(backupKinds),
  engine: z.enum(['bgsave', 'replica-stream', 'aof-link', 'aof-copy']),
  reason: z.enum(['schedule', 'manual', 'before-restore', 'before-recovery', 'before-upgrade']),
  source,
  chosenBecause: text(2000),
  startedAt: instant,
  snapshotAt: instant,
  finishedAt: instant,
  keyspace: z.strictObject({ from: z.enum(['data', 'node']), databases: z.array(keyspace).max(100_000) }),
  modules: z.array(z.strictObject({ name: text(200), version: text(64), path: text(4096).optional() })).max(1000),
  files: z.array(file).min(1).max(10_000),
  leftOut: z.array(z.strictObject({ path: text(4096), why: text(500) })).max(10_000),
  tags: z.array(nameSchema).max(100),
  pinned: text(500).optional(),
  sentinel: z.strictObject({ master: text(300), quorum: z.int().min(0) }).optional(),
  cost: z
    .strictObject({
      forkMicros: big.optional(),
      copiedOnWriteBytes: big.optional(),
      snapshotMs: z.number().min(0).optional(),
    })
    .optional(),
});

/** One check record of this format. */
export const checkSchema = z.strictObject({
  schema: z.literal('redis-runbook/backup-check/1'),
  id: idSchema,
  manifestSha256: sha256,
  name: z.enum(['hashes', 'check-rdb', 'check-aof', 'drill']),
  at: instant,
  result: z.enum(['good', 'bad', 'unknown']),
  details: z.array(text(2000)).max(1000),
  durationMs: z.number().min(0),
  databases: z.array(keyspace).max(100_000).optional(),
  server: text(200).optional(),
});

/** last-try.json. */
export const trySchema = z.strictObject({
  schema: z.literal('redis-runbook/backup-try/1'),
  startedAt: instant,
  endedAt: instant.optional(),
  outcome: z.enum(['under-way', 'good', 'failed']),
  node: text(300).optional(),
  backup: idSchema.optional(),
  why: text(2000).optional(),
  sizeBytes: big.optional(),
});
