import { spawn } from 'node:child_process';

export interface Output {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** SIGKILL after that; 120 s when left out. */
  readonly timeoutMs?: number;
}

/** Runs an argument list to its end; rejects only when it cannot be started or takes too long. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { input = '', env = {}, timeoutMs = 120_000 } = options;
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${argv.join(' ')}: not done in ${timeoutMs} ms\n${Buffer.concat(err)}`));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that ends before it has read its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
    });
  });
}

/** Runs and returns standard output; rejects with standard error on any status but 0. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const output = await run(argv, options);
  if (output.status === 0) return output.stdout;
  throw new Error(`${argv.join(' ')}: status ${output.status}\n${output.stdout}${output.stderr}`);
}
