import fc from 'fast-check';

const { PROPERTY_SEED = '1', PROPERTY_RUNS = '1' } = process.env;

/** How many examples a property is tried with: `count`, or a multiple of it (`PROPERTY_RUNS`) in a hunt. */
export const runs = (count = 100): number => count * Number(PROPERTY_RUNS);

// The same examples in each run, so that a red one is about the change. `npm run test:hunt` draws others, and more of them.
fc.configureGlobal({
  numRuns: runs(),
  ...(PROPERTY_SEED !== 'random' && { seed: Number(PROPERTY_SEED) }),
});

/** One value or more, which a scenario takes in turn, from the start again when they are over. */
export const turns = <T>(values: fc.Arbitrary<T>, maxLength: number) => fc.array(values, { minLength: 1, maxLength });

export default fc;
