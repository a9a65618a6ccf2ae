import { randomBytes } from 'node:crypto';
import { mkdtempSync, type ReadStream, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompletedPart,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { type FileUpload, planParts, putFile } from '../../../video/transcode/put-file';
import { type EdgeHost, startEdgeHost } from '../../local/edge/start-edge-host';
import fc, { runs } from '../../support/properties';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** What S3 takes in one upload: 10,000 parts of 5 MiB to 5 GiB, the last one may be smaller. */
const MOST_BYTES = 10_000 * 5 * GIB;

describe('planParts', () => {
  test('covers any file once, within the limits of S3', () => {
    const sizes = fc.oneof(fc.nat(GIB), fc.integer({ min: 0, max: MOST_BYTES }), fc.constantFrom(0, 1, MOST_BYTES));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 5 * MIB, max: 5 * GIB }), (size, partBytes) => {
        const parts = planParts(size, partBytes);
        let end = 0;
        for (const [index, { number, start, bytes }] of parts.entries()) {
          // Plain comparisons: there can be 10,000 parts.
          if (number !== index + 1 || start !== end)
            throw new Error(`part ${number} begins at ${start}, not at ${end}`);
          if (bytes > 5 * GIB) throw new Error(`part ${number} has ${bytes} bytes`);
          if (index < parts.length - 1 && bytes < 5 * MIB) throw new Error(`part ${number} has ${bytes} bytes`);
          end += bytes;
        }
        expect(end).toBe(size);
        expect(parts.length).toBeGreaterThan(0);
        expect(parts.length).toBeLessThanOrEqual(10_000);
        // Cut only where one request would be too large.
        expect(parts.length === 1).toBe(size <= partBytes);
      }),
      { numRuns: runs(50) },
    );
  });

  test.each([
    ['nothing', 0, 1, 0],
    ['one request', 64 * MIB, 1, 64 * MIB],
    ['a byte more', 64 * MIB + 1, 2, 64 * MIB],
    ['four hours at the full rate', 5_300_000_000, 79, 64 * MIB],
    ['10,000 parts', 10_000 * 64 * MIB, 10_000, 64 * MIB],
    ['a byte more than that', 10_000 * 64 * MIB + 1, 10_000, 64 * MIB + 1],
    ['all that S3 takes', MOST_BYTES, 10_000, 5 * GIB],
  ])('by default: %s', (_, size, count, first) => {
    const parts = planParts(size);
    expect([parts.length, parts[0]?.bytes]).toEqual([count, first]);
  });

  test('fails when S3 cannot take the file', () => {
    expect(() => planParts(MOST_BYTES + 1)).toThrow(`at most ${MOST_BYTES}`);
  });
});

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'put-file-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => jest.restoreAllMocks());

function fileOf(content: string | Buffer): string {
  const path = join(folder, randomBytes(8).toString('hex'));
  writeFileSync(path, content);
  return path;
}

const uploadOf = (path: string, more: Partial<FileUpload> = {}): FileUpload => ({
  bucket: 'media',
  key: 'a/play.mp4',
  path,
  contentType: 'video/mp4',
  cacheControl: 'immutable',
  signal: new AbortController().signal,
  ...more,
});

interface Sent {
  readonly constructor: { readonly name: string };
  readonly input: {
    readonly UploadId?: string;
    readonly PartNumber?: number;
    readonly Body?: ReadStream;
    readonly MultipartUpload?: { readonly Parts?: readonly CompletedPart[] };
  };
}

const nameOf = ({ constructor: { name }, input: { PartNumber: number } }: Sent): string =>
  `${name.replace(/(?:MultipartUpload|Object)?Command$/, '')}${number === undefined ? '' : ` ${number}`}`;

