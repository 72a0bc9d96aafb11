import type { Inventory, NodeEntry } from '../../model/inventory.js';
import type { RawFile, RawHost } from '../../model/raw-host.js';
import { mapSeen } from '../../model/seen.js';
import type { FilesFleet } from './fleets.js';

/** A host of the files as its own parts: one node with all that was found of it. */
interface Loose {
  readonly node: NodeEntry;
  readonly raw: RawHost;
  readonly shown: FilesFleet['shown'];
}

/**
 * The declared fleet with the files as what its nodes have: by host name or address and kind, by port where a host has
 * several of a kind. A declared node without a file was not asked; a file that belongs to no declared node stays in the
 * fleet that it was made out in.
 */
export function adopt(declared: Inventory, fleets: readonly FilesFleet[], at: string): readonly FilesFleet[] {
  const loose = fleets.flatMap(({ inventory, raws, shown }) =>
    inventory.hosts.flatMap((host) =>
      host.nodes.flatMap((node): Loose[] => {
        const raw = raws.find((one) => one.host === host.name);
        return raw === undefined ? [] : [{ node, raw, shown }];
      }),
    ),
  );
  const shown = new Map<string, string>();
  const taken = new Set<Loose>();
  const raws = declared.hosts.map((host): RawHost => {
    const parts = host.nodes.flatMap((node) => {
      const own = loose.find((one) => !taken.has(one) && belongs(one, node, host.nodes));
      if (own === undefined) return [];
      taken.add(own);
      return [partFor(node, own, shown)];
    });
    const [first] = parts;
    const base = first?.raw ?? unasked(host.name, at);
    return {
      ...base,
      host: host.name,
      address: host.address,
      files: parts.flatMap(({ files }) => files),
      answers: parts.flatMap(({ answers }) => answers),
      ...unitsOf(parts),
    };
  });
  const left = fleets.filter((fleet) => loose.some((one) => one.shown === fleet.shown && !taken.has(one)));
  return [{ inventory: declared, raws, shown }, ...left];
}

function belongs({ node: file }: Loose, node: NodeEntry, all: readonly NodeEntry[]): boolean {
  if (file.kind !== node.kind) return false;
  const several = all.filter(({ kind }) => kind === node.kind).length > 1;
  if (several && file.port !== node.port) return false;
  return file.host === node.host || file.host.split('/').includes(node.host) || file.address === node.address;
}

/** The files and answers of one node under its declared name. */
function partFor(node: NodeEntry, { node: file, raw, shown: was }: Loose, shown: Map<string, string>) {
  const named = <T extends { readonly node: string }>(one: T): T => ({ ...one, node: node.id });
  const files = raw.files.filter((one) => one.node === file.id);
  for (const one of files) {
    const path = was.get(`${file.id}\0${one.path}`);
    if (path !== undefined) shown.set(`${node.id}\0${one.path}`, path);
  }
  return {
    raw,
    files: files.map((one): RawFile => named(one)),
    answers: raw.answers.filter((one) => one.node === file.id).map(named),
    units:
      raw.units === undefined
        ? undefined
        : mapSeen(raw.units, (all) => all.filter((one) => one.node === file.id).map(named)),
  };
}

/** The units of the nodes of one host, as one reading. */
function unitsOf(parts: readonly { readonly units: RawHost['units'] | undefined }[]): Pick<RawHost, 'units'> {
  const seen = parts.flatMap(({ units }) => (units?.ok === true ? [units] : []));
  const [first] = seen;
  return first === undefined ? {} : { units: { ...first, value: seen.flatMap(({ value }) => value) } };
}

function unasked(host: string, at: string): RawHost {
  const from = { host, source: 'files' };
  const missing = { ok: false, why: 'not-asked', detail: 'no file of it was given', from, at } as const;
  return {
    host,
    address: '',
    at,
    elapsedMs: 0,
    reached: missing,
    clockOffsetMs: missing,
    diskFreeBytes: missing,
    processes: missing,
    files: [],
    answers: [],
  };
}
