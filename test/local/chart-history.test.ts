import { ChartHistory } from '../../local/chart-history';
import type { LocalState } from '../../local/panel-api';
import { ManualClock } from '../support/manual-clock';

describe('ChartHistory', () => {
  const setUp = () => {
    const clock = new ManualClock();
    const state = (): LocalState =>
      ({
        clock: { elapsedSeconds: clock.now() / 1000 },
        queues: [],
        alarms: [],
        group: { inService: 1, desired: 2 },
      }) as unknown as LocalState;
    return { clock, history: new ChartHistory(clock, state) };
  };

  test('remembers two moments a second, for ten minutes', async () => {
    const { clock, history } = setUp();
    await clock.advance(1_000);
    expect(history.samples).toMatchObject([
      { elapsedSeconds: 0.5, inService: 1, desired: 2 },
      { elapsedSeconds: 1, inService: 1, desired: 2 },
    ]);
    await clock.advance(700_000);
    expect(history.samples).toHaveLength(1_200);
    expect(history.samples.at(-1)?.elapsedSeconds).toBe(701);
  });

  test('leaves no timer behind', () => {
    const { clock, history } = setUp();
    history.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
