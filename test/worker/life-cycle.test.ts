import {
  type Action,
  HAND_BACK_MS,
  initialLifeCycle,
  type LifeCycleRules,
  lifeCycleSettled,
  type Observation,
  type Outcome,
  planLifeCycle,
} from '../../worker/life-cycle';
import fc, { runs } from '../support/properties';

const RULES: LifeCycleRules = {
  launchHookName: 'Up',
  terminateHookName: 'Down',
  terminateHookMs: 360_000,
  drainTimeoutMs: 300_000,
};
const QUIET: Observation = {
  rebalanceRecommended: false,
  handlerReady: true,
  polled: false,
  drained: false,
  stopRequested: false,
};
type Call = 'complete-launch' | 'complete-termination' | 'heartbeat';

/** A worker's life: every two seconds it sees what the test says, and the API answers as the test says. */
class Life {
  state = initialLifeCycle(0);
  nowMs = 0;
  seen: Observation = QUIET;
  readonly log: { readonly atMs: number; readonly action: Action }[] = [];
  answer: (call: Call) => Outcome = () => 'done';

  constructor(readonly rules: LifeCycleRules = RULES) {}

  see(change: Partial<Observation>): this {
    this.seen = { ...this.seen, ...change };
    return this;
  }

  live(forMs: number): this {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs && this.state.phase !== 'exited'; this.nowMs += 2_000) {
      // A Spot notice names a moment: it comes nearer.
      if (this.seen.spotInMs !== undefined) this.see({ spotInMs: this.seen.spotInMs - 2_000 });
      const { state, actions } = planLifeCycle(this.state, this.seen, this.nowMs, this.rules);
      this.state = state;
      for (const action of actions) {
        this.log.push({ atMs: this.nowMs, action });
        if (action.kind === 'heartbeat' || action.kind.startsWith('complete-')) {
          const call = action.kind as Call;
          this.state = lifeCycleSettled(this.state, call, this.answer(call), this.nowMs, this.rules);
        }
      }
    }
    return this;
  }

  get kinds(): string[] {
    return this.log.map(({ action }) => action.kind);
  }

  of<K extends Action['kind']>(kind: K): (Extract<Action, { kind: K }> & { atMs: number })[] {
    return this.log
      .filter(({ action }) => action.kind === kind)
      .map(({ atMs, action }) => ({ ...(action as Extract<Action, { kind: K }>), atMs }));
  }
}

const serving = (rules = RULES): Life => new Life(rules).see({ targetState: 'InService', polled: true }).live(10_000);

