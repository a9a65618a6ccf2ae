import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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

/** The names of the files, as the package holds them beside the command line's bundle. */
const NAMES = ['panel.js', 'panel.css', 'index.html'] as const;

/** The panel for browsers: from the published package as it was built there, in a checkout bundled now. */
export async function panelFiles(folder: string = __dirname): Promise<PanelFiles> {
  const built = join(folder, 'panel');
  if (!existsSync(join(built, NAMES[0]))) return bundlePanel(folder);
  const [js, css, html] = await Promise.all(NAMES.map((name) => readFile(join(built, name))));
  return { 'panel.js': js!, 'panel.css': css!, 'index.html': html! };
}

/** Bundles the panel's sources, which lie in `folder`. */
export async function bundlePanel(folder: string): Promise<PanelFiles> {
  const { build } = await import('esbuild');
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