describe('putFile, on the local S3', () => {
  let edge: EdgeHost;
  beforeAll(async () => {
    edge = await startEdgeHost();
  }, 30_000);
  afterAll(() => edge.stop());

  /** A client of the local S3 that calls back before each request. */
  function watched(before: (command: Sent) => void = () => {}) {
    const sent: Sent[] = [];
    const send = (command: Sent, options: object): unknown => {
      sent.push(command);
      before(command);
      return (edge.s3.send as (...input: unknown[]) => unknown)(command, options);
    };
    const uploadId = () => sent.find(({ input }) => input.UploadId !== undefined)?.input.UploadId;
    return { s3: { send } as unknown as S3Client, sent, uploadId };
  }

  const partsLeft = (key: string, UploadId: string | undefined) =>
    edge.s3.send(new ListPartsCommand({ Bucket: 'media', Key: key, UploadId }));

  test('sends a large file in parts, as it is', async () => {
    const content = randomBytes(12 * MIB);
    const { s3, sent } = watched();
    await putFile(s3, uploadOf(fileOf(content), { partBytes: 5 * MIB }));
    expect(sent.map(nameOf).at(0)).toBe('Create');
    expect(sent.map(nameOf).slice(1, 4).toSorted()).toEqual(['UploadPart 1', 'UploadPart 2', 'UploadPart 3']);
    expect(sent.map(nameOf).slice(4)).toEqual(['Complete']);
    const found = await edge.s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'a/play.mp4' }));
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(content)).toBe(true);
    expect(found).toMatchObject({ ContentType: 'video/mp4', CacheControl: 'immutable' });
  });

  test.each([0, 1, 5 * MIB])('sends %d bytes in one request', async (size) => {
    const { s3, sent } = watched();
    await putFile(s3, uploadOf(fileOf(Buffer.alloc(size, 7)), { key: `b/${size}`, partBytes: 5 * MIB }));
    expect(sent.map(nameOf)).toEqual(['Put']);
    const head = await edge.s3.send(new HeadObjectCommand({ Bucket: 'media', Key: `b/${size}` }));
    expect(head.ContentLength).toBe(size);
  });

  test('leaves no part behind when it is stopped in the middle', async () => {
    // The SDK says there that it will not repeat the request.
    jest.spyOn(console, 'warn').mockReturnValue();
    const stop = new AbortController();
    const { s3, sent, uploadId } = watched(({ input }) => {
      if (input.PartNumber === 6) stop.abort(new Error('the instance is drained'));
    });
    const path = fileOf(Buffer.alloc(40 * MIB));
    const upload = uploadOf(path, { key: 'c/play.mp4', partBytes: 5 * MIB, signal: stop.signal });
    await expect(putFile(s3, upload)).rejects.toMatchObject({ name: 'AbortError' });
    expect(sent.map(nameOf).at(-1)).toBe('Abort');
    expect(sent.map(nameOf)).not.toContain('Complete');
    expect(uploadId()).toBeDefined();
    await expect(partsLeft('c/play.mp4', uploadId())).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(sent.every(({ input: { Body } }) => Body === undefined || Body.destroyed)).toBe(true);
  });

  test('is done when only the answer to its last request was lost', async () => {
    let lost = false;
    const { s3, sent } = watched();
    const send = async (command: Sent, options: object): Promise<unknown> => {
      const answer = await (s3.send as (...input: unknown[]) => unknown)(command, options);
      if (nameOf(command) !== 'Complete' || lost) return answer;
      lost = true;
      // As the SDK does after an answer that did not come.
      return send(command, options);
    };
    const path = fileOf(Buffer.alloc(6 * MIB));
    await putFile({ send } as unknown as S3Client, uploadOf(path, { key: 'd', partBytes: 5 * MIB }));
    expect(sent.map(nameOf).slice(-3)).toEqual(['Complete', 'Complete', 'Head']);
    const head = await edge.s3.send(new HeadObjectCommand({ Bucket: 'media', Key: 'd' }));
    expect(head.ContentLength).toBe(6 * MIB);
  });
});

const refusal = (httpStatusCode: number, name = 'Refused'): S3ServiceException =>
  new S3ServiceException({ name, $fault: 'server', $metadata: { httpStatusCode } });

