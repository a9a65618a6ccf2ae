import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, '../../docs/adr');

describe('decisions', () => {
  test('are numbered without a gap, and say why, what else, and what follows', () => {
    for (const [index, file] of readdirSync(FOLDER).sort().entries()) {
      const text = readFileSync(join(FOLDER, file), 'utf8');
      const number = String(index + 1).padStart(4, '0');
      expect(file.slice(0, 5)).toBe(`${number}-`);
      expect(text).toMatch(new RegExp(`^# ${number} .+\\n\\nStatus: (proposed|accepted|superseded by \\d{4}), `));
      const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect([file, headings]).toEqual([file, ['Context', 'Decision', 'Consequences', 'Alternatives']]);
    }
  });
});
