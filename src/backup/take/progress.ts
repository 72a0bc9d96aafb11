const TELL_EVERY_MS = 10_000;

/** A line every ten seconds: how much of a large file has arrived; `ofBytes` undefined where nobody knows how much will. */
export function progress(
  path: string,
  ofBytes: bigint | undefined,
  tell: (line: string) => void,
): (bytes: number) => void {
  let arrived = 0n;
  let told = performance.now();
  return (bytes) => {
    arrived += BigInt(bytes);
    if (performance.now() - told < TELL_EVERY_MS) return;
    told = performance.now();
    tell(
      ofBytes === undefined || ofBytes === 0n
        ? `${path}: ${arrived} bytes`
        : `${path}: ${(arrived * 100n) / ofBytes} % of ${ofBytes} bytes`,
    );
  };
}
