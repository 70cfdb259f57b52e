/** One line a function logged. */
export type FunctionLog = {
  readonly function: string;
  readonly level: string;
  readonly requestId?: string;
  /** What was logged: an object as it was given, or a text. */
  readonly message: unknown;
};

/** Reads a line of a function's output: the runtime's JSON where it is that, plain text where something else printed. */
export function readLogLine(title: string, line: string): FunctionLog {
  try {
    const { level, requestId, ...rest } = JSON.parse(line) as Record<string, unknown>;
    if (typeof level === 'string') {
      const message = Object.hasOwn(rest, 'errorType') ? rest : rest.message;
      return { function: title, level, message, ...(typeof requestId === 'string' && { requestId }) };
    }
  } catch {
    // Not JSON: a text.
  }
  return { function: title, level: 'INFO', message: line };
}
