import { initialProtection, planProtection, PROTECTION_RULES, protectionSettled } from '../../worker/protection';
import fc, { runs } from '../support/properties';

/** Runs `steps` of (how long, how many running) through the planner with an API that does as `succeeds` says. */
function simulate(steps: readonly { forMs: number; running: number }[], succeeds: () => boolean = () => true) {
  let state = initialProtection(0);
  let nowMs = 0;
  const requests: { atMs: number; request: boolean; ok: boolean }[] = [];
  for (const { forMs, running } of steps) {
    for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 500) {
      const plan = planProtection(state, running, nowMs);
      state = plan.state;
      if (plan.request === undefined) continue;
      const ok = succeeds();
      requests.push({ atMs: nowMs, request: plan.request, ok });
      state = protectionSettled(state, plan.request, ok, nowMs);
    }
  }
  return { state, requests };
}

describe('planProtection', () => {
  test('asks once for a busy edge that lasts, and once for the idle edge after it', () => {
    const { requests } = simulate([
      { forMs: 60_000, running: 3 },
      { forMs: 60_000, running: 0 },
    ]);
    expect(requests.map(({ request }) => request)).toEqual([true, false]);
    expect(requests[0]?.atMs).toBe(PROTECTION_RULES.busyForMs);
    expect(requests[1]?.atMs).toBe(60_000 + PROTECTION_RULES.idleForMs);
  });

  test('does not ask for each of many short jobs', () => {
    const steps = Array.from({ length: 200 }, (_, i) => ({ forMs: 1_000, running: i % 2 }));
    expect(simulate(steps).requests).toEqual([]);
  });

  test('takes a protection back that an earlier process may have left', () => {
    expect(simulate([{ forMs: 30_000, running: 0 }]).requests.map(({ request }) => request)).toEqual([false]);
  });

  test('backs off while the API refuses, and drops a request that is no longer wanted', () => {
    const { requests } = simulate(
      [
        { forMs: 120_000, running: 1 },
        { forMs: 5_000, running: 0 },
      ],
      () => false,
    );
    expect(requests.length).toBeLessThanOrEqual(6);
    expect(requests.every(({ request }) => request)).toBe(true);
  });

  test('keeps the rate limit and ends in agreement with the load, whatever happens', () => {
    const step = fc.record({ forMs: fc.integer({ min: 1, max: 20 }).map((n) => n * 1_000), running: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(fc.boolean(), { maxLength: 20 }), (steps, outcomes) => {
        const pending = [...outcomes];
        const { state, requests } = simulate(
          [...steps, { forMs: 1_500_000, running: 1 }],
          () => pending.shift() ?? true,
        );
        requests.forEach(({ atMs }, i) => {
          const before = requests[i - 1];
          if (before) expect(atMs - before.atMs).toBeGreaterThanOrEqual(PROTECTION_RULES.minIntervalMs);
        });
        expect(state.protected).toBe(true);
      }),
      { numRuns: runs(50) },
    );
  });
});
