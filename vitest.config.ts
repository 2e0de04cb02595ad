// How the tests run. Every file gets its own process: tests start real servers, databases and git.
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// As the program itself does: what is compiled once is not compiled again by each process and thread of the run.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('node_modules/.cache/forgeguard', import.meta.url),
);

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // Many tests wait for clocks, networks and programs: one worker more than there are cores keeps all of them busy.
    maxWorkers: Math.min(6, availableParallelism() + 1),
    // One PostgreSQL for the whole run, and a watch over all its output for credentials of upstreams.
    globalSetup: ['test/support/leak-watch.ts', 'test/support/database.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/generated/**'],
    // What a test waits for comes at once where nothing else runs, and has time where much does.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // In CI a stray `test.only` must not make the rest disappear.
    allowOnly: !process.env['CI'],
    passWithNoTests: false,
  },
});
