/**
 * The program of a local function's process: loads the bundled handler and answers events from its parent.
 * Arguments: directory of the code, handler (`file.export`).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: object) => Promise<unknown>;

async function load(directory: string, handler: string): Promise<Handler> {
  const dot = handler.lastIndexOf('.');
  const base = path.join(directory, handler.slice(0, dot));
  const file = ['.mjs', '.js', '.cjs'].map((extension) => base + extension).find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`${handler} is not in ${directory}`);
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown> & {
    default?: Record<string, unknown>;
  };
  const name = handler.slice(dot + 1);
  const found = module[name] ?? module.default?.[name];
  if (typeof found !== 'function') throw new Error(`${file} does not export '${name}'`);
  return found as Handler;
}

const [directory = '', handler = ''] = process.argv.slice(2);
const loaded = load(directory, handler);
loaded.then(
  () => process.send?.({ ready: true }),
  (error: unknown) => process.send?.({ ready: false, error: String(error) }),
);
process.on('message', (request: { id: number; event: unknown; context: object }) => {
  loaded
    .then((run) => run(request.event, request.context))
    .then(
      (result) => process.send?.({ id: request.id, result: result ?? null }),
      (error: unknown) => {
        console.error(error);
        process.send?.({ id: request.id, error: error instanceof Error ? error.message : String(error) });
      },
    );
});
// The parent's end is this process's end, whatever ended the parent.
process.on('disconnect', () => process.exit(0));
