import type { VideoView } from '../../../video/contract';
import { type Claims, outOfOrder, report, type Uploaded } from '../../../video/demo/report';
import type { ClaimRecord } from '../../../video/transcode/claim';

const clip = (number: number, more: Partial<Uploaded> = {}): Uploaded => ({
  number,
  name: `${number}.mp4`,
  broken: false,
  id: `id-${number}`,
  ...more,
});
const view = (id: string, more: Partial<VideoView> = {}): [string, VideoView] => [
  id,
  {
    id,
    name: id,
    state: 'ready',
    progressPercent: 100,
    sizeBytes: 1,
    renditions: [],
    encodes: 1,
    uploadedAtMs: 0,
    updatedAtMs: 0,
    ...more,
  },
];
const claim = (outcome: 'ready' | 'failed'): ClaimRecord => ({
  owner: 'i',
  messageId: 'm',
  leaseUntilMs: 0,
  startedAtMs: 0,
  outcome,
});

describe('report', () => {
  const UPLOADS = [clip(1), clip(2, { broken: true })];
  const VIDEOS = new Map([view('id-1'), view('id-2', { state: 'failed', reason: 'cut off' })]);
  const CLAIMS: Claims = new Map([
    ['id-1', [claim('ready')]],
    ['id-2', [claim('failed')]],
  ]);
  const RUN = {
    chaos: false,
    now: () => ({ real: 12 }),
    jobsByInstance: () => ({ a: 1, b: 1 }),
    deadLetters: () => [{ reason: 'cut off', object: { key: 'incoming/id-2/source' } }],
  };

  test('finds nothing wrong with a good run', () => {
    expect(report(RUN, UPLOADS, VIDEOS, CLAIMS)).toEqual({
      summary: [
        '1 of 1 clips ready after 12 seconds',
        '1 of 1 broken in the dead-letter queue: cut off',
        '0 encoded twice',
      ],
      failures: [],
      expectedDeadLetters: 1,
      expected: 2,
      ready: 1,
      processedTwice: 0,
    });
  });

  test.each<[string, () => readonly string[], string]>([
    [
      'a clip that is lost',
      () => report(RUN, [...UPLOADS, clip(3)], VIDEOS, CLAIMS).failures,
      '3.mp4 is lost, not ready',
    ],
    [
      'a broken clip that is not in the dead-letter queue',
      () => report({ ...RUN, deadLetters: () => [] }, UPLOADS, VIDEOS, CLAIMS).failures,
      '2.mp4 is not in the dead-letter queue',
    ],
    [
      'a clip that was encoded twice',
      () => report(RUN, UPLOADS, VIDEOS, new Map(CLAIMS).set('id-1', [claim('ready'), claim('ready')])).failures,
      '1.mp4 was encoded 2 times',
    ],
    [
      'a fleet in which one instance did everything',
      () => report({ ...RUN, jobsByInstance: () => ({ a: 2, b: 0 }) }, UPLOADS, VIDEOS, CLAIMS).failures,
      'one instance did all the work: those that were added did none',
    ],
    [
      'a run in which nothing happens any more',
      () => report(RUN, UPLOADS, VIDEOS, CLAIMS, 120).failures,
      'nothing changed for 120 seconds',
    ],
  ])('fails with %s', (_, failuresOf, text) => {
    expect(failuresOf()).toContain(text);
  });
});

describe('outOfOrder', () => {
  const uploads = [clip(1, { uploader: 'ada' }), clip(2, { uploader: 'ben' }), clip(3, { uploader: 'ada' })];
  const at = (startedAtMs: number, finishedAtMs: number): Partial<VideoView> => ({ startedAtMs, finishedAtMs });

  test('clips of several people may overlap, those of one may not', () => {
    const good = new Map([view('id-1', at(0, 10)), view('id-2', at(5, 15)), view('id-3', at(10, 20))]);
    expect(outOfOrder(uploads, good)).toEqual([]);
    const bad = new Map([...good, view('id-3', at(9, 20))]);
    expect(outOfOrder(uploads, bad)).toEqual(['3.mp4 was begun before 1.mp4 of the same uploader had ended']);
  });

  test('says nothing about uploads without an uploader', () => {
    const videos = new Map([view('id-1', at(0, 10)), view('id-2', at(5, 15))]);
    expect(outOfOrder([clip(1), clip(2)], videos)).toEqual([]);
  });
});
