import { createModuleHost } from '../../../worker/hosts/module-host';
import { context, message } from './fixtures';

const load = (loaded: unknown) => createModuleHost({ path: './h.mjs', importModule: () => Promise.resolve(loaded) });

describe('createModuleHost', () => {
  test.each([
    ['a named export', (f: unknown) => ({ handler: f })],
    ['a default export', (f: unknown) => ({ default: f })],
    ['a CommonJS function', (f: unknown) => ({ default: f, 'module.exports': f })],
    ['CommonJS exports', (f: unknown) => ({ default: { handler: f } })],
    ['a transpiled default', (f: unknown) => ({ default: { __esModule: true, default: f } })],
  ])('calls %s', async (_name, shape) => {
    const seen: unknown[] = [];
    const { handler } = await load(shape(async (m: unknown) => void seen.push(m)));
    await handler(message(), context());
    expect(seen).toEqual([message()]);
  });

  test('resolves the path against the working directory', async () => {
    const urls: string[] = [];
    await createModuleHost({
      path: './h.mjs',
      importModule: async (url) => (urls.push(url), { handler: () => undefined }),
    });
    expect(urls).toEqual([expect.stringMatching(/^file:\/\/\/.+\/h\.mjs$/)]);
  });

  test('rejects when a handler throws before its first await', async () => {
    const { handler } = await load({
      handler: () => {
        throw new Error('sync');
      },
    });
    await expect(handler(message(), context())).rejects.toThrow('sync');
  });

  test('closes the module once', async () => {
    let closed = 0;
    const host = await load({ handler: () => undefined, close: async () => void closed++ });
    await Promise.all([host.stop(), host.stop()]);
    expect(closed).toBe(1);
  });

  test('fails when no function is exported or the module cannot be loaded', async () => {
    await expect(load({ run: 1 })).rejects.toThrow('it exports `run`');
    await expect(load({})).rejects.toThrow('it exports nothing');
    await expect(
      createModuleHost({ path: 'x', importModule: () => Promise.reject(new Error('not found')) }),
    ).rejects.toMatchObject({ name: 'HandlerSpecError', message: expect.stringContaining('not found') });
  });
});
