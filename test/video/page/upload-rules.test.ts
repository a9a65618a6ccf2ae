import { PART_BYTES } from '../../../video/contract';
import { isOutdated, partBytes, reasonOf, refusalOf, typeOf } from '../../../video/page/upload-rules';

const refusal = (status: number, body: string) => Object.assign(new Error(`S3 returned ${status}`), { status, body });

describe('partBytes', () => {
  test('all parts are of one size, the last has the rest', () => {
    const file = 2 * PART_BYTES + 7;
    expect([1, 2, 3].map((number) => partBytes(file, number))).toEqual([PART_BYTES, PART_BYTES, 7]);
    expect(partBytes(2 * PART_BYTES, 2)).toBe(PART_BYTES);
  });
});

describe('isOutdated', () => {
  test.each([
    ['a policy that has expired', refusal(403, '<Message>Policy expired.</Message>'), true],
    ['a link that has expired', refusal(403, '<Message>Request has expired</Message>'), true],
    ['an upload that was dropped', refusal(404, '<Code>NoSuchUpload</Code>'), true],
    ['a wrong signature', refusal(403, '<Code>SignatureDoesNotMatch</Code>'), false],
    ['a missing bucket', refusal(404, '<Code>NoSuchBucket</Code>'), false],
    ['no connection', new Error('Network error'), false],
  ])('%s', (_, error, outdated) => expect(isOutdated(error)).toBe(outdated));
});

describe('typeOf', () => {
  test.each([
    [{ name: 'a.mp4', type: 'video/mp4' }, 'video/mp4'],
    [{ name: 'a.MKV', type: '' }, 'video/x-matroska'],
    [{ name: 'a.txt', type: 'text/plain' }, undefined],
    [{ name: 'mp4', type: '' }, undefined],
  ])('%j is %p', (file, type) => expect(typeOf(file)).toBe(type));
});

describe('refusalOf', () => {
  test('says what is wrong before anything is sent', () => {
    expect(refusalOf({ size: 0 }, 'video/mp4', 10)).toContain('empty');
    expect(refusalOf({ size: 1 }, undefined, 10)).toContain('Not a video');
    expect(refusalOf({ size: 11 }, 'video/mp4', 10)).toBe('Too large: 11 B, at most 10 B');
    expect(refusalOf({ size: 10 }, 'video/mp4', 10)).toBeUndefined();
  });
});

describe('reasonOf', () => {
  test.each([
    ['S3 returned 403 – AccessDenied', 'refused or has expired'],
    ['S3 returned 404 – NoSuchUpload', 'dropped this upload'],
    ['S3 returned 400 – EntityTooLarge', 'changed while it was uploaded'],
    ['Failed to fetch', 'No connection'],
    ['anything else', 'anything else'],
  ])('%s', (message, words) => expect(reasonOf(new Error(message))).toContain(words));
});
