/** An error that stops the start. Its message is printed without a stack trace. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
