import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

/** How the search looks at the machine; tests give their own. */
export interface FfmpegSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders from which the npm package may be resolved: the worker's own, then the working folder. */
  readonly from: readonly string[];
  readonly isExecutable: (path: string) => boolean;
  readonly resolvePackage: (from: string) => string | undefined;
}

/**
 * The ffmpeg to run: `FFMPEG_PATH`, then the one beside the worker (`bin/ffmpeg` in its asset), then `PATH`, then the
 * npm package `@ffmpeg-installer/ffmpeg`.
 *
 * @throws Error with one line that says what to do.
 */
export function findFfmpeg(search: FfmpegSearch = machine()): string {
  const { env, isExecutable, from, resolvePackage } = search;
  const named = env['FFMPEG_PATH'];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new Error(`FFMPEG_PATH is '${named}', which cannot be executed: correct it or remove it`);
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...from.map((folder) => join(folder, 'bin')), ...folders].map((folder) => join(folder, 'ffmpeg'));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  for (const folder of from) {
    const packaged = resolvePackage(folder);
    if (packaged !== undefined && isExecutable(packaged)) return packaged;
  }
  throw new Error(
    'No ffmpeg found: set FFMPEG_PATH, put ffmpeg on the PATH, or run npm ci with optional dependencies (@ffmpeg-installer/ffmpeg)',
  );
}

function machine(): FfmpegSearch {
  return {
    env: process.env,
    from: [__dirname, process.cwd()],
    isExecutable: (path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    resolvePackage: (from) => {
      try {
        const installer: unknown = createRequire(join(from, 'package.json'))('@ffmpeg-installer/ffmpeg');
        return (installer as { path: string }).path;
      } catch {
        return undefined;
      }
    },
  };
}
