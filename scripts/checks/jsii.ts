import { type Accepted, type Check, run, tool, unaccepted } from './check';

/** About the set-up of the build, not about the interface. */
const ACCEPTED: readonly Accepted[] = [
  {
    finding: /JSII4009/,
    reason:
      "lib/ shares compiler options with folders that jsii does not compile; jsii's own set leaves no room for that",
  },
  {
    finding: /JSII6: A "peerDependency" on "aws-cdk-lib"/,
    reason: 'development goes on with the newest CDK; the check `floor` synthesizes with the oldest one',
  },
  { finding: /JSII6: A "peerDependency" on "constructs"/, reason: 'as for aws-cdk-lib' },
];

/** Whether the interface can be used from every language of jsii, without a warning. */
export const jsii: Check = {
  name: 'jsii',
  about: 'no warning of the jsii compiler',
  run: () => {
    // Names like `from` are words of Python or Java; jsii renames them there.
    const { status, stdout, stderr } = run(tool('jsii'), ['--silence-warnings=reserved-word']);
    const lines = `${stdout}\n${stderr}`.replace(/\u001b\[\d+m/g, '').split('\n');
    const findings = lines.filter((line) => /(warning|error) (JSII|TS)\d+/.test(line));
    return [...unaccepted(findings, ACCEPTED), ...(status === 0 ? [] : [`jsii ended with ${status}`])];
  },
};
