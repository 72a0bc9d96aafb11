// Loads the tests' own TypeScript (sshd, booted machines) into a script, through the transformer that vitest brings.
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

/** `load('test/live/own-sshd.ts')` resolves with the module; `close` must be called at the end. */
export async function typescript() {
  const server = await createViteServer({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  });
  return { load: (path) => server.ssrLoadModule(`/${path}`), close: () => server.close() };
}
