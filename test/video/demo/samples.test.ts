import { drawNumber, planMoreSamples, planSamples } from '../../../video/demo/samples';

describe('samples', () => {
  test('twelve clips, one of them broken, each with its own number and name', () => {
    const samples = planSamples(12);
    expect(samples.filter(({ broken }) => broken).map(({ number }) => number)).toEqual([7]);
    expect(new Set(samples.map(({ name }) => name)).size).toBe(12);
    expect(samples.some(({ name }) => /[+%].*\p{Extended_Pictographic}/u.test(name))).toBe(true);
  });

  test('a hundred clips repeat the pictures under new names', () => {
    const samples = planSamples(100);
    expect(new Set(samples.map(({ name }) => name)).size).toBe(100);
    expect(samples.filter(({ broken }) => broken)).toHaveLength(8);
  });

  test('more clips are whole and go on counting', () => {
    const more = planMoreSamples(12, 8);
    expect(more.map(({ number }) => number)).toEqual([13, 14, 15, 16, 17, 18, 20, 21]);
    expect(more.some(({ broken }) => broken)).toBe(false);
  });

  test('a number is drawn of boxes: a plate and the segments of each digit', () => {
    expect(drawNumber(8).split(',')).toHaveLength(1 + 6 + 7);
    expect(drawNumber(11).split(',')).toHaveLength(1 + 2 + 2);
  });
});