describe('planLifeCycle', () => {
  test('completes the launch hook after the first successful poll, not before', () => {
    const life = new Life().see({ targetState: 'InService' }).live(20_000);
    expect(life.kinds).toEqual(['start-consuming']);
    life.see({ polled: true }).live(20_000);
    expect(life.kinds).toEqual(['start-consuming', 'complete-launch']);
  });

  test('never starts, and never completes the launch hook, while the handler does not load', () => {
    expect(new Life().see({ targetState: 'InService', handlerReady: false }).live(600_000).kinds).toEqual([]);
  });

  test('tries the launch hook again while the group is not yet waiting, then believes that there is none', () => {
    const life = new Life().see({ targetState: 'InService', polled: true });
    life.answer = () => 'refused';
    life.live(3_600_000);
    expect(life.of('complete-launch').length).toBe(8);
  });

  test('drains on scale-in, completes the hook once drained, and exits', () => {
    const life = serving().see({ targetState: 'Terminated' }).live(60_000);
    expect(life.of('drain')).toMatchObject([{ reason: 'target state Terminated', budgetMs: 300_000 }]);
    expect(life.kinds).not.toContain('complete-termination');
    life.see({ drained: true }).live(60_000);
    expect(life.kinds.slice(-2)).toEqual(['complete-termination', 'exit']);
  });

  test.each(['Terminated', 'Warmed:Stopped'])(
    'drained under %s, it completes the hook although instance metadata is silent just then',
    (targetState) => {
      const life = serving().see({ targetState }).live(60_000).see({ targetState: undefined, drained: true });
      let failures = 1;
      life.answer = () => (failures-- > 0 ? 'failed' : 'done');
      life.live(60_000);
      expect(life.kinds.slice(-3)).toEqual(['complete-termination', 'complete-termination', 'exit']);
    },
  );

  test('sends heartbeats from half of the hook on, until the work is done', () => {
    const life = serving({ ...RULES, drainTimeoutMs: 3_600_000 })
      .see({ targetState: 'Terminated' })
      .live(1_000_000);
    const beats = life.of('heartbeat').map(({ atMs }) => atMs);
    expect(beats).toEqual([188_000, 368_000, 548_000, 728_000, 908_000]);
    expect(life.of('shorten-drain')).toEqual([]);
  });

  test('gives work back before the hook ends when heartbeats keep failing', () => {
    const life = serving({ ...RULES, drainTimeoutMs: 3_600_000 });
    life.answer = (call) => (call === 'heartbeat' ? 'failed' : 'done');
    life.see({ targetState: 'Terminated' }).live(360_000);
    const [cut] = life.of('shorten-drain');
    // The target was last seen to be InService at 8 s: the hook ends at 368 s at the earliest.
    expect((cut?.atMs ?? 0) + (cut?.budgetMs ?? 0)).toBeLessThanOrEqual(368_000 - HAND_BACK_MS);
    expect(life.of('heartbeat').length).toBeLessThan(12);
  });

  test('goes on as planned when the API is throttled only for a while', () => {
    const life = serving({ ...RULES, drainTimeoutMs: 3_600_000 });
    let refusals = 4;
    life.answer = (call) => (call === 'heartbeat' && refusals-- > 0 ? 'failed' : 'done');
    life.see({ targetState: 'Terminated' }).live(1_000_000);
    expect(life.of('shorten-drain')).toEqual([]);
  });

  test('sends a heartbeat at once when it does not know when the hook began', () => {
    const life = new Life().see({ targetState: undefined, polled: true }).live(14_000);
    expect(life.kinds).toContain('start-consuming');
    life.see({ targetState: 'Terminated' }).live(4_000);
    expect(life.kinds.slice(-2)).toEqual(['drain', 'heartbeat']);
  });

  test('never keeps work beyond the absolute end of the hook', () => {
    const rules = { ...RULES, terminateHookMs: 30_000, drainTimeoutMs: 170_000_000 };
    const life = serving(rules).see({ targetState: 'Terminated' });
    const [drain] = life.live(2_000).of('drain');
    expect(drain?.budgetMs).toBe(100 * 30_000 - HAND_BACK_MS - 2_000);
  });

  test('leaves within a Spot notice, and does not begin again under it', () => {
    const life = serving().see({ spotInMs: 120_000 }).live(2_000);
    expect(life.of('drain')).toMatchObject([{ reason: 'Spot interruption', budgetMs: 118_000 - HAND_BACK_MS }]);
    life.see({ drained: true }).live(10_000);
    expect(life.kinds.at(-1)).toBe('exit');
    const reborn = new Life().see({ targetState: 'InService', spotInMs: 60_000 }).live(30_000);
    expect(reborn.kinds).toEqual([]);
    expect(reborn.state.phase).toBe('parked');
  });

  test('shortens a drain under way when a Spot notice comes', () => {
    const life = serving().see({ targetState: 'Terminated' }).live(20_000).see({ spotInMs: 120_000 }).live(20_000);
    expect(life.of('shorten-drain')).toMatchObject([{ reason: 'Spot interruption', budgetMs: 118_000 - HAND_BACK_MS }]);
  });

  test('terminated while it boots: takes no work and lets the instance go at once', () => {
    const life = new Life().see({ targetState: 'Terminated', handlerReady: false }).live(20_000);
    expect(life.kinds).toEqual(['complete-termination']);
  });

  test('a warm instance completes the launch hook without a poll and waits; wanted, it passes the hook again', () => {
    const life = new Life().see({ targetState: 'Warmed:Stopped' }).live(20_000);
    expect(life.kinds).toEqual(['complete-launch']);
    life.log.length = 0;
    life.see({ targetState: 'InService' }).live(4_000).see({ polled: true }).live(4_000);
    expect(life.kinds).toEqual(['start-consuming', 'complete-launch']);
  });

  test('a parked instance stays parked while instance metadata is silent', () => {
    const life = new Life()
      .see({ targetState: 'Warmed:Running' })
      .live(4_000)
      .see({ targetState: undefined })
      .live(600_000);
    expect(life.kinds).not.toContain('start-consuming');
  });

  test('begins without instance metadata after ten seconds, and drains on SIGTERM all the same', () => {
    const life = new Life().live(8_000);
    expect(life.kinds).toEqual([]);
    life.live(4_000).see({ stopRequested: true }).live(4_000).see({ drained: true }).live(4_000);
    expect(life.kinds).toEqual(['start-consuming', 'drain', 'exit']);
  });

  test('stopped before it began: nothing to drain', () => {
    expect(new Life().see({ stopRequested: true }).live(10_000).kinds).toEqual(['exit']);
  });

  test('a stop while the hook is open still completes it', () => {
    const life = serving().see({ targetState: 'Terminated' }).live(4_000).see({ stopRequested: true, drained: true });
    life.answer = () => 'failed';
    life.live(10_000);
    expect(life.kinds.slice(-2)).toEqual(['complete-termination', 'exit']);
  });

  test('does not take the jitter of two clocks for less time', () => {
    const life = serving().see({ spotInMs: 120_000 }).live(2_000);
    life.see({ spotInMs: (life.seen.spotInMs ?? 0) - 500 }).live(10_000);
    expect(life.of('shorten-drain')).toEqual([]);
  });

  test('reports a rebalance recommendation once and works on', () => {
    const life = serving().see({ rebalanceRecommended: true }).live(60_000);
    expect(life.of('report-rebalance')).toHaveLength(1);
    expect(life.state.phase).toBe('serving');
  });

  test.each(['Standby', 'Detached'])(
    'stops working under target state %s, without completing a hook',
    (targetState) => {
      const life = serving().see({ targetState }).live(4_000).see({ drained: true }).live(4_000);
      expect(life.kinds.slice(-2)).toEqual(['drain', 'exit']);
      expect(life.kinds).not.toContain('complete-termination');
    },
  );

  test('whatever is seen: it starts and drains at most once, drains before it completes, and never after the exit', () => {
    const observation: fc.Arbitrary<Partial<Observation>> = fc.record(
      {
        targetState: fc.constantFrom('InService', 'Terminated', 'Warmed:Stopped', 'Standby', undefined),
        spotInMs: fc.option(fc.integer({ min: 0, max: 120_000 }), { nil: undefined }),
        handlerReady: fc.boolean(),
        polled: fc.boolean(),
        drained: fc.boolean(),
        stopRequested: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const outcome = fc.constantFrom<Outcome>('done', 'failed', 'refused');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(observation, outcome, fc.integer({ min: 1, max: 60 })), { maxLength: 25 }),
        (script) => {
          const life = new Life();
          for (const [change, result, steps] of script) {
            life.answer = () => result;
            life.see(change).live(steps * 2_000);
          }
          expect(life.of('start-consuming').length).toBeLessThanOrEqual(1);
          expect(life.of('drain').length).toBeLessThanOrEqual(1);
          expect(life.of('exit').length).toBeLessThanOrEqual(1);
          expect(life.of('drain').length).toBeLessThanOrEqual(life.of('start-consuming').length);
          if (life.of('exit').length > 0) expect(life.kinds.at(-1)).toBe('exit');
          for (const { budgetMs } of [...life.of('drain'), ...life.of('shorten-drain')]) {
            expect(budgetMs).toBeGreaterThanOrEqual(0);
            expect(budgetMs).toBeLessThanOrEqual(RULES.drainTimeoutMs);
          }
          const begun = life.kinds.indexOf('start-consuming');
          const completed = life.kinds.lastIndexOf('complete-termination');
          if (begun >= 0 && completed > begun) expect(life.kinds.indexOf('drain')).toBeGreaterThan(begun);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
