import { type Accepted, type Check, ROOT, unaccepted } from './check';

const ACCEPTED: readonly Accepted[] = [
  {
    finding: /FILE_INVALID_FORMAT bin\.queue-fleet$/,
    reason:
      'publint looks for import statements in the text, and the minified bundle has some in strings; the check `installed` runs it',
  },
];

/** Whether the entry points of package.json are what they say. */
export const publint: Check = {
  name: 'publint',
  about: 'entry points of package.json',
  run: async () => {
    const lint = await import('publint');
    const { messages } = await lint.publint({ pkgDir: ROOT, level: 'warning', pack: 'npm' });
    return unaccepted(
      messages.map(({ code, path }) => `${code} ${path.join('.')}`),
      ACCEPTED,
    );
  },
};
