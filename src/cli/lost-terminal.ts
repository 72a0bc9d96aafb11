import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Whether an error that nobody caught only says that who read our output, or the terminal we asked on, is gone: no
 * mistake, and no reason to leave an action half done.
 */
export function isLostTerminal(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const calls = ['write', 'read', 'setRawMode'];
  return (code === 'EPIPE' || code === 'EIO') && syscall !== undefined && calls.includes(syscall);
}

/**
 * To be called right before the process exits. Node 20 restores the settings of its terminals at exit and aborts when
 * one has hung up (node.cc:ResetStdio), which would hide the exit status; a descriptor that was opened anew it leaves
 * alone.
 */
export function letGoOfTerminals(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (fstatSync(descriptor).isCharacterDevice() && !isatty(descriptor)) {
        closeSync(descriptor);
        openSync('/dev/null', 'r+');
      }
    } catch {
      // A descriptor that was closed before we started is nothing to let go of.
    }
  }
}
