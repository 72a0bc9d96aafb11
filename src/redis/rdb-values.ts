/**
 * The grammar of an RDB file as data (rdb.c: rdbSaveObject, rdbLoadObject, rdbLoadRioWithLoadingCtx; versions 6 to 12).
 * A length is the 1, 2, 5 or 9 byte encoding of rdb.c:rdbSaveLen.
 */

/**
 * - `string`: a length and that many bytes, an integer, or an LZF-compressed string;
 * - `length`: one length;
 * - `float-text`: the score of the oldest sorted sets, a length byte and text;
 * - `module-values`: what a module wrote, until its end mark;
 * - `raw`: that many bytes;
 * - `each`: a length, then the shapes that many times.
 */
export type Shape =
  | 'string'
  | 'length'
  | 'float-text'
  | 'module-values'
  | { readonly raw: number }
  | { readonly each: readonly Shape[] };

const rawDouble: Shape = { raw: 8 };
const rawMilliseconds: Shape = { raw: 8 };
const streamId: readonly Shape[] = ['length', 'length'];

function stream(version: 1 | 2 | 3): readonly Shape[] {
  const pending: Shape = { each: [{ raw: 16 }, rawMilliseconds, 'length'] };
  const owned: Shape = { each: [{ raw: 16 }] };
  const consumerTimes: readonly Shape[] = version === 3 ? [rawMilliseconds, rawMilliseconds] : [rawMilliseconds];
  const firstDeletedAdded: readonly Shape[] = version === 1 ? [] : [...streamId, ...streamId, 'length'];
  const entriesRead: readonly Shape[] = version === 1 ? [] : ['length'];
  return [
    { each: ['string', 'string'] },
    'length',
    ...streamId,
    ...firstDeletedAdded,
    { each: ['string', ...streamId, ...entriesRead, pending, { each: ['string', ...consumerTimes, owned] }] },
  ];
}

const oneString: readonly Shape[] = ['string'];
const strings: readonly Shape[] = [{ each: ['string'] }];

/** What follows the key, by value type (rdb.h: RDB_TYPE_*). Type 6 is missing: only its module knows where it ends. */
export const valueShapes: ReadonlyMap<number, readonly Shape[]> = new Map([
  [0, oneString],
  [1, strings], // list
  [2, strings], // set
  [3, [{ each: ['string', 'float-text'] }]], // sorted set
  [4, [{ each: ['string', 'string'] }]], // hash
  [5, [{ each: ['string', rawDouble] }]], // sorted set 2
  [7, ['length', 'module-values']],
  [9, oneString], // zipmap
  [10, oneString], // list as ziplist
  [11, oneString], // intset
  [12, oneString], // sorted set as ziplist
  [13, oneString], // hash as ziplist
  [14, strings], // quicklist of ziplists
  [15, stream(1)],
  [16, oneString], // hash as listpack
  [17, oneString], // sorted set as listpack
  [18, [{ each: ['length', 'string'] }]], // quicklist 2
  [19, stream(2)],
  [20, oneString], // set as listpack
  [21, stream(3)],
  [22, [{ each: ['length', 'string', 'string'] }]], // hash with field TTLs, before 7.4 GA
  [23, oneString], // the same as listpack
  [24, [rawMilliseconds, { each: ['length', 'string', 'string'] }]], // hash with field TTLs
  [25, [rawMilliseconds, 'string']], // the same as listpack
]);

export const opcode = {
  slotInfo: 0xf4,
  function2: 0xf5,
  functionBeforeGa: 0xf6,
  moduleAux: 0xf7,
  idle: 0xf8,
  freq: 0xf9,
  aux: 0xfa,
  resizeDb: 0xfb,
  expireMilliseconds: 0xfc,
  expireSeconds: 0xfd,
  selectDb: 0xfe,
  eof: 0xff,
} as const;

/** What follows an opcode (rdb.h: RDB_OPCODE_*), but for the end of file. */
export const opcodeShapes: ReadonlyMap<number, readonly Shape[]> = new Map<number, readonly Shape[]>([
  [opcode.slotInfo, ['length', 'length', 'length']],
  [opcode.function2, ['string']],
  [opcode.functionBeforeGa, ['string', 'string', { each: ['string'] }, 'string']],
  [opcode.moduleAux, ['length', 'length', 'length', 'module-values']],
  [opcode.idle, ['length']],
  [opcode.freq, [{ raw: 1 }]],
  [opcode.aux, ['string', 'string']],
  [opcode.resizeDb, ['length', 'length']],
  [opcode.expireMilliseconds, [{ raw: 8 }]],
  [opcode.expireSeconds, [{ raw: 4 }]],
  [opcode.selectDb, ['length']],
]);

/** Shapes behind the mark of one module value (rdb.h: RDB_MODULE_OPCODE_*); 0 ends them. */
export const moduleShapes: readonly (readonly Shape[])[] = [
  [],
  ['length'],
  ['length'],
  [{ raw: 4 }],
  [{ raw: 8 }],
  ['string'],
];
