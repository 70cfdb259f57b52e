/** Why something could not be measured, in words for whoever started it. */
export class BenchError extends Error {}
