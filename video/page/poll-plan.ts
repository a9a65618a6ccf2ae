import type { VideoState } from '../contract';

/** What the plan looks at. */
export interface PollState {
  /** Every video that the page knows, newest first. */
  readonly videos: readonly { readonly id: string; readonly state: VideoState }[];
  /** Those that the list of the newest has just told. */
  readonly told: ReadonlySet<string>;
  /** Those that a person sees now. */
  readonly onScreen: ReadonlySet<string>;
  /** How often was asked before: those that nobody sees take turns. */
  readonly turn: number;
}

/** Videos asked for by id at once. */
export const POLL_MAX = 60;

/**
 * The older videos to ask for, by id, since the list of the newest does not tell them: those on screen first, then those
 * that are not finished. A ready video never changes again; a failed one changes when its message is redriven.
 */
export function planPoll({ videos, told, onScreen, turn }: PollState, max = POLL_MAX): readonly string[] {
  const older = videos.filter(({ id, state }) => !told.has(id) && state !== 'ready');
  const seen = older.filter(({ id }) => onScreen.has(id)).slice(0, max);
  const unseen = older.filter(({ id, state }) => !onScreen.has(id) && state !== 'failed');
  const room = Math.min(max - seen.length, unseen.length);
  const first = unseen.length === 0 ? 0 : (turn * room) % unseen.length;
  const others = Array.from({ length: room }, (_, i) => unseen[(first + i) % unseen.length]);
  return [...seen, ...others].flatMap((video) => video?.id ?? []);
}
