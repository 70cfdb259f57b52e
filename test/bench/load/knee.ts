import type { LoadStep } from './figures';

/** What a step must bring over the best before it to count as growth. */
const GROWTH = 1.1;

/** The last step that still brought a tenth more answers a second than any before it. */
export function kneeOf(steps: readonly LoadStep[]): LoadStep {
  const [first, ...rest] = steps;
  if (first === undefined) throw new Error('a load without steps has no knee');
  let knee = first;
  for (const step of rest) if (step.requestsPerSecond >= knee.requestsPerSecond * GROWTH) knee = step;
  return knee;
}
