import { planLadder } from '../../../video/transcode/ladder';
import { masterPlaylist, parseSegments } from '../../../video/transcode/playlist';

const MEDIA = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', '#EXTINF:4.000000,', '00000.ts', '#EXTINF:2.000000,', '00001.ts'];

describe('playlists', () => {
  test.each(['\n', '\r\n'])('lists the segments of a media playlist', (newline) => {
    expect(parseSegments([...MEDIA, '#EXT-X-ENDLIST', ''].join(newline))).toEqual([
      { file: '00000.ts', seconds: 4 },
      { file: '00001.ts', seconds: 2 },
    ]);
  });

  test('the master playlist states measured rates: the largest of a segment, and the average', () => {
    const [rung] = planLadder(1280, 720);
    if (rung === undefined) throw new Error('no rung');
    const segments = [
      { file: '00000.ts', seconds: 4, bytes: 1_000_000 },
      { file: '00001.ts', seconds: 2, bytes: 1_000_000 },
    ];
    const playlist = masterPlaylist([{ rung, hasAudio: true, segments }]);
    expect(playlist).toContain('BANDWIDTH=4000000,AVERAGE-BANDWIDTH=2666667,RESOLUTION=1280x720');
    expect(playlist).toContain('CODECS="avc1.4d401f,mp4a.40.2"\n720p/index.m3u8\n');
    expect(masterPlaylist([{ rung, hasAudio: false, segments }])).toContain('CODECS="avc1.4d401f"');
  });

  test('a rendition without a segment still gives a valid playlist', () => {
    const [rung] = planLadder(640, 360);
    if (rung === undefined) throw new Error('no rung');
    expect(masterPlaylist([{ rung, hasAudio: false, segments: [] }])).toContain('BANDWIDTH=1,');
  });
});
