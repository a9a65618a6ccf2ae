import { parseUploadRequest, RefusedError } from '../../lambda/upload-request';
import fc, { runs } from '../support/properties';

const MAX = 1_000_000;
const request = (change: object = {}): string =>
  JSON.stringify({ name: 'clip.mp4', size: 1_000, type: 'video/mp4', ...change });
const refusal = (body: string): RefusedError => {
  try {
    parseUploadRequest(body, MAX);
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('not refused');
};

describe('parseUploadRequest', () => {
  test.each(['clip.mp4', 'a+b %20 & c.mov', 'ferien 🎬 été.mp4', '..mp4', 'x'.repeat(255)])(
    'takes the name %j',
    (name) => {
      expect(parseUploadRequest(request({ name }), MAX).name).toBe(name);
    },
  );

  test.each([1, MAX])('takes %i bytes', (size) => {
    expect(parseUploadRequest(request({ size }), MAX).size).toBe(size);
  });

  test.each([
    [400, 'BodyNotJson', 'hello'],
    [400, 'BodyNotJson', '[1]'],
    [400, 'BodyNotJson', 'null'],
    [400, 'NameMissing', request({ name: undefined })],
    [400, 'NameMissing', request({ name: '  ' })],
    [400, 'NameTooLong', request({ name: 'x'.repeat(256) })],
    [400, 'NameNotAllowed', request({ name: '../../etc/passwd' })],
    [400, 'NameNotAllowed', request({ name: '..' })],
    [400, 'NameNotAllowed', request({ name: 'a\\b.mp4' })],
    [400, 'NameNotAllowed', request({ name: 'a\u0000.mp4' })],
    [400, 'NameNotAllowed', request({ name: 'invoice\u202e4pm.exe' })],
    [400, 'NameNotAllowed', request({ name: 'half \ud83c emoji.mp4' })],
    [400, 'FileEmpty', request({ size: 0 })],
    [400, 'SizeNotAllowed', request({ size: -1 })],
    [400, 'SizeNotAllowed', request({ size: 1.5 })],
    [400, 'SizeNotAllowed', request({ size: '10' })],
    [413, 'FileTooLarge', request({ size: MAX + 1 })],
    [415, 'TypeNotAllowed', request({ type: 'text/plain' })],
    [415, 'TypeNotAllowed', request({ type: 'constructor' })],
    [415, 'TypeNotAllowed', request({ type: undefined })],
    [400, 'UploaderNotAllowed', request({ uploader: 'a b' })],
  ])('answers %i %s', (statusCode, code, body) => {
    expect(refusal(body)).toMatchObject({ statusCode, code });
  });

  test('anything else is refused with a reason, never with a crash', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        try {
          parseUploadRequest(body, MAX);
        } catch (error) {
          expect(error).toBeInstanceOf(RefusedError);
          expect((error as RefusedError).message).not.toBe('');
        }
      }),
      { numRuns: runs(300) },
    );
  });
});
