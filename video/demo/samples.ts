import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One clip of the demo. */
export interface Sample {
  /** From 1. */
  readonly number: number;
  /** The name it is uploaded under. */
  readonly name: string;
  /** Cut off on purpose. */
  readonly broken: boolean;
}

/** Pictures that both a current ffmpeg and the 2018 build of the npm package can draw, by their name in the file. */
const PICTURES: readonly (readonly [name: string, source: string])[] = [
  ['Mandelbrot', 'mandelbrot=s=640x360:r=25'],
  ['Test card', 'testsrc2=s=640x360:r=25'],
  [
    'Game of life',
    'life=s=320x180:r=25:mold=10:ratio=0.12:seed=7:death_color=#1e2a78:life_color=#7df9c1,scale=640:360:flags=neighbor',
  ],
  ['Bars', 'smptehdbars=s=640x360:r=25,hue=h=40*t'],
  ['Countdown + 100 % 🎬', 'testsrc=s=640x360:r=25,hue=h=60:s=0.8'],
  ['Automaton', 'cellauto=s=640x360:r=25:rule=110:seed=3,negate'],
  ['Broken on purpose', 'testsrc2=s=640x360:r=25,hue=s=0'],
  ['Colours', 'rgbtestsrc=s=640x360:r=25,hue=h=120*t'],
  ['Old bars', 'smptebars=s=640x360:r=25,hue=h=-80*t'],
  ['Deep Mandelbrot', 'mandelbrot=s=640x360:r=25:start_scale=0.4:start_x=-0.75:start_y=0.11'],
  [
    'Highlife',
    'life=s=160x90:r=12:rule=B36/S23:ratio=0.3:seed=42:death_color=#3b0764:life_color=#f0abfc,scale=640:360:flags=neighbor',
  ],
  ['Test card, turned', 'testsrc2=s=360x640:r=25,transpose=1,hue=h=150'],
];

/** Index of the clip that is cut off, from 0. */
const BROKEN = 6;

/** The clips of a run of `count` uploads: the twelve pictures again and again. */
export function planSamples(count: number): readonly Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const [title = 'Clip'] = PICTURES[i % PICTURES.length] ?? [];
    const number = i + 1;
    const name = `${String(number).padStart(2, '0')} ${title}.mp4`;
    return { number, name, broken: i % PICTURES.length === BROKEN };
  });
}

/** `count` more clips after `before` of them, all of them whole. */
export function planMoreSamples(before: number, count: number): readonly Sample[] {
  return planSamples(before + 2 * count)
    .slice(before)
    .filter(({ broken }) => !broken)
    .slice(0, count);
}

/** Draws clip `number` (3 seconds, 640 x 360, with a tone of its own) into `folder`. @returns its bytes. */
export async function drawSample(ffmpeg: string, folder: string, { number, broken }: Sample): Promise<Uint8Array> {
  const [, source = 'testsrc2=s=640x360:r=25'] = PICTURES[(number - 1) % PICTURES.length] ?? [];
  const path = join(folder, `${number}.mp4`);
  const tone = Math.round(220 * 2 ** (number / 12));
  await run(ffmpeg, [
    ...['-hide_banner', '-nostdin', '-y', '-loglevel', 'error'],
    ...['-f', 'lavfi', '-i', `${source},${drawNumber(number)}`, '-f', 'lavfi', '-i', `sine=frequency=${tone}`],
    ...['-t', '3', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '26', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '64k', path],
  ]);
  const whole = await readFile(path);
  if (!broken) return whole;
  // Without its end an MP4 has lost its index.
  const cut = whole.subarray(0, Math.floor(whole.length * 0.4));
  await writeFile(path, cut);
  return cut;
}

/** Segments of a seven-segment digit: top, the two upper sides, middle, the two lower sides, bottom. */
const SEGMENTS: readonly string[] = [
  '1110111',
  '0010010',
  '1011101',
  '1011011',
  '0111010',
  '1101011',
  '1101111',
  '1010010',
  '1111111',
  '1111011',
];

/** Filters that draw a number into the corner out of boxes: text would need fonts, which a bare machine has not. */
export function drawNumber(number: number): string {
  const digits = [...String(number).padStart(2, '0')];
  const plate = `drawbox=x=14:y=14:w=${digits.length * 30 + 12}:h=64:color=black@0.72:t=fill`;
  const boxes = digits.flatMap((digit, i) => {
    const left = 25 + i * 30;
    const places = [
      [0, 0, 18, 4],
      [0, 0, 4, 22],
      [14, 0, 4, 22],
      [0, 20, 18, 4],
      [0, 20, 4, 22],
      [14, 20, 4, 22],
      [0, 40, 18, 4],
    ] as const;
    return places
      .filter((_, segment) => SEGMENTS[Number(digit)]?.[segment] === '1')
      .map(([x, y, w, h]) => `drawbox=x=${left + x}:y=${24 + y}:w=${w}:h=${h}:color=white:t=fill`);
  });
  return [plate, ...boxes].join(',');
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`ffmpeg could not draw a sample: ${stderr.trim()}`));
    });
  });
}
