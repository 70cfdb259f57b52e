import type { Knobs } from './knobs';

/** One thing Terra does or may do: what it imitates, where that is documented, and the knobs it turns. */
export type Scenario = {
  name: string;
  imitates: string;
  source: string;
  changes: Partial<Knobs>;
};
