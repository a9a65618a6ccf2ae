import { refusals, type ReleaseState } from '../../scripts/release-rules';
import { type BundledPackage, thirdPartyNotices } from '../../scripts/third-party';

const READY: ReleaseState = {
  version: '1.2.0',
  changelog: '# Changelog\n\n## [1.2.0] - 2026-01-01\n\n## 1.1.0\n',
  changedFiles: '',
  tagsHere: ['latest', 'v1.2.0'],
  hasIdentity: true,
};

describe('refusals', () => {
  test('none for a clean, tagged, described commit in CI', () => {
    expect(refusals(READY)).toEqual([]);
    expect(refusals({ ...READY, changelog: '## 1.2.0\n' })).toEqual([]);
  });

  test.each<[string, Partial<ReleaseState>, RegExp]>([
    ['a changed file', { changedFiles: ' M lib/index.ts' }, /lib\/index\.ts/],
    ['no tag', { tagsHere: [''] }, /no tag v1\.2\.0/],
    ['the tag of another version', { tagsHere: ['v1.2.01'] }, /no tag v1\.2\.0/],
    ['no section in the changelog', { changelog: '## 1.2.01\n\nAs 1.2.0\n' }, /no section 1\.2\.0/],
    ['no identity', { hasIdentity: false }, /identity token/],
  ])('one for %s', (_, change, reason) => {
    const found = refusals({ ...READY, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(reason);
  });

  test('all at once', () => {
    const nothing = { version: '1.2.0', changelog: '', changedFiles: ' M a', tagsHere: [], hasIdentity: false };
    expect(refusals(nothing)).toHaveLength(4);
  });
});

test('notices name each package once, with its license, and each text once', () => {
  const bundled = (name: string, text: string): BundledPackage => ({ name, version: '1.0.0', license: 'MIT', text });
  const notices = thirdPartyNotices([
    bundled('a', 'Text of A and B'),
    bundled('b', 'Text of A and B'),
    bundled('c', ''),
  ]);
  expect(notices).toContain('a 1.0.0 (MIT)\nb 1.0.0 (MIT)\n\nText of A and B\n');
  expect(notices.split('Text of A and B')).toHaveLength(2);
  expect(notices).toContain('c 1.0.0 (MIT)\n\nLicense: MIT\n');
});
