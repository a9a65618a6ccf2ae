import { stripVTControlCharacters } from 'node:util';
import { brief } from '../../local/brief';
import { count, exportLines, formatEntry, wrap } from '../../local/terminal';
import type { LogEntry } from '../../local/panel-api';
import fc from '../support/properties';

const entry = (change: Partial<LogEntry>): LogEntry => ({
  id: 1,
  atMs: 0,
  elapsedSeconds: 12.34,
  kind: 'worker',
  text: 'text',
  ...change,
});
const plain = (change: Partial<LogEntry>, columns?: number): string =>
  stripVTControlCharacters(formatEntry(entry(change), columns));

describe('formatEntry', () => {
  test('has time, kind and text in columns', () => expect(plain({})).toBe('  12.3 s  worker    text'));

  test('says once that it is an alarm', () => {
    expect(plain({ kind: 'alarm', text: 'alarm Out fires at 3' })).toBe('  12.3 s  alarm     Out fires at 3');
  });

  test('breaks under the text where the terminal ends, and not in a file', () => {
    const text = 'scale-out from 1 to 4: alarm Videos/Scaling/Out1 is at 6.5, step 3 or more';
    expect(plain({ text }).split('\n')).toHaveLength(1);
    expect(plain({ text }, 80).split('\n')).toEqual([
      '  12.3 s  worker    scale-out from 1 to 4: alarm Videos/Scaling/Out1 is at 6.5,',
      `${' '.repeat(20)}step 3 or more`,
    ]);
  });
});

describe('wrap', () => {
  test('loses no word, and only a word of its own is longer than the line', () => {
    const texts = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 20 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.join(' ')).toBe(text);
        for (const line of lines) if (line.includes(' ')) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('brief', () => {
  test.each([
    ['ready to play: a.mp4 (id 2wp5-1)', 'ready to play: a.mp4'],
    ['failed: why (id a, messageId b)', 'failed: why'],
    ['nothing to hide (10 jobs)', 'nothing to hide (10 jobs)'],
  ])('%s', (text, expected) => expect(brief(text)).toBe(expected));
});

test('count', () => expect([count(1, 'queue'), count(0, 'queue')]).toEqual(['1 queue', '0 queues']));

test('exportLines', () => expect(exportLines({ A: '1', B: 'x' })).toEqual(['export A=1', 'export B=x']));
