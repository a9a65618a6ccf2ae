import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, ROOT } from './check';
import { pack } from './packed';

const MAX_BYTES = 3_000_000;

/** What a file of the package may be; anything else is there by mistake. */
const WANTED = [
  /^(package\.json|README\.md|LICENSE|NOTICE|CHANGELOG\.md|\.jsii)$/,
  /^dist\/(lib|messaging|worker)\/.*\.(js|d\.ts)$/,
  /^dist\/THIRD-PARTY-NOTICES\.txt$/,
  /^dist\/messaging\/esm\/package\.json$/,
  /^dist\/assets\/worker\/.*\.(js|json)$/,
  /^dist\/bin\/[\w./-]+\.(js|html|css|LEGAL\.txt)$/,
  /^docs\/.*\.(md|png|sh)$/,
  /^rules\/queue-fleet\.(guard|rego)$/,
];

/** Without these the package does not work. */
const NEEDED = [
  '.jsii',
  'LICENSE',
  'NOTICE',
  'dist/THIRD-PARTY-NOTICES.txt',
  'dist/assets/worker/worker.js',
  'dist/bin/queue-fleet.js',
  'dist/lib/index.d.ts',
  'dist/lib/index.js',
  'dist/messaging/esm/index.js',
  'dist/messaging/index.d.ts',
  'dist/messaging/index.js',
  'rules/queue-fleet.guard',
  'rules/queue-fleet.rego',
];

/** What would be published, and nothing else. */
export const tarball: Check = {
  name: 'tarball',
  about: 'size and content of the package',
  run: (note) => {
    const { bytes, files } = pack();
    note(`${(bytes / 1e6).toFixed(2)} MB in ${files.length} files`);
    return [
      ...(bytes < MAX_BYTES ? [] : [`${bytes} bytes packed, at most ${MAX_BYTES}`]),
      ...NEEDED.filter((file) => !files.includes(file)).map((file) => `missing: ${file}`),
      ...files.filter((file) => !WANTED.some((pattern) => pattern.test(file))).map((file) => `not wanted: ${file}`),
      ...files.flatMap(pathsOfThisMachine),
    ];
  },
};

/** In the text, or in the source map that jsii appends to each file. */
function pathsOfThisMachine(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const [, map = ''] = /sourceMappingURL=data:application\/json;base64,(\S+)/.exec(text) ?? [];
  const mapped = Buffer.from(map, 'base64').toString();
  return text.includes(ROOT) || mapped.includes(ROOT) ? [`${file} holds a path of this machine: ${ROOT}`] : [];
}
