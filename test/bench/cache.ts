import { join } from 'node:path';

/** What the bench fetches and builds; ignored by git, safe to delete. */
export const cache = join(__dirname, '../../node_modules/.cache/terra-connect-bench');
