import { SpareNodes } from '../../sim/spare-nodes';
import fc, { runs } from '../support/properties';

describe('SpareNodes', () => {
  test('pays a node until its release, and then it is gone', () => {
    const nodes = new SpareNodes(600);
    nodes.add(100);
    expect(nodes.paidSeconds(100, 300)).toBe(200);
    expect(nodes.count).toBe(1);
    expect(nodes.paidSeconds(300, 1_000)).toBe(400);
    expect(nodes.count).toBe(0);
    expect(nodes.take(1_000)).toBe(false);
  });

  test('gives the node that would stay longest to the next task', () => {
    const nodes = new SpareNodes(600);
    nodes.add(0);
    nodes.add(300);
    expect(nodes.take(400)).toBe(true);
    expect(nodes.paidSeconds(400, 2_000)).toBe(200);
  });

  test('gives no node whose time is over', () => {
    const nodes = new SpareNodes(600);
    nodes.add(0);
    expect(nodes.take(600)).toBe(false);
  });

  test('holds nothing where machines leave at once', () => {
    const nodes = new SpareNodes(0);
    nodes.add(5);
    expect(nodes.take(5)).toBe(false);
    expect(nodes.paidSeconds(5, 100)).toBe(0);
  });

  test('pays every node that nobody takes for its whole time, in whatever pieces it is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(500), { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(2_000), { maxLength: 20 }),
        fc.integer({ min: 1, max: 900 }),
        (added, asked, releaseSeconds) => {
          const nodes = new SpareNodes(releaseSeconds);
          const moments = [
            ...added.map((at) => ({ at, adds: true })),
            ...asked.map((at) => ({ at, adds: false })),
            { at: 5_000, adds: false },
          ].sort((a, b) => a.at - b.at);
          let [paid, last] = [0, 0];
          for (const { at, adds } of moments) {
            paid += nodes.paidSeconds(last, at);
            last = at;
            if (adds) nodes.add(at);
          }
          expect(paid).toBe(added.length * releaseSeconds);
        },
      ),
      { numRuns: runs(200) },
    );
  });
});
