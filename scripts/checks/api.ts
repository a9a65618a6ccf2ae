import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { type Check, emptyDirectory, ROOT } from './check';

/** Entry points whose declarations are recorded in `api/<name>.api.md`. */
const ENTRY_POINTS = ['lib', 'messaging'] as const;

/** Whether the public declarations are those that were reviewed last; `npm run api:update` records a change. */
export const api: Check = {
  name: 'api',
  about: 'declarations equal the reviewed reports in api/',
  run: () => ENTRY_POINTS.flatMap((entryPoint) => extract(entryPoint, false)),
};

/** Writes the reports anew; returns what API Extractor found wrong. */
export function updateReports(): string[] {
  return ENTRY_POINTS.flatMap((entryPoint) => extract(entryPoint, true));
}

function extract(entryPoint: string, write: boolean): string[] {
  const reportFolder = join(ROOT, 'api');
  mkdirSync(reportFolder, { recursive: true });
  const declarations = join(ROOT, 'dist', entryPoint, 'index.d.ts');
  if (!existsSync(declarations)) return [`${declarations} does not exist: run npm run build`];
  const extractorConfig = ExtractorConfig.prepare({
    packageJsonFullPath: join(ROOT, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: declarations,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: { target: 'es2022', module: 'nodenext', types: ['node'], strict: true, skipLibCheck: true },
          include: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: entryPoint,
        reportFolder,
        reportTempFolder: emptyDirectory(`check-package/api/${entryPoint}`),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // Everything exported is public here.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // eslint asks for comments in lib/; a name like `messageId` needs none.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
        },
        // The comments are written for jsii and its other languages, which take JSDoc.
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const problems: string[] = [];
  Extractor.invoke(extractorConfig, {
    localBuild: write,
    messageCallback: (message) => {
      message.handled = true;
      if (/error|warning/.test(message.logLevel) && message.category !== 'console') {
        problems.push(`${entryPoint}: ${message.messageId}: ${message.text} (${message.sourceFilePath})`);
      }
    },
  });
  if (!write) problems.push(...changes(entryPoint));
  return problems;
}

/** The first lines that differ: enough to see what changed. */
function changes(entryPoint: string): string[] {
  const [recorded, now] = [join(ROOT, 'api'), join(ROOT, 'tmp/check-package/api', entryPoint)].map((folder) => {
    const file = join(folder, `${entryPoint}.api.md`);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  }) as [string[], string[]];
  if (recorded.join('\n') === now.join('\n')) return [];
  const [before, after] = [new Set(recorded), new Set(now)];
  const lines = [
    ...recorded.filter((line) => !after.has(line)).map((line) => `- ${line.trim()}`),
    ...now.filter((line) => !before.has(line)).map((line) => `+ ${line.trim()}`),
  ];
  return [
    `api/${entryPoint}.api.md is not up to date: npm run build && npm run api:update, and review the change`,
    ...lines.slice(0, 10),
  ];
}
