import { type Claim, ClaimLost } from '../claim.js';
import type { Script } from './run-as.js';
import type { Shell } from './sudo.js';

/**
 * What a script of a claimed host begins with: $1 lock file, $2 token, $3 what is said when it is not there. A regular
 * file is looked at, never a pipe; the shell reads it by itself, so that it costs no process.
 */
const CHECK = `claim=
[ ! -L "$1" ] && [ -f "$1" ] && { IFS= read -r claim < "$1" || :; }
case $claim in *"$2"*) ;; *) printf %s "$3" >&2; exit 69 ;; esac
claim=; shift 3
`;
const LOST = 69;

/** A shell whose scripts that may change something first see the token, on the host and in the same command. */
export function claimedShell(shell: Shell, claim: Claim): Shell {
  const mark = `redis-runbook-lock-${claim.token.slice(0, 8)}`;
  const checked = ({ script, args }: Script): Script => ({
    script: CHECK + script,
    args: [claim.path, claim.token, mark, ...args],
  });
  return {
    host: shell.host,
    rights: (signal) => shell.rights(signal),
    look: (script, options, signal) => shell.look(script, options, signal),
    open: (script, signal) => shell.open(script, signal),
    pour: async (script, signal) => {
      const stream = await shell.pour(checked(script), signal);
      const ended = stream.ended.then((end) => {
        if (end.status === LOST) throw new ClaimLost(shell.host, claim.path);
        return end;
      });
      ended.catch(() => undefined);
      return { ...stream, ended };
    },
    plain: (script, options, signal) => shell.plain(script, options, signal),
    close: () => shell.close(),
    exec: async (script, options, signal) => {
      const result = await shell.exec(checked(script), options, signal);
      if (result.status !== LOST || !new TextDecoder().decode(result.stderr).includes(mark)) return result;
      throw new ClaimLost(shell.host, claim.path);
    },
  };
}
