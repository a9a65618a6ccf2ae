/**
 * A signal that aborts with the first of `sources`, until `release` is called.
 *
 * `AbortSignal.any` leaves an entry on each source for as long as the source lives, which for the signal of a process is
 * one for each message.
 */
export function firstAbort(sources: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const release = new AbortController();
  for (const source of sources) {
    const follow = (): void => controller.abort(source.reason);
    if (source.aborted) follow();
    else source.addEventListener('abort', follow, { once: true, signal: release.signal });
  }
  return { signal: controller.signal, release: () => release.abort() };
}
