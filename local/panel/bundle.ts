import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The panel, ready to serve. */
export interface PanelFiles {
  readonly 'panel.js': Uint8Array;
  readonly 'panel.css': Uint8Array;
  /** A page with nothing but the panel, for stacks that declare no page. */
  readonly 'index.html': Uint8Array;
}

/** To be put before `</head>` of a page that the panel joins; the files are expected under `/_local/`. */
export const PANEL_TAGS =
  '<link rel="stylesheet" href="/_local/panel.css"><script type="module" src="/_local/panel.js"></script>';

/** Bundles the panel for browsers. `folder` is this file's own, in a checkout and in the package. */
export async function bundlePanel(folder: string = __dirname): Promise<PanelFiles> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: { panel: 'main.ts', 'panel.style': 'panel.css' },
    outdir: 'out',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
  });
  const output = (suffix: string): Uint8Array => {
    const file = outputFiles.find(({ path }) => path.endsWith(suffix));
    if (file === undefined) throw new Error(`The panel's bundle has no ${suffix}`);
    return file.contents;
  };
  return {
    'panel.js': output('panel.js'),
    'panel.css': output('panel.style.css'),
    'index.html': await readFile(join(folder, 'index.html')),
  };
}