/** An S3 that reads each body, and answers as `answer` says; `answer` may throw. */
function bucket(answer: (name: string, signal: AbortSignal | undefined) => unknown = () => ({})) {
  const sent: string[] = [];
  const bodies: string[] = [];
  const files: ReadStream[] = [];
  const open = { now: 0, most: 0 };
  let parts: readonly CompletedPart[] = [];
  const send = async (command: Sent, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown> => {
    const name = nameOf(command);
    sent.push(name);
    parts = command.input.MultipartUpload?.Parts ?? parts;
    open.most = Math.max(open.most, ++open.now);
    try {
      if (command.input.Body !== undefined) {
        files.push(command.input.Body);
        let body = '';
        for await (const chunk of command.input.Body as AsyncIterable<Buffer>) body += chunk.toString();
        bodies.push(body);
      }
      return { UploadId: 'u', ETag: name, ...((await answer(name, options?.abortSignal)) as object) };
    } finally {
      open.now -= 1;
      if (name === 'Abort') expect(open.now).toBe(0);
    }
  };
  const completed = () => parts.map(({ PartNumber, ETag }) => [PartNumber, ETag]);
  return { s3: { send } as unknown as S3Client, sent, bodies, files, open, completed };
}

describe('putFile', () => {
  test('sends the file again, whole, when S3 had no time for it', async () => {
    const failures = [refusal(503), new Error('socket hang up'), refusal(400, 'RequestTimeout')];
    const { s3, bodies } = bucket(() => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    });
    await putFile(s3, uploadOf(fileOf('segment')));
    expect(bodies).toEqual(['segment', 'segment', 'segment', 'segment']);
  });

  test('closes the file when nobody read it: a file that is open keeps its space, also after its folder is gone', async () => {
    const files: ReadStream[] = [];
    const send = async ({ input }: Sent): Promise<object> => {
      if (input.Body) files.push(input.Body);
      throw files.length < 3 ? new Error('connect ECONNREFUSED') : refusal(403);
    };
    await expect(putFile({ send } as unknown as S3Client, uploadOf(fileOf('segment')))).rejects.toThrow();
    expect(files.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  test('takes a refusal as an answer', async () => {
    const { s3, bodies } = bucket(() => {
      throw refusal(403);
    });
    await expect(putFile(s3, uploadOf(fileOf('segment')))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    expect(bodies).toHaveLength(1);
  });

  test('does not go on after an abort', async () => {
    const stop = new AbortController();
    const { s3, bodies } = bucket(() => {
      throw refusal(503);
    });
    stop.abort(new Error('stopped'));
    const upload = uploadOf(fileOf('segment'), { signal: stop.signal });
    await expect(putFile(s3, upload)).rejects.toBeInstanceOf(S3ServiceException);
    expect(bodies).toHaveLength(1);
  });

  describe('in parts', () => {
    /** Ten parts of two bytes. */
    const LETTERS = 'abcdefghijklmnopqrst';
    const inParts = (s3: S3Client, signal = new AbortController().signal) =>
      putFile(s3, uploadOf(fileOf(LETTERS), { partBytes: 2, signal }));

    test('sends at most four at once, each once, and completes them in order', async () => {
      let release = (): void => {};
      const last = new Promise<void>((resolve) => (release = resolve));
      const { s3, sent, bodies, open, completed } = bucket((name) => {
        if (name === 'UploadPart 10') release();
        return name === 'UploadPart 1' ? last : new Promise((resolve) => setImmediate(resolve));
      });
      await inParts(s3);
      expect(open.most).toBe(4);
      expect(sent.filter((name) => name.startsWith('UploadPart'))).toHaveLength(10);
      expect(bodies.toSorted()).toEqual(['ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op', 'qr', 'st']);
      expect(completed()).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, `UploadPart ${i + 1}`]));
    });

    test('sends a part again that S3 had no time for, and no other', async () => {
      const failures = [refusal(503), refusal(500)];
      const { s3, sent } = bucket((name) => {
        const failure = name === 'UploadPart 3' ? failures.shift() : undefined;
        if (failure !== undefined) throw failure;
      });
      await inParts(s3);
      expect(sent.filter((name) => name === 'UploadPart 3')).toHaveLength(3);
      expect(sent.filter((name) => name.startsWith('UploadPart'))).toHaveLength(12);
      expect(sent.at(-1)).toBe('Complete');
    });

    test.each([
      ['end', new Error('aborted')],
      ['arrive', undefined],
    ])('begins no more parts after a refusal, waits till those under way %s and takes all back', async (_, error) => {
      const { s3, sent, files } = bucket((name, signal) => {
        if (name === 'UploadPart 2') throw refusal(403);
        if (!name.startsWith('UploadPart')) return {};
        return new Promise((resolve, reject) => {
          const end = (): void => void setImmediate(() => (error === undefined ? resolve({}) : reject(error)));
          if (signal?.aborted === true) end();
          else signal?.addEventListener('abort', end);
        });
      });
      await expect(inParts(s3)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
      expect(sent.toSorted()).toEqual(['Abort', 'Create', ...[1, 2, 3, 4].map((number) => `UploadPart ${number}`)]);
      expect(files.every(({ destroyed }) => destroyed)).toBe(true);
    });

    test.each(['Create', 'UploadPart 7', 'Complete'])('takes all back when it is stopped during %s', async (moment) => {
      const stop = new AbortController();
      const { s3, sent } = bucket((name, signal) => {
        if (name === moment) stop.abort(new Error('stopped'));
        if (name === 'Abort') expect(signal).toBeUndefined();
        signal?.throwIfAborted();
      });
      await expect(inParts(s3, stop.signal)).rejects.toThrow('stopped');
      expect(sent.at(-1)).toBe('Abort');
    });

    test('begins nothing when it was stopped before', async () => {
      const { s3, sent } = bucket();
      await expect(inParts(s3, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
      expect(sent).toEqual([]);
    });

    test('tells the first error, also when S3 does not take all back', async () => {
      const { s3 } = bucket((name) => {
        if (name === 'UploadPart 1') throw refusal(403);
        if (name === 'Abort') throw refusal(500);
      });
      await expect(inParts(s3)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    });

    test('fails when its upload is gone, and no such file is there', async () => {
      const { s3, sent } = bucket((name) => {
        if (name === 'Complete') throw refusal(404, 'NoSuchUpload');
        return name === 'Head' ? { ContentLength: LETTERS.length - 1 } : {};
      });
      await expect(inParts(s3)).rejects.toMatchObject({ name: 'NoSuchUpload' });
      expect(sent.at(-1)).toBe('Abort');
    });
  });
});
