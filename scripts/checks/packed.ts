import { join } from 'node:path';
import { emptyDirectory, runWell } from './check';

/** The package as `npm pack` makes it of what was built. */
export interface Packed {
  /** Absolute path of the tarball. */
  readonly tarball: string;
  readonly bytes: number;
  readonly files: readonly string[];
}

let packed: Packed | undefined;

/** Packs once. */
export function pack(): Packed {
  if (packed) return packed;
  const directory = emptyDirectory('check-package/packed');
  const [made] = JSON.parse(runWell('npm', ['pack', '--json', '--pack-destination', directory])) as [
    { filename: string; size: number; files: Array<{ path: string }> },
  ];
  packed = {
    tarball: join(directory, made.filename),
    bytes: made.size,
    files: made.files.map(({ path }) => path).sort(),
  };
  return packed;
}
