import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, aws_ec2 as ec2, CloudFormationValidatePlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { QueueRules } from '../../lib';
import { acknowledgeFindings } from '../../video/acknowledgements';
import { VideoUploadStack } from '../../video/video-upload-stack';
import { cfnLint, cfnLintMissing } from './cfn-lint';
import { type Accepted, type Check, emptyDirectory, unaccepted } from './check';

/** All are about resources that aws-cdk-lib makes as it makes them. */
const CFN_LINT_ACCEPTED: readonly Accepted[] = [
  {
    finding: /^W3045 Resources\/BucketsAccessLogs/,
    reason: "CDK's S3 server access logging sets LogDeliveryWrite unless a feature flag of the app says otherwise",
  },
  {
    finding: /^W3005 Resources\/(BucketNotificationsHandler|UploadHandler|CustomCDKBucketDeployment)/,
    reason: 'CDK adds the role and its policy as dependencies of a function; one is implied, which does no harm',
  },
];

interface Violation {
  readonly ruleName: string;
  readonly severity?: string;
  readonly violatingConstructs: ReadonlyArray<{ readonly constructPath?: string }>;
}

/** The worked example through every validator of templates. */
export const template: Check = {
  name: 'template',
  about: "the worked example under CDK's rules, our QueueRules, cdk-nag and cfn-lint",
  run: (note) => {
    const outdir = emptyDirectory('check-package/example');
    const found = cdkFindings(outdir, note);
    return [...found, ...cfnLintFindings(join(outdir, 'VideoUpload.template.json'), note)];
  },
};

function cdkFindings(outdir: string, note: (text: string) => void): string[] {
  const app = new App({ outdir, context: { '@aws-cdk/core:validateAgainstDefaultRules': true } });
  const stack = new VideoUploadStack(app, 'VideoUpload', {
    ffmpeg: { path: '/usr/bin/ffmpeg', architecture: ec2.InstanceArchitecture.ARM_64 },
  });
  acknowledgeFindings(stack);
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new CloudFormationValidatePlugin({
      guardRules: [{ name: 'queue-fleet.guard', content: QueueRules.guard() }],
      regoRules: [{ name: 'queue-fleet.rego', content: QueueRules.rego() }],
    }),
  );
  const { exitCode } = process;
  const { write } = process.stderr;
  let thrown: unknown;
  try {
    // What CDK prints is in the report too, in a form to compare.
    process.stderr.write = () => true;
    app.synth();
  } catch (error) {
    thrown = error;
  } finally {
    process.stderr.write = write;
    process.exitCode = exitCode;
  }
  const file = join(outdir, 'validation-report.json');
  if (!existsSync(file)) return [`CDK wrote no report: ${String(thrown)}`];
  const { pluginReports } = JSON.parse(readFileSync(file, 'utf8')) as {
    pluginReports: ReadonlyArray<{
      pluginName: string;
      violations: readonly Violation[];
      suppressedViolations?: readonly Violation[];
    }>;
  };
  for (const { pluginName, violations, suppressedViolations = [] } of pluginReports) {
    note(`${pluginName}: ${violations.length} findings, ${suppressedViolations.length} acknowledged`);
  }
  return pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    ),
  );
}

function cfnLintFindings(file: string, note: (text: string) => void): string[] {
  const missing = cfnLintMissing();
  if (missing !== undefined) {
    note(missing);
    return [];
  }
  const findings = cfnLint(file).map(({ rule, path }) => `${rule} ${path}`);
  note(`cfn-lint: ${findings.length} findings, each accepted with a reason`);
  return unaccepted(findings, CFN_LINT_ACCEPTED);
}
