import { showRaw } from '../../redis/secrets.js';

/** A line of a config file that the server refused at its start. */
export interface ConfigError {
  readonly line: number;
  /** The directive's name; its values may be secrets. */
  readonly directive: string;
  readonly reason: string;
}

/** The last `Reading the configuration file, at line N`, the line and the reason behind it (config.c:loadServerConfigFromString); undefined when none is said. */
export function configErrorIn(text: string): ConfigError | undefined {
  const lines = text.split('\n').map(plain);
  const at = lines.findLastIndex((line) => /^Reading the configuration file, at line \d+$/.test(line));
  if (at < 0) return undefined;
  const line = Number(/(\d+)$/.exec(lines[at] ?? '')?.[1]);
  const directive = /^>>> '\s*([A-Za-z0-9_-]+)/.exec(lines[at + 1] ?? '')?.[1] ?? '';
  return { line, directive, reason: lines[at + 2] || 'no reason given' };
}

/** systemd's own lines about a unit that it starts and stops again and again. */
const noise = /^((Starting|Started|Stopping|Stopped|Failed to start) |\S+\.service: )/;

/** The last lines that say why a start failed, without secrets and without what is no plain text; at most `most`. */
export function lastWords(text: string, most = 6): readonly string[] {
  const lines = text
    .split('\n')
    .map(plain)
    .filter((line) => line !== '');
  const telling = lines.filter((line) => !noise.test(line));
  return (telling.length > 0 ? telling : lines).slice(-most).map(withoutSecret);
}

function withoutSecret(line: string): string {
  const quoted = /^(.*>>> ')(.*)('.*)$/.exec(line);
  if (!quoted) return line;
  const [, before = '', raw = '', after = ''] = quoted;
  return `${before}${showRaw(raw)}${after}`;
}

function plain(line: string): string {
  return line
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 400);
}
