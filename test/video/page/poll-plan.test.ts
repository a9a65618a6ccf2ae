import type { VideoState } from '../../../video/contract';
import { planPoll, type PollState } from '../../../video/page/poll-plan';
import fc from '../../support/properties';

const states: readonly VideoState[] = ['queued', 'processing', 'ready', 'failed'];
const world = (all: readonly VideoState[], change: Partial<PollState> = {}): PollState => ({
  videos: all.map((state, i) => ({ id: `v${i}`, state })),
  told: new Set(),
  onScreen: new Set(),
  turn: 0,
  ...change,
});

describe('planPoll', () => {
  test('asks for what is not finished, and for a failed one only where it is seen', () => {
    const state = world(['queued', 'processing', 'ready', 'failed', 'failed'], { onScreen: new Set(['v2', 'v4']) });
    expect(planPoll(state)).toEqual(['v4', 'v0', 'v1']);
  });

  test('leaves out what the list has told', () => {
    expect(planPoll(world(['queued', 'queued'], { told: new Set(['v0']) }))).toEqual(['v1']);
  });

  test('never asks for more than it may, twice for one, or for a ready one; the unseen all get their turn', () => {
    const any = fc.array(fc.constantFrom(...states), { maxLength: 40 });
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 8 }), fc.func(fc.boolean()), (all, max, isSeen) => {
        const onScreen = new Set(all.flatMap((_, i) => (isSeen(i) ? [`v${i}`] : [])));
        const asked = new Set<string>();
        for (let turn = 0; turn < 40; turn++) {
          const ids = planPoll(world(all, { onScreen, turn }), max);
          expect(ids.length).toBeLessThanOrEqual(max);
          expect(new Set(ids).size).toBe(ids.length);
          ids.forEach((id) => asked.add(id));
        }
        const { videos } = world(all);
        const seen = videos.filter(({ id, state }) => onScreen.has(id) && state !== 'ready');
        const unfinished = videos.filter(({ state }) => state === 'queued' || state === 'processing');
        // Where the screen alone fills the request, it goes first.
        const due = seen.length >= max ? seen.slice(0, max) : [...seen, ...unfinished];
        expect(due.filter(({ id }) => !asked.has(id))).toEqual([]);
      }),
    );
  });
});
