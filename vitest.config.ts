import { defineConfig } from 'vitest/config'

// Tests that start real programs (wireguard-go, Asterisk, Chromium, PostgreSQL) or that may: they get more time and fewer
// neighbours, because some of them measure what a phone would feel.
const live = ['test/live/**/*.test.ts', 'test/browser/**/*.test.ts', 'test/contracts/**/*.test.ts', 'test/**/*.live.test.ts']

export default defineConfig({
  test: {
    // Process-wide things (uid, umask, working folder, signals) are part of what is tested: worker threads share them.
    pool: 'forks',
    globals: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['node_modules/**', ...live],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'live',
          include: live,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // After the unit tests, and no more than two files at once: that is what two cores carry.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
