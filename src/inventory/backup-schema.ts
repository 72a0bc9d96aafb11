import { z } from 'zod';

const count = z.union([z.int().min(0).max(100_000), z.literal('unlimited')]);
const span = z.string().regex(/^(?=.)(\d{1,4}y)?(\d{1,4}m)?(\d{1,5}d)?(\d{1,6}h)?$/, {
  message: 'a span as 2y5m7d3h (years, months, days, hours)',
});
const age = z
  .string()
  .regex(/^(?=.)(?!0+[dh]$)(\d{1,4}d)?(\d{1,5}h)?$/, { message: 'an age as 26h or 2d12h (days, hours)' });
const directory = z.string().regex(/^(\/|~\/)[^\p{Cc}\p{Cf}]*$/u, {
  message: 'a directory of this machine that begins with / or ~/',
});
const url = z
  .string()
  .max(2000)
  .regex(/^https?:\/\/[^\s\p{Cc}\p{Cf}@]+$/u, { message: 'an address that begins with https:// or http://' });
const tag = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:%-]{0,200}$/, { message: 'a tag of letters, digits and . _ : % -' });

const keep = z.strictObject({
  last: count.optional().describe('the newest so many'),
  hourly: count.optional().describe('of so many hours that have one, the newest'),
  daily: count.optional(),
  weekly: count.optional().describe('weeks begin on Monday'),
  monthly: count.optional(),
  yearly: count.optional(),
  within: span.optional().describe('everything so much older than the newest'),
  'within-hourly': span.optional(),
  'within-daily': span.optional(),
  'within-weekly': span.optional(),
  'within-monthly': span.optional(),
  'within-yearly': span.optional(),
  tags: z.array(tag).max(100).optional().describe('everything that has one of these tags'),
});

/** `backup:` of fleet.yaml. */
export const backupSchema = z.strictObject({
  repository: directory.optional().describe('where backups are kept'),
  keep: keep.optional().describe("what prune keeps of each group, in restic's words; rules are joined by or"),
  limit: age.optional().describe('how old the newest good backup of a group may be; left out: 26h'),
  trash: age.optional().describe('how long what was pruned can still be brought back; left out: 7d'),
  'time-zone': z
    .string()
    .refine(isTimeZone, { message: 'a time zone as UTC or Asia/Seoul' })
    .optional()
    .describe('where days, weeks and months begin; left out: UTC'),
  metrics: directory.optional().describe('directory of the textfile collector of node_exporter'),
  ping: z
    .union([
      url,
      z.strictObject({
        env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { message: 'the name of an environment variable' }),
      }),
      z.strictObject({ file: directory }),
    ])
    .optional()
    .describe('told of start, success and failure, as healthchecks.io wants it'),
});

export type BackupFileKeys = z.infer<typeof backupSchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
