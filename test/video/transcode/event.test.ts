import { PermanentError } from '../../../messaging';
import { sourceKey, videoId } from '../../../video/contract';
import { decodeKey, parseUploadEvent } from '../../../video/transcode/event';
import fc, { runs } from '../../support/properties';

const ID = videoId(1_700_000_000_000, 'a1b2c3d4e5f6');
const record = (key: string, bucket = 'uploads', eventName = 'ObjectCreated:Post'): object => ({
  eventSource: 'aws:s3',
  eventName,
  s3: { bucket: { name: bucket }, object: { key, size: 1 } },
});
const event = (...records: object[]): string => JSON.stringify({ Records: records });

const NOTHING = { uploads: [], refused: [] };

/** S3's own encoding: as in a form, a space is a plus. */
const encodeAsS3 = (key: string): string => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

describe('parseUploadEvent', () => {
  test('names the upload of each record', () => {
    const other = videoId(1_700_000_000_001, 'ffffffffffff');
    expect(parseUploadEvent(event(record(sourceKey(ID)), record(sourceKey(other))), 'uploads')).toEqual({
      uploads: [
        { id: ID, key: sourceKey(ID) },
        { id: other, key: sourceKey(other) },
      ],
      refused: [],
    });
  });

  test('ignores the test event and events that create nothing', () => {
    expect(parseUploadEvent(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }), 'uploads')).toEqual(
      NOTHING,
    );
    expect(parseUploadEvent(event(record(sourceKey(ID), 'uploads', 'ObjectRemoved:Delete')), 'uploads')).toEqual(
      NOTHING,
    );
  });

  test('takes the short form of a direct producer', () => {
    expect(parseUploadEvent(JSON.stringify({ id: ID }), 'uploads')).toEqual({
      uploads: [{ id: ID, key: sourceKey(ID) }],
      refused: [],
    });
  });

  test.each([
    ['text', 'hello'],
    ['an array', '[]'],
    ['null', 'null'],
    ['no records', '{}'],
    ['an id that is a path', JSON.stringify({ id: '../../etc/passwd' })],
  ])('fails for good when the message is %s', (_what, body) => {
    expect(() => parseUploadEvent(body, 'uploads')).toThrow(PermanentError);
  });

  test.each([
    ['no key', { s3: { bucket: { name: 'uploads' } } }],
    ['another bucket', record(sourceKey(ID), 'other')],
    ['a key outside incoming/', record(`${ID}/status.json`)],
    ['a key with a path trick', record('incoming/../secret/source')],
    ['a key that is not URL-encoded', record('incoming/%zz/source')],
  ])('refuses a record with %s, but not the uploads beside it', (_what, bad) => {
    const { uploads, refused } = parseUploadEvent(event(bad, record(sourceKey(ID)), bad), 'uploads');
    expect(uploads).toEqual([{ id: ID, key: sourceKey(ID) }]);
    expect(refused).toEqual([expect.any(PermanentError), expect.any(PermanentError)]);
  });

  test('undoes the encoding of any key', () => {
    expect(decodeKey('incoming/my+holiday%2B100%25+%F0%9F%8E%AC.mp4')).toBe('incoming/my holiday+100% 🎬.mp4');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        fc.pre(!/\p{Surrogate}/u.test(key));
        expect(decodeKey(encodeAsS3(key))).toBe(key);
      }),
      { numRuns: runs(200) },
    );
  });
});
