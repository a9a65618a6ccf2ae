/** A local run that cannot start or go on, in one line: what, where, what to do. The command line prints it without a stack. */
export class LocalRunError extends Error {
  override name = 'LocalRunError';
}
