/** What a release is made from. */
export interface ReleaseState {
  /** Of package.json. */
  readonly version: string;
  readonly changelog: string;
  /** What `git status --porcelain` prints. */
  readonly changedFiles: string;
  readonly tagsHere: readonly string[];
  /** Whether CI offers the identity token that provenance is signed with. */
  readonly hasIdentity: boolean;
}

/** Why this state must not be published; none when it may. */
export function refusals(state: ReleaseState): string[] {
  const { version, changelog, changedFiles, tagsHere, hasIdentity } = state;
  const headings = changelog.split('\n').filter((line) => line.startsWith('## '));
  return [
    ...(changedFiles === '' ? [] : [`files differ from the commit:\n${changedFiles}`]),
    ...(tagsHere.includes(`v${version}`) ? [] : [`the commit has no tag v${version}`]),
    ...(headings.some((line) => line.split(/[\s[\]]+/).includes(version))
      ? []
      : [`CHANGELOG.md has no section ${version}`]),
    ...(hasIdentity ? [] : ['provenance needs an identity token of CI (id-token: write)']),
  ];
}
