import { createSequencer, encodeKey, hears } from '../../../local/edge/s3-events';
import fc from '../../support/properties';

describe('S3 events', () => {
  test('a key survives the way that consumers decode it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        const encoded = encodeKey(key);
        expect(encoded).toMatch(/^[A-Za-z0-9\-_.*+/%]*$/);
        expect(decodeURIComponent(encoded.replaceAll('+', ' '))).toBe(key);
      }),
    );
  });

  test('sequencers grow and keep their length, also when the clock stands still or goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 2 }), (times) => {
        let index = 0;
        const next = createSequencer(() => times[index++] ?? 0);
        const values = times.map(() => next());
        expect([...values].sort()).toEqual(values);
        expect(new Set(values).size).toBe(values.length);
        expect(new Set(values.map(({ length }) => length)).size).toBe(1);
      }),
    );
  });

  test.each([
    ['s3:ObjectCreated:*', 'ObjectCreated:Post', true],
    ['s3:ObjectCreated:Put', 'ObjectCreated:Post', false],
    ['s3:ObjectCreated:Put', 'ObjectCreated:Put', true],
    ['s3:ObjectRemoved:*', 'ObjectCreated:Put', false],
  ])('%s hears %s: %s', (type, eventName, heard) => {
    const notification = { id: '', events: [type], queueArn: '', prefix: 'in/', suffix: '.mp4' };
    const change = { eventName, bucket: 'b', key: 'in/a.mp4', principal: 'p' };
    expect(hears(notification, change)).toBe(heard);
    expect(hears(notification, { ...change, key: 'out/a.mp4' })).toBe(false);
    expect(hears(notification, { ...change, key: 'in/a.mov' })).toBe(false);
  });
});
