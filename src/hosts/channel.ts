import type { Duplex } from 'node:stream';

/** Limits of one command on a host. */
export interface ExecOptions {
  readonly timeoutMs: number;
  /** Most bytes of standard output, and of standard error (1 MiB at most), that are kept; above it the command is ended. */
  readonly limitBytes: number;
  /** What standard output must hold among its first `withinBytes`; else the command is ended there, as one over its limit. */
  readonly begins?: { readonly text: string; readonly withinBytes: number };
  /** What the command reads; ends after it. */
  readonly stdin?: Uint8Array;
  /** `stdin` is a short text that anybody may see: it may stand in the input of a shell. */
  readonly stdinIsPublic?: true;
}

export interface ExecResult {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly timedOut: boolean;
  /** The output went over `limitBytes` and is cut there. */
  readonly tooLarge: boolean;
}

/** A command under way whose input and output are streams, for files of any size in constant memory. */
export interface ExecStream {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Resolves when the command has ended; standard error is kept up to 64 KiB. */
  readonly ended: Promise<{ readonly status: number | null; readonly stderr: string }>;
  /** Gives every chunk of standard error from now on, beside what `ended` keeps. */
  onStderr(take: (chunk: Uint8Array) => void): void;
  kill(): void;
}

/** The connection was lost while a command was under way: whether it had its effect is not known. Look, never repeat. */
export class ChannelLost extends Error {
  override readonly name = 'ChannelLost';
}

/**
 * How commands and connections reach one machine: ssh2, the system's ssh, or (for tests) a shell on this machine. One
 * connection per host, kept for the whole run. `command` is one POSIX shell line, quoted by `shellLine`; nothing secret
 * may be in it (sudo and auditd log it), secrets go through standard input.
 */
export interface Channel {
  /** Name of the host, for messages. */
  readonly host: string;
  /** Runs one command to its end. Rejects with ChannelLost, or RunbookError `unreachable`, `auth`, `host-key` when there is no connection. */
  exec(command: string, options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  open(command: string, signal: AbortSignal): Promise<ExecStream>;
  /**
   * A TCP connection from the host to an address that it can reach (direct-tcpip); with `port` 0 to the unix socket at
   * the path `address` (direct-streamlocal). Rejects with the host's refusal, ForwardRefused.
   */
  forward(address: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /**
   * Whether a password (sudo's, Redis') may be sent through here: not to a machine whose host key was accepted a moment
   * ago, without a second yes. Left out where there is no host key.
   */
  mayHavePassword?(signal: AbortSignal): Promise<boolean>;
  /**
   * Calls `tell` whenever a command has to wait for another one's session; the answer says whether one does now. Left out
   * where none ever waits.
   */
  onCrowd?(tell: () => void): () => boolean;
  close(): Promise<void>;
}

/** Why no password goes to a host whose key is new, for a person. */
export const KEY_IS_NEW = 'no password was sent: the key of the machine was accepted only now';
