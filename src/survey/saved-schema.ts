import { z } from 'zod';
import type { Inventory } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';

/** The schema of a saved survey's document. */
export const savedSchema = 'redis-runbook/raw-survey/1';

export interface SavedSurvey {
  readonly inventory: Inventory;
  readonly hosts: readonly RawHost[];
}

/** A saved survey whose every part has the shape that `interpret` relies on, or the first mistake and where it stands. */
export function readSavedSurvey(value: unknown): SavedSurvey | { readonly mistake: string } {
  const result = document.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    return {
      mistake: `is not a ${savedSchema}: ${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'wrong'}`,
    };
  }
  const { inventory, hosts } = result.data;
  // The schemas spell the types out; they differ only in `readonly` and in how absence is written.
  return { inventory: inventory as Inventory, hosts: hosts as RawHost[] };
}

const text = z.string();
const whole = z.number();
const from = z.object({ host: text, node: text.optional(), source: text });
const missing = z.object({
  ok: z.literal(false),
  why: z.enum(['absent', 'denied', 'timeout', 'refused', 'too-large', 'unparseable', 'not-asked']),
  detail: text,
  from,
  at: text,
});

function seen<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), value, from, at: text }), missing]);
}

const fileStat = z.object({
  sizeBytes: z.bigint(),
  mtimeMs: whole,
  ctimeMs: whole,
  mode: whole,
  uid: whole,
  gid: whole,
  device: z.bigint(),
  inode: z.bigint(),
  type: z.enum(['file', 'link', 'directory', 'other']),
});

const rawLine = z.object({ file: text, line: whole, text });
const base64 = text.regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is no base64');
const content = z.union([
  z.object({ text }),
  z.object({ head: base64, tail: base64 }),
  z.object({ matches: z.array(rawLine), tail: z.array(rawLine) }),
]);

const roles = [
  'redis.conf',
  'sentinel.conf',
  'include',
  'config-dir',
  'rdb',
  'aof-manifest',
  'aof',
  'log',
  'leftover',
  'hold',
  'lock',
  'left-out',
];
const rawFile = z.object({ node: text, role: z.enum(roles), path: text, stat: seen(fileStat), content: seen(content) });

const rawProcess = z.object({
  pid: whole,
  startedAtMs: whole,
  uid: whole,
  exe: text,
  title: text,
  cwd: text,
  listens: z.array(text),
});

const resp: z.ZodType<unknown> = z.lazy(() => z.union([text, z.null(), z.array(resp), z.object({ error: text })]));

const rawUnit = z.object({
  node: text,
  unit: text,
  manager: z.enum(['systemd', 'sysvinit']),
  properties: z.record(text, text),
});

const rawSystem = z.object({
  uname: text,
  init: z.enum(['systemd', 'sysvinit', 'other']),
  uid: whole,
  sudo: z.boolean().nullable(),
  sudoSays: text.optional(),
  programs: z.array(text),
});

const rawHost = z.object({
  host: text,
  address: text,
  at: z.iso.datetime(),
  elapsedMs: whole,
  reached: seen(z.literal(true)),
  clockOffsetMs: seen(whole),
  diskFreeBytes: seen(whole),
  processes: seen(z.array(rawProcess)),
  files: z.array(rawFile),
  answers: z.array(z.object({ node: text, command: text, answer: seen(resp) })),
  units: seen(z.array(rawUnit)).optional(),
  system: seen(rawSystem).optional(),
  servers: z.array(z.object({ path: text, says: text })).optional(),
});

const password = z.discriminatedUnion('from', [
  z.object({ from: z.literal('node') }),
  z.object({ from: z.literal('env'), name: text }),
  z.object({ from: z.literal('file'), path: text }),
  z.object({ from: z.literal('command'), argv: z.array(text) }),
  z.object({ from: z.literal('prompt') }),
]);

const node = z.object({
  kind: z.enum(['redis', 'sentinel']),
  id: text,
  host: text,
  address: text,
  port: whole,
  config: text,
  unit: text,
  start: z.array(text),
  group: text.optional(),
  password: password.optional(),
  user: text.optional(),
  tls: z
    .union([
      z.literal(false),
      z.object({
        ca: text.optional(),
        cert: text.optional(),
        key: text.optional(),
        serverName: text.optional(),
      }),
    ])
    .optional(),
  connectPort: whole.optional(),
  socket: text.optional(),
  direct: z.boolean().optional(),
});

const host = z.object({
  name: text,
  address: text,
  transport: z.enum(['local', 'ssh', 'openssh']),
  become: z.enum(['none', 'sudo']),
  service: z.enum(['auto', 'systemd', 'sysvinit', 'process']),
  state: text,
  nodes: z.array(node),
  line: whole,
});

const inventory = z.object({
  fleet: text,
  file: text,
  groups: z.array(text),
  hosts: z.array(host),
  password,
  ignore: z.array(z.object({ address: text, port: whole.optional(), reason: text })).optional(),
});

const document = z.object({ schema: z.literal(savedSchema), inventory, hosts: z.array(rawHost) });
