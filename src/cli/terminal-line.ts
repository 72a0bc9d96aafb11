/**
 * What becomes of a run when its terminal dies, in one sentence: the first line of a run. tmux and screen name themselves
 * in the environment (`TMUX`, `STY`); `isDetached`: it has no terminal.
 */
export function terminalLine(env: Readonly<Record<string, string | undefined>>, isDetached: boolean): string {
  if (isDetached) return 'This run needs no terminal: it goes on when the one that started it is gone.';
  if (env.TMUX)
    return 'This terminal is inside tmux: when the connection dies the run goes on; tmux attach shows it again.';
  if (env.STY)
    return 'This terminal is inside screen: when the connection dies the run goes on; screen -r shows it again.';
  return (
    'This terminal is not inside tmux or screen: when it dies the run ends after the action under way, and says on the ' +
    'fleet where it stopped. With --yes --detach it would go on.'
  );
}
