import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEND_ERROR_CODES } from '../../messaging/send-error';

test('docs/message-producer.md lists every code of SendError, and no other', () => {
  const page = readFileSync(join(__dirname, '../../docs/message-producer.md'), 'utf8');
  const table = page.slice(page.indexOf('## Codes of SendError'), page.indexOf('## Command line'));
  const listed = [...table.matchAll(/^\| ([A-Z]\w+) +\|/gm)].map((match) => match[1]);
  expect(listed).toEqual(Object.keys(SEND_ERROR_CODES));
  expect(listed).toEqual(listed.toSorted());
});
