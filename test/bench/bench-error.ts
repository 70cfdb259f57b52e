/** The reason for a failed measurement, for the operator. */
export class BenchError extends Error {}
