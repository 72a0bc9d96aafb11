/** One config file as text: what `startProblems` and the readers of the audit work on. Secrets are tokens, lines keep their numbers. */
export interface ConfigText {
  /** The path as it is shown: as given on the command line, or as it is on its host. */
  readonly file: string;
  readonly text: string;
}
