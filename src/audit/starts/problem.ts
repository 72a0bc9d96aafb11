import type { ConfigText } from '../config-text.js';

/** A line that stops a server at its start, or that it would complain of once the lines before it are right. */
export interface StartProblem {
  readonly file: string;
  /** 1-based; 1 for what no single line is to blame for. */
  readonly line: number;
  /** 1-based, of the first word that is wrong. */
  readonly column: number;
  /** Id of a rule of class `will-not-start`. */
  readonly rule: string;
  /** What the server would print. */
  readonly says: string;
  /** What is wrong, for a person; holds no argument of the line. */
  readonly message: string;
  /** The nearest legal form: a line, or a directive's name. Never given for a line that may hold a secret. */
  readonly nearest?: string;
  /** The one of them that the server reports; it stops there. */
  readonly reported: boolean;
  /** True only where no other file is included: a line elsewhere may make this one right. */
  readonly dependsOnAll: boolean;
}

/** Everything that a server is given: what `startProblems` judges. */
export interface StartText {
  /** The main file first, then those that it may include. */
  readonly files: readonly ConfigText[];
  /** The options behind the config file, as lines; they are read last. */
  readonly commandLine?: ConfigText;
}

/** When a server looks: while it reads the lines, at their end, over the queued sentinel lines, or while it starts. */
export type Stage = 'reading' | 'read' | 'sentinel' | 'starting';

/** Why a line is refused. `word` is the index of the first word that is wrong (0 = the directive). */
export interface Refusal {
  readonly rule: string;
  readonly says: string;
  readonly word?: number;
  readonly stage?: Stage;
}
