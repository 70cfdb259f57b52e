const usual = require('../../jest.config.cjs');

/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/browser/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/browser/need-chromium.ts',
  testTimeout: 45_000,
};
